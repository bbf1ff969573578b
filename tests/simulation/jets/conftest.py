"""Jets simulated once for all tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from TauAdv.simulation.cache import Chunk, load_events
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.jets.clusters import JetTracks, find_jets, gather_tracks
from TauAdv.simulation.jets.response import respond_for_jets
from TauAdv.simulation.jets.settings import JetSimulationSettings
from TauAdv.simulation.jets.truth import JET_EVENTS

EVENTS = 50


@pytest.fixture(scope="session")
def jet_settings() -> JetSimulationSettings:
    return JetSimulationSettings(seed=6, chunk_events=EVENTS, events={"TT": EVENTS + 10, "CC": EVENTS})


@pytest.fixture(scope="session")
def jet_events(cache: Path) -> list[Columns]:
    """Particles, leptons and heavy hadrons of top-pair events."""
    return load_events(Chunk("TT", 6, 0, EVENTS, content=JET_EVENTS), cache)[0]


@pytest.fixture(scope="session")
def jets_and_tracks(jet_events: list[Columns], jet_settings: JetSimulationSettings) -> tuple[Columns, JetTracks]:
    particles, leptons, hadrons = jet_events
    candidates, tracks = respond_for_jets(particles, jet_settings.detector, np.random.default_rng(2))
    return gather_tracks(tracks, find_jets(candidates, leptons, hadrons, EVENTS, 20.0))
