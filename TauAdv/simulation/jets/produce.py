"""The jet simulation as one step: settings in, one ``.json.gz`` file ordered by flavour out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from TauAdv.domain.classes import FLAVOURS
from TauAdv.errors import ConfigError, InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.simulation.cache import Chunk, chunks_of, generator_seed, load_events
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.generator import VertexAccess
from TauAdv.simulation.jets.clusters import find_jets, gather_tracks
from TauAdv.simulation.jets.lines import write_lines
from TauAdv.simulation.jets.response import respond_for_jets
from TauAdv.simulation.jets.settings import JetSimulationSettings
from TauAdv.simulation.jets.truth import JET_EVENTS
from TauAdv.simulation.jets.variables import jet_quantities
from TauAdv.simulation.settings import DetectorSettings
from TauAdv.simulation.workers import access_for, workers

__all__ = ["JetTask", "produce_jets", "simulate_jets"]

_STEP = "simulate_jets"
_FLAVOR = 2


@dataclass(frozen=True)
class JetTask:
    """One chunk of events, with all that a worker process needs to make its jets."""

    chunk: Chunk
    detector: DetectorSettings
    detector_seed: int
    min_pt: float
    cache: str
    access: VertexAccess


def _rng(*words: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


def simulate_jets(task: JetTask) -> Columns:
    """Return the jets of a chunk (see :func:`TauAdv.simulation.jets.variables.jet_quantities`).

    Its events come from the cache or are generated into it.
    """
    chunk = task.chunk
    (particles, leptons, hadrons), _ = load_events(chunk, task.cache, task.access)
    rng = _rng("jets", task.detector_seed, chunk.process, chunk.seed, chunk.number)
    candidates, tracks = respond_for_jets(particles, task.detector, rng)
    jets = find_jets(candidates, leptons, hadrons, chunk.events, task.min_pt)
    return jet_quantities(*gather_tracks(tracks, jets))


def _tasks(settings: JetSimulationSettings, cache: Path) -> list[JetTask]:
    chunks = [
        chunk
        for process, number in settings.events.items()
        for chunk in chunks_of(
            process, settings.seed, number, settings.chunk_events, settings.pythia.get(process, ()), content=JET_EVENTS
        )
    ]
    access = access_for(chunks, cache)
    return [
        JetTask(chunk, settings.detector, settings.detector_seed, settings.min_pt, str(cache), access) for chunk in chunks
    ]


def _join(parts: list[Columns], max_jets: Mapping[Any, int]) -> Columns:
    """Return the jets of all parts, ordered by flavour, the first ones of each flavour up to its maximum."""
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kept = []
    for name, flavour in FLAVOURS.items():
        rows = np.flatnonzero(joined["jet"][:, _FLAVOR] == flavour)
        kept.append(rows[: max_jets.get(name)])
    rows = np.concatenate(kept)
    starts = np.cumsum(joined["n_tracks"]) - joined["n_tracks"]
    counts = joined["n_tracks"][rows]
    track = np.repeat(starts[rows] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    return {"jet": joined["jet"][rows], "n_tracks": counts, "track": joined["track"][track]}


@locking("output")
def produce_jets(
    settings: JetSimulationSettings,
    output: Path | str,
    cache: Path | str,
    *,
    n_workers: int = 1,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write simulated jets to a ``.json.gz`` file in the format of the Jet Flavor dataset, with a manifest.

    A file that is there already with the same settings is kept; generated events are taken from the cache where they are, so
    that a killed run continues and another detector takes seconds.

    Args:
        settings: what to make.
        output: the file.
        cache: folder of generated events, shared by runs with other detector settings.
        n_workers: processes.
        overwrite: replace a file made with other settings.

    Returns:
        The manifest: events, jets and jets per flavour, seeds, Pythia settings.

    Raises:
        ConfigError: if no events are asked for, or the name of the file does not end in ``.gz``.
        InputError: if Pythia or fastjet is missing, or there is no jet.
        OutputExistsError: if the file exists with other settings and ``overwrite`` is false.
    """
    output, cache = Path(output), Path(cache)
    if output.suffix.lower() != ".gz":
        msg = f"{output}: a gzip file is written; give it a name that ends in .json.gz"
        raise ConfigError(msg)
    if not sum(settings.events.values()):
        msg = "no events to simulate: set 'events' (process: number), for example events.TT=500"
        raise ConfigError(msg)
    wanted = settings.model_dump(mode="json")
    if (manifest := finished(output, step=_STEP, settings=wanted, overwrite=overwrite)) is not None:
        return manifest
    tasks, parts = _tasks(settings, cache), []
    with (
        workers(n_workers) as run,
        tqdm(total=sum(settings.events.values()), unit=" events", desc="simulate jets", mininterval=1) as progress,
    ):
        for task, part in zip(tasks, run(simulate_jets, tasks), strict=True):
            parts.append(part)
            progress.update(task.chunk.events)
    return _write(_join(parts, settings.max_jets), output, tasks, wanted)


def _write(jets: Columns, output: Path, tasks: list[JetTask], wanted: dict[str, Any]) -> dict[str, Any]:
    number = len(jets["jet"])
    if number == 0:
        msg = f"no jet in {sum(task.chunk.events for task in tasks)} events; raise the number of events"
        raise InputError(msg)
    flavours = Counter(jets["jet"][:, _FLAVOR].astype(int).tolist())
    with new_file(output) as temporary:
        write_lines(temporary, jets)
        return write_manifest(
            output,
            step=_STEP,
            settings=wanted,
            seed=wanted["seed"],
            content=temporary,
            counts={"jets": number, "flavours": dict(flavours), "tracks": len(jets["track"])},
            generator_seeds={f"{task.chunk.process}/{task.chunk.number}": generator_seed(task.chunk) for task in tasks},
            pythia={task.chunk.process: task.chunk.pythia for task in tasks},
        )
