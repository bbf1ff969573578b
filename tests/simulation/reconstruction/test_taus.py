import numpy as np
import pytest

from TauAdv.simulation import geometry
from TauAdv.simulation.detector.pileup import overlay
from TauAdv.simulation.detector.response import ParticleType, respond
from TauAdv.simulation.geometry import delta_phi, four_vector, kinematics, nearest_object, neighbours
from TauAdv.simulation.reconstruction import taus as tau_module
from TauAdv.simulation.reconstruction.taus import HYPOTHESES, mass_window, reconstruct_taus
from TauAdv.simulation.settings import DetectorSettings

PION = 0.13957


def candidates(*rows):
    """Rows: event, pt, eta, phi, particle type, charge."""
    columns = dict(zip(("event", "pt", "eta", "phi", "particle_type", "charge"), np.array(rows, dtype=float).T, strict=True))
    table = {
        name: values.astype(int) if name in ("event", "particle_type", "charge") else values
        for name, values in columns.items()
    }
    charged = table["charge"] != 0
    table["mass"] = np.where(charged, PION, 0.0)
    table["from_pv"] = np.where(charged, 3, 1)
    return table


def test_hypotheses():
    modes, counts = np.unique(HYPOTHESES.decay_mode, return_counts=True)
    assert dict(zip(modes.tolist(), counts.tolist(), strict=True)) == {0: 6, 1: 18, 2: 18, 10: 20, 11: 60}
    np.testing.assert_array_equal(HYPOTHESES.charged.sum(axis=1), np.where(HYPOTHESES.decay_mode < 10, 1, 3))


@pytest.mark.parametrize(
    ("mode", "mass", "pt", "inside"),
    [(1, 0.77, 40, True), (1, 1.5, 40, False), (1, 1.5, 200, True), (10, 0.7, 40, False), (10, 1.2, 40, True)],
)  # fmt: skip
def test_mass_window(mode, mass, pt, inside):
    assert mass_window(np.array([mode]), np.array([mass]), np.array([float(pt)]))[0] == inside


def test_one_prong():
    taus, signal = reconstruct_taus(candidates((0, 40, 0.5, 1.0, 1, -1)), 1)
    assert taus["decay_mode"].tolist() == [0]
    assert taus["charge"].tolist() == [-1]
    np.testing.assert_allclose([taus["pt"][0], taus["mass"][0]], [40, PION], rtol=1e-6)
    assert signal["candidate"].tolist() == [0]


def test_rho_decay():
    taus, signal = reconstruct_taus(candidates((0, 25, 0.5, 1.0, 1, 1), (0, 15, 0.54, 1.0, ParticleType.PHOTON, 0)), 1)
    expected = kinematics(
        four_vector(np.array([25.0, 15]), np.array([0.5, 0.54]), np.array([1.0, 1]), np.array([PION, 0])).sum(0)
    )
    assert taus["decay_mode"].tolist() == [1]
    np.testing.assert_allclose([taus["pt"][0], taus["mass"][0]], [expected[0], expected[3]], rtol=1e-6)
    assert sorted(signal["candidate"].tolist()) == [0, 1]


def test_three_prong():
    tracks = [(0, 15, 0.50, 1.0, 1, 1), (0, 12, 0.535, 1.01, 1, 1), (0, 10, 0.49, 0.95, 1, -1)]
    p4 = four_vector(*(np.array([track[i] for track in tracks], dtype=float) for i in (1, 2, 3)), PION).sum(axis=0)
    pt, _, _, mass = kinematics(p4)
    assert 0.8 < mass < 1.5
    taus, signal = reconstruct_taus(candidates(*tracks), 1)
    assert taus["decay_mode"].tolist() == [10]
    assert taus["charge"].tolist() == [1]
    np.testing.assert_allclose([taus["pt"][0], taus["mass"][0]], [pt, mass], rtol=1e-6)
    assert len(signal["candidate"]) == 3


def test_tracks_of_other_vertices_make_no_tau():
    table = candidates((0, 40, 0.5, 1.0, 1, -1))
    table["from_pv"][:] = 1
    assert len(reconstruct_taus(table, 1)[0]["pt"]) == 0


def test_two_events_are_apart():
    taus, _ = reconstruct_taus(candidates((0, 40, 0.5, 1.0, 1, -1), (2, 35, 0.5, 1.0, 1, 1)), 3)
    assert taus["event"].tolist() == [0, 2]


def test_neighbours_and_nearest():
    table = {
        "event": np.array([0, 0, 0, 1]),
        "eta": np.array([0.0, 0.1, 2.0, 0.0]),
        "phi": np.array([3.1, -3.1, 0.0, 3.1]),
        "pt": np.array([1.0, 5.0, 9.0, 7.0]),
    }
    axes = (np.array([0, 1, 2]), np.zeros(3), np.full(3, np.pi))
    assert neighbours(table, axes, 0.5, 2).tolist() == [[1, 0], [3, -1], [-1, -1]]
    assert nearest_object(table, axes, 0.5).tolist() == [0, 3, -1]
    assert delta_phi(np.array(3.1), np.array(-3.1)) == pytest.approx(6.2 - 2 * np.pi)


def test_neighbours_of_many_axes_are_those_of_single_ones(monkeypatch):
    monkeypatch.setattr(geometry, "_PAIRS_AT_ONCE", 50)
    rng = np.random.default_rng(5)
    event = np.repeat(np.arange(6), [7, 0, 120, 3, 20, 0])  # one event has more pairs than are made at once
    objects = {"event": event, **{name: rng.uniform(-1, 1, len(event)) for name in ("eta", "phi", "pt")}}
    axes = (np.repeat(np.arange(6), [3, 2, 4, 0, 6, 1]), *rng.uniform(-1, 1, (2, 16)))
    together = neighbours(objects, axes, 0.5, 8)
    apart = [neighbours(objects, tuple(values[[axis]] for values in axes), 0.5, 8)[0] for axis in range(16)]
    np.testing.assert_array_equal(together, apart)
    assert (together >= 0).any(axis=1).sum() >= 8


def test_jets_that_cannot_hold_a_tau_are_left_out_without_losing_one(events, library, monkeypatch):
    candidates, _ = overlay(
        respond(events[0], DetectorSettings(), np.random.default_rng(2)),
        60,
        library,
        DetectorSettings(),
        np.random.default_rng(3),
    )
    taus, signal = reconstruct_taus(candidates, 60)
    monkeypatch.setattr(tau_module, "_have_track", lambda _, jets: np.ones(len(jets["pt"]), dtype=bool))
    monkeypatch.setattr(tau_module, "_may_reach_pt", lambda _, table: np.ones(len(table), dtype=bool))
    every, signal_of_every = reconstruct_taus(candidates, 60)
    assert len(taus["pt"]) > 30
    for found, expected in ((taus, every), (signal, signal_of_every)):
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_an_electron_counts_as_track_and_in_a_strip():
    """15 GeV in all, but 27 GeV of a track of 12 GeV and a strip of 15 GeV."""
    taus, _ = reconstruct_taus(candidates((0, 12, 0.5, 1.0, ParticleType.ELECTRON, -1), (0, 3, 0.5, 1.1, 4, 0)), 1)
    assert taus["decay_mode"].tolist() == [1]
    assert taus["pt"][0] == pytest.approx(27, abs=0.1)
