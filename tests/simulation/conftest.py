"""Events generated once for all tests of the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pythia8mc", reason="the extra 'simulation' is not installed")
pytest.importorskip("fastjet", reason="the extra 'simulation' is not installed")

from TauAdv.simulation.cache import Chunk, load_events
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.detector.pileup import PileupLibrary, build_library
from TauAdv.simulation.settings import DetectorSettings, PseudodataSettings, SimulationSettings, WriterSettings

EVENTS = 60


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="session")
def events(cache: Path) -> list[Columns]:
    """Particles and leptons of DY -> tau tau events."""
    return load_events(Chunk("DYtautau", 4, 0, EVENTS), cache)[0]


@pytest.fixture(scope="session")
def library(cache: Path) -> PileupLibrary:
    particles, _ = load_events(Chunk("MinimumBias", 4, 0, 30), cache)[0]
    return build_library(particles, 30, DetectorSettings(), np.random.default_rng(1))


@pytest.fixture(scope="session")
def settings() -> SimulationSettings:
    """Two samples of two chunks, and pseudo-data of two processes."""
    return SimulationSettings(
        seed=4,
        chunk_events=EVENTS,
        minbias_events=30,
        events={"DYtautau": EVENTS + 20, "DYmumu": 20},
        pseudodata=PseudodataSettings(seed=5, events={"DYtautau": 30, "QCD": 20}, detector=DetectorSettings(pileup=18.0)),
        writer=WriterSettings(compression="zlib", level=1),
    )
