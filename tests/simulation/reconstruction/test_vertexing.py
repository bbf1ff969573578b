import numpy as np
import pytest
from scipy.stats import chi2

from TauAdv.simulation.reconstruction.vertexing import fit_vertices, flight_significance, gottfried_jackson_difference

NUMBER = 3000


def three_tracks(rng, vertex, outlier=False):
    phi = 0.4 + 0.05 * rng.standard_normal((NUMBER, 3))
    eta = 0.2 + 0.05 * rng.standard_normal((NUMBER, 3))
    errors = {"dxy_error": rng.uniform(0.001, 0.002, (NUMBER, 3)), "dz_error": rng.uniform(0.003, 0.005, (NUMBER, 3))}
    x, y, z = vertex
    dxy = -x * np.sin(phi) + y * np.cos(phi) + errors["dxy_error"] * rng.standard_normal((NUMBER, 3))
    dz = z - (x * np.cos(phi) + y * np.sin(phi)) * np.sinh(eta) + errors["dz_error"] * rng.standard_normal((NUMBER, 3))
    if outlier:
        dz = np.concatenate([dz[:, :2], dz[:, 2:] + 0.5], axis=1)
    return {"phi": phi, "eta": eta, "dxy": dxy, "dz": dz, **errors}


def test_known_vertex_is_found_with_right_pulls():
    vertex = np.array([0.25, 0.1, 0.06])
    fit = fit_vertices(three_tracks(np.random.default_rng(1), vertex), np.ones((NUMBER, 3), dtype=bool))
    pulls = (fit.position - vertex) / np.sqrt(np.einsum("nii->ni", fit.covariance))
    good = (fit.weights > 0.9).all(axis=1)
    assert good.mean() > 0.9
    # 3000 vertices: mean known to .02, width to .013; the prior and the weights change little
    np.testing.assert_allclose(pulls[good].mean(axis=0), 0, atol=0.08)
    np.testing.assert_allclose(pulls[good].std(axis=0), 1, atol=0.08)
    assert np.median(fit.chi2) == pytest.approx(chi2.median(3), abs=0.2)  # 6 measurements, 3 parameters


def test_outlier_gets_little_weight():
    fit = fit_vertices(
        three_tracks(np.random.default_rng(2), (0.2, 0.1, 0.0), outlier=True), np.ones((NUMBER, 3), dtype=bool)
    )
    assert (fit.weights.min(axis=1) < 0.5).mean() > 0.95


def test_unused_tracks_do_not_count():
    tracks = three_tracks(np.random.default_rng(3), (0.2, 0.1, 0.0))
    used = np.ones((NUMBER, 3), dtype=bool)
    padded = {name: np.concatenate([values, np.zeros((NUMBER, 1))], axis=1) for name, values in tracks.items()}
    longer = fit_vertices(padded, np.concatenate([used, np.zeros((NUMBER, 1), dtype=bool)], axis=1))
    np.testing.assert_allclose(longer.position, fit_vertices(tracks, used).position, rtol=1e-9, atol=1e-12)


def test_flight_significance():
    fit = fit_vertices(three_tracks(np.random.default_rng(4), (0.0, 0.0, 0.0)), np.ones((NUMBER, 3), dtype=bool))
    assert np.median(flight_significance(fit, (0, 0, 0))) < 2
    displaced = fit_vertices(three_tracks(np.random.default_rng(4), (1.8, 0.8, 0.4)), np.ones((NUMBER, 3), dtype=bool))
    assert np.median(flight_significance(displaced, (0, 0, 0))) > 3 * np.median(flight_significance(fit, (0, 0, 0)))


def test_gottfried_jackson():
    momentum = np.array([[30.0, 0, 0], [30.0, 0, 0]])
    difference = gottfried_jackson_difference(momentum, np.array([1.2, 1.9]), np.array([[1.0, 0, 0], [1.0, 0, 0]]))
    largest = np.arcsin((1.77693**2 - 1.2**2) / (2 * 1.77693 * 30))
    np.testing.assert_allclose(difference, [-largest, -1])
