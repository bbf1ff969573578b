import numpy as np
import pytest

from TauAdv.simulation.detector.response import CANDIDATE_COLUMNS, ParticleType, respond
from TauAdv.simulation.detector.tracking import impact_parameter_errors
from TauAdv.simulation.settings import DetectorSettings

IDEAL = DetectorSettings(track_pt_resolution=0, ip_resolution=0, em_resolution=0)


def particles(pdg, pt, eta=0.3, phi=0.7, vertex=(0.0, 0.0, 0.0), mass=0.0, copies=1):
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    values = {"px": px, "py": py, "pz": pz, "energy": np.sqrt(px**2 + py**2 + pz**2 + mass**2)}
    values |= dict(zip(("vx", "vy", "vz"), vertex, strict=True))
    table = {name: np.full(copies, value, dtype=np.float32) for name, value in values.items()}
    return {**table, "pdg_id": np.full(copies, pdg, dtype=np.int32), "event": np.arange(copies, dtype=np.int32)}


def test_no_particle_gives_no_candidate():
    table = respond(particles(211, 10.0, copies=0), DetectorSettings(), np.random.default_rng(1))
    assert set(table) == set(CANDIDATE_COLUMNS)
    assert all(len(values) == 0 for values in table.values())


def test_pion_track_keeps_momentum_and_impact_parameters():
    vertex = (0.3, -0.4, 2.0)  # mm
    table = respond(particles(-211, 20.0, vertex=vertex, mass=0.1396, copies=400), IDEAL, np.random.default_rng(1))
    tracks = table["charge"] != 0
    assert 0.9 < tracks.mean() <= 1
    assert set(table["charge"][tracks]) == {-1}
    np.testing.assert_allclose(table["track_pt"][tracks], 20, rtol=1e-5)
    x, y, z = (value / 10 for value in vertex)
    np.testing.assert_allclose(table["dxy"][tracks], -x * np.sin(0.7) + y * np.cos(0.7), atol=1e-6)
    expected = z - (x * np.cos(0.7) + y * np.sin(0.7)) * np.sinh(0.3)
    np.testing.assert_allclose(table["dz"][tracks], expected, atol=1e-6)


def test_impact_parameter_pulls():
    nominal = DetectorSettings()
    table = respond(particles(13, 10.0, copies=5000), nominal, np.random.default_rng(2))
    pulls = table["dxy"] / table["dxy_error"]
    expected = np.sqrt(0.97 + 0.03 * 2.5**2)  # 3 % of tracks are 2.5 times worse than they say
    assert np.std(pulls[table["charge"] != 0]) == pytest.approx(expected, rel=0.05)


def test_impact_parameter_errors_of_the_specification():
    dxy, dz = impact_parameter_errors(np.array([1.0, 1e6]), np.zeros(2))
    np.testing.assert_allclose(dxy, [1e-4 * np.hypot(10, 90), 1e-3], rtol=1e-6)
    np.testing.assert_allclose(dz, [1e-4 * np.hypot(30, 100), 3e-3], rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1.05])
def test_photon_scale(scale):
    settings = DetectorSettings(em_resolution=0, em_scale=scale)
    table = respond(particles(22, 30.0, copies=200), settings, np.random.default_rng(3))
    assert set(table["particle_type"]) == {ParticleType.PHOTON}
    np.testing.assert_allclose(table["pt"], 30 * scale, rtol=1e-4)
    assert 0.85 < len(table["pt"]) / 200 < 1


def test_photons_of_one_cell_are_merged():
    pair = particles(22, 10.0, copies=2)
    pair["event"][:] = 0
    table = respond(pair, DetectorSettings(em_resolution=0), np.random.default_rng(5))
    np.testing.assert_allclose(table["pt"], [20], rtol=1e-4)


@pytest.mark.parametrize(("pdg", "kind", "low", "high"), [(11, 2, 0.75, 0.95), (13, 3, 0.85, 0.99), (211, 1, 0.96, 0.99)])
def test_identification_is_not_perfect(pdg, kind, low, high):
    table = respond(particles(pdg, 30.0, eta=0.0, copies=3000), DetectorSettings(), np.random.default_rng(6))
    tracks = table["charge"] != 0
    assert low < (table["particle_type"][tracks] == kind).mean() < high


def test_track_efficiency_knob():
    def tracks(efficiency):
        settings = DetectorSettings(track_efficiency=efficiency)
        return (respond(particles(211, 5.0, copies=4000), settings, np.random.default_rng(7))["charge"] != 0).sum()

    assert tracks(0.8) / tracks(1.0) == pytest.approx(0.8, abs=0.03)


def test_tracks_far_from_the_beam_are_lost():
    table = respond(particles(211, 5.0, vertex=(101.0, 0.0, 0.0), copies=50), DetectorSettings(), np.random.default_rng(8))
    assert not (table["charge"] != 0).any()
