"""What is made for each output file: chunks of generated events through the detector, joined into one tuple."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.simulation.cache import Chunk, chunks_of, load_events
from TauAdv.simulation.detector.pileup import PileupLibrary, build_library
from TauAdv.simulation.generator import VertexAccess
from TauAdv.simulation.processes import MINIMUM_BIAS, PROCESSES
from TauAdv.simulation.reconstruction.labels import hide_generator
from TauAdv.simulation.settings import DetectorSettings, PseudodataSettings, SimulationSettings
from TauAdv.simulation.truth import LeptonKind
from TauAdv.simulation.tuples import TauTable, simulate_events
from TauAdv.tuples.matching import TauType

__all__ = [
    "ACCEPTANCE",
    "PSEUDODATA",
    "STEP",
    "ChunkResult",
    "ChunkTask",
    "Sample",
    "join_tables",
    "minbias_chunks",
    "run_chunk",
    "samples_of",
]

#: What manifests call the simulation.
STEP = "simulate"
PSEUDODATA = "pseudodata"
#: Number ranges of ``evt``: process number x this + event number.
_EVENTS_PER_PROCESS = 100_000_000
_RUN_MC, _RUN_DATA = 1, 2
#: Visible pt (GeV) and |eta| of generated taus that count for the reconstruction efficiency.
ACCEPTANCE = {"pt": 20.0, "abs_eta": 2.3}


@dataclass(frozen=True)
class Sample:
    """One output file: ``chunks`` of generated events seen by one detector."""

    name: str
    chunks: tuple[Chunk, ...]
    detector: DetectorSettings
    settings: dict[str, Any] = field(compare=False)

    @property
    def is_data(self) -> bool:
        """Return whether generator information is hidden."""
        return self.name == PSEUDODATA

    @property
    def num_events(self) -> int:
        """Return the number of generated events."""
        return sum(chunk.events for chunk in self.chunks)


@dataclass(frozen=True)
class ChunkTask:
    """One chunk of a sample, with all that a worker process needs to make its tau candidates."""

    sample: str
    chunk: Chunk
    detector: DetectorSettings
    detector_seed: int
    minbias: tuple[Chunk, ...]
    cache: str
    access: VertexAccess


@dataclass(frozen=True)
class ChunkResult:
    """Tau candidates of a chunk, and its number of generated taus: all, hadronic, and hadronic in :data:`ACCEPTANCE`."""

    table: TauTable
    taus: int
    hadronic_taus: int
    accepted_taus: int


def minbias_chunks(settings: SimulationSettings) -> tuple[Chunk, ...]:
    """Return the chunks of the pile-up library (generated once, used by all samples)."""
    return tuple(chunks_of(MINIMUM_BIAS, settings.seed, settings.minbias_events, settings.chunk_events))


def samples_of(settings: SimulationSettings) -> list[Sample]:
    """Return the output files that the settings ask for: one per process with events, and the pseudo-data."""
    data, size = settings.pseudodata, settings.chunk_events
    groups: list[tuple[str, dict[str, int], SimulationSettings | PseudodataSettings]]
    groups = [(name, {name: number}, settings) for name, number in settings.events.items()]
    groups.append((PSEUDODATA, data.events, data))
    samples = []
    for name, events, source in groups:
        extra = {process: source.pythia.get(process, ()) for process in events}
        chunks = [
            chunk
            for process, number in events.items()
            for chunk in chunks_of(process, source.seed, number, size, extra[process])
        ]
        if not chunks:
            continue
        content = {
            "sample": name,
            "events": events,
            "seed": source.seed,
            "pythia": {process: lines for process, lines in extra.items() if lines},
            "detector": source.detector.model_dump(),
            "keep": source.model_dump(mode="json").get("keep", {}),
            **settings.model_dump(include={"detector_seed", "chunk_events", "minbias_events", "writer"}),
            "minbias_seed": settings.seed,
        }
        samples.append(Sample(name, tuple(chunks), source.detector, content))
    return samples


def _rng(*words: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


@lru_cache(maxsize=2)
def _library(
    minbias: tuple[Chunk, ...], detector: DetectorSettings, seed: int, sample: str, cache: str, access: VertexAccess
) -> PileupLibrary:
    parts, done = [], 0
    for chunk in minbias:
        (particles, _), _ = load_events(chunk, cache, access)
        particles["event"] = particles["event"] + done
        parts.append(particles)
        done += chunk.events
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return build_library(joined, done, detector, _rng("pile-up", seed, sample))


def run_chunk(task: ChunkTask) -> ChunkResult:
    """Return the tau candidates of one chunk; its events come from the cache or are generated into it.

    Columns of the table: tuple branches with generator information, ``event`` (number within the chunk), ``sim_process``.
    """
    library = _library(task.minbias, task.detector, task.detector_seed, task.sample, task.cache, task.access)
    tables, _ = load_events(task.chunk, task.cache, task.access)
    chunk = task.chunk
    rng = _rng(task.detector_seed, task.sample, chunk.process, chunk.seed, chunk.number)
    table = simulate_events(tables, chunk.events, library, task.detector, rng)
    rows = len(table["event"])
    table["sim_process"] = np.full(rows, list(PROCESSES).index(chunk.process), dtype=np.int32)
    table["lumi"] = np.full(rows, chunk.number + 1, dtype=np.uint32)
    leptons = tables[1]
    hadronic = leptons["kind"] == LeptonKind.TAU_TO_HADRONS
    accepted = hadronic & (leptons["pt"] > ACCEPTANCE["pt"]) & (np.abs(leptons["eta"]) < ACCEPTANCE["abs_eta"])
    taus = leptons["kind"] >= LeptonKind.TAU_TO_ELECTRON
    return ChunkResult(table, int(taus.sum()), int(hadronic.sum()), int(accepted.sum()))


def _join(values: list[Any]) -> Any:
    return ak.concatenate(values) if isinstance(values[0], ak.Array) else np.concatenate(values)


def _kept(table: TauTable, keep: dict[str, list[str]]) -> np.ndarray:
    """Return which candidates have a true class that is kept of their process."""
    kept = np.ones(len(table["tauType"]), dtype=bool)
    for process, classes in keep.items():
        wanted = np.isin(table["tauType"], [TauType[name.upper()] for name in classes])
        kept &= wanted | (table["sim_process"] != list(PROCESSES).index(process))
    return kept


def join_tables(sample: Sample, tables: list[TauTable], seed: int) -> TauTable:
    """Return the chunks of a sample as one table with event identity.

    Pseudo-data loses its generator information, and its events are put in random order and numbered anew, so that neither
    order nor number tells the process; the truth label stays in ``sim_trueType``.

    Args:
        sample: what the tables belong to.
        tables: of :func:`run_chunk`, in the order of the sample's chunks.
        seed: of the order of the pseudo-data.
    """
    sizes = np.array([chunk.number * sample.settings["chunk_events"] for chunk in sample.chunks])
    counts = [len(table["event"]) for table in tables]
    table = {name: _join([part[name] for part in tables]) for name in tables[0]}
    event = table.pop("event").astype(np.uint64) + np.repeat(sizes, counts).astype(np.uint64)
    table["evt"] = table["sim_process"].astype(np.uint64) * np.uint64(_EVENTS_PER_PROCESS) + event + np.uint64(1)
    table["sim_trueType"] = table["tauType"].copy()
    table["run"] = np.full(len(event), _RUN_DATA if sample.is_data else _RUN_MC, dtype=np.uint32)
    if not sample.is_data:
        return table
    kept = _kept(table, sample.settings["keep"])
    table = hide_generator({name: values[kept] for name, values in table.items()})
    _, number = np.unique(table["evt"], return_inverse=True)
    shuffled = _rng("order", seed).permutation(number.max(initial=-1) + 1)[number]
    table["evt"] = shuffled.astype(np.uint64) + np.uint64(1)
    table["lumi"] = (shuffled // 1000 + 1).astype(np.uint32)
    order = np.argsort(shuffled, kind="stable")
    return {name: values[order] for name, values in table.items()}
