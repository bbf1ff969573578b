import numpy as np
import pytest

from TauAdv.simulation.detector.response import ParticleType
from TauAdv.simulation.geometry import delta_phi, four_vector, kinematics, nearest_object, neighbours
from TauAdv.simulation.reconstruction.taus import HYPOTHESES, mass_window, reconstruct_taus

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
