"""The simulation as one step: settings in, one ROOT file per process and one of pseudo-data out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from TauAdv.errors import ConfigError, InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, read_manifest, write_manifest
from TauAdv.simulation.cache import Chunk, generator_seed, load_events
from TauAdv.simulation.generator import VertexAccess
from TauAdv.simulation.samples import (
    STEP,
    ChunkResult,
    ChunkTask,
    Sample,
    join_tables,
    minbias_chunks,
    run_chunk,
    samples_of,
)
from TauAdv.simulation.settings import SimulationSettings, WriterSettings
from TauAdv.simulation.tuples import TauTable
from TauAdv.simulation.workers import access_for, workers
from TauAdv.tuples.matching import TauType
from TauAdv.tuples.writer import TupleWriter

__all__ = ["produce", "round_mantissa", "write_tuple"]

_MANTISSA_BITS = 23
_MORE_BITS_FOR_ANGLES = 4


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Return float32 values rounded to so many bits of the mantissa (relative precision 2^-(bits + 1))."""
    dropped = _MANTISSA_BITS - bits
    if dropped <= 0:
        return values.astype(np.float32)
    integers = values.astype(np.float32).view(np.uint32)
    largest = np.abs(values) > np.float32(1e38)  # the absent value must stay what it is
    half = np.uint32(1 << (dropped - 1))
    rounded = ((integers + half) & ~np.uint32((1 << dropped) - 1)).view(np.float32)
    return np.where(largest, values.astype(np.float32), rounded)


def _coarse(name: str, values: Any, bits: int) -> Any:
    jagged = isinstance(values, ak.Array)
    flat = ak.to_numpy(ak.flatten(values)) if jagged else values
    if flat.dtype.kind != "f":
        return values
    if name.endswith(("eta", "phi")):
        bits = min(bits + _MORE_BITS_FOR_ANGLES, _MANTISSA_BITS)
    rounded = round_mantissa(flat, bits)
    return ak.unflatten(rounded, ak.num(values)) if jagged else rounded


def write_tuple(path: Path, table: TauTable, settings: WriterSettings) -> None:
    """Write one tree ``taus``."""
    if settings.mantissa_bits is not None:
        table = {name: _coarse(name, values, settings.mantissa_bits) for name, values in table.items()}
    with TupleWriter(path, format=settings.format, compression=settings.compression, level=settings.level) as writer:
        writer.extend(table)


def _generate_chunk(arguments: tuple[Chunk, str, VertexAccess]) -> int:
    chunk, cache, access = arguments
    load_events(chunk, cache, access)
    return chunk.events


def _progress(chunks: list[Chunk], description: str) -> tqdm:
    return tqdm(total=sum(chunk.events for chunk in chunks), unit=" events", desc=description, mininterval=1)


def _simulate(samples: list[Sample], output: Path, cache: Path, settings: SimulationSettings, n_workers: int) -> None:
    minbias = minbias_chunks(settings)
    chunks = [chunk for sample in samples for chunk in sample.chunks]
    access = access_for([*minbias, *chunks], cache)
    arguments = (minbias, str(cache), access)
    tasks = [
        ChunkTask(sample.name, chunk, sample.detector, settings.detector_seed, *arguments)
        for sample in samples
        for chunk in sample.chunks
    ]
    with workers(n_workers) as run:
        with _progress(list(minbias), "pile-up library") as progress:
            for events in run(_generate_chunk, [(chunk, str(cache), access) for chunk in minbias]):
                progress.update(events)
        results = run(run_chunk, tasks)
        with _progress(chunks, "simulation") as progress:
            for sample in samples:
                progress.set_postfix_str(sample.name)
                parts = []
                for chunk, part in zip(sample.chunks, islice(results, len(sample.chunks)), strict=True):
                    parts.append(part)
                    progress.update(chunk.events)
                _write_sample(sample, parts, output, settings)


def _write_sample(sample: Sample, parts: list[ChunkResult], output: Path, settings: SimulationSettings) -> None:
    table = join_tables(sample, [part.table for part in parts], sample.settings["seed"])
    if len(table["evt"]) == 0:
        msg = f"sample {sample.name}: no tau candidate in {sample.num_events} events; raise the number of events"
        raise InputError(msg)
    path = output / f"{sample.name}.root"
    types, numbers = np.unique(table["sim_trueType"], return_counts=True)
    with new_file(path) as temporary:
        write_tuple(temporary, table, settings.writer)
        write_manifest(
            path,
            step=STEP,
            settings=sample.settings,
            seed=sample.settings["seed"],
            content=temporary,
            counts={
                "events": sample.num_events,
                "candidates": len(table["evt"]),
                "true_types": {TauType(value).name.lower(): number for value, number in zip(types, numbers, strict=True)},
                "generated_taus": sum(part.taus for part in parts),
                "generated_hadronic_taus": sum(part.hadronic_taus for part in parts),
                "generated_hadronic_taus_in_acceptance": sum(part.accepted_taus for part in parts),
            },
            generator_seeds={f"{chunk.process}/{chunk.number}": generator_seed(chunk) for chunk in sample.chunks},
            pythia={chunk.process: chunk.pythia for chunk in sample.chunks},
        )


def _checked_samples(settings: SimulationSettings) -> list[Sample]:
    samples = samples_of(settings)
    if not samples:
        msg = "no events to simulate: set 'events' (process: number) or 'pseudodata.events'"
        raise ConfigError(msg)
    if settings.pseudodata.events and settings.pseudodata.seed == settings.seed:
        msg = f"pseudodata.seed: must differ from seed ({settings.seed}), or data and simulation are the same events"
        raise ConfigError(msg)
    return samples


def _outputs(arguments: Mapping[str, Any]) -> list[Path]:
    return [Path(arguments["output"]) / f"{sample.name}.root" for sample in samples_of(arguments["settings"])]


@locking(_outputs)
def produce(
    settings: SimulationSettings,
    output: Path | str,
    cache: Path | str,
    *,
    n_workers: int = 1,
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Write ``<process>.root`` of every simulated process and ``pseudodata.root`` to a folder, each with a manifest.

    Files that are there already with the same settings are kept; generated events are taken from the cache where they are.

    Args:
        settings: what to make.
        output: folder of the files.
        cache: folder of generated events, shared by runs with other detector settings.
        n_workers: processes.
        overwrite: replace files made with other settings.

    Returns:
        The manifests, by sample.

    Raises:
        ConfigError: if nothing is asked for, or pseudo-data and simulation have the same seed.
        InputError: if Pythia or fastjet is missing, or a sample has no tau candidate.
        OutputExistsError: if a file exists with other settings and ``overwrite`` is false.
    """
    output, cache = Path(output), Path(cache)
    samples = _checked_samples(settings)
    paths = {sample.name: output / f"{sample.name}.root" for sample in samples}
    done = {
        name: finished(paths[name], step=STEP, settings=sample.settings, overwrite=overwrite)
        for name, sample in ((sample.name, sample) for sample in samples)
    }
    if missing := [sample for sample in samples if done[sample.name] is None]:
        _simulate(missing, output, cache, settings, n_workers)
    return {name: read_manifest(path) for name, path in paths.items()}
