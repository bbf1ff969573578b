import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.simulation.jets.perigee import covariance, measure_perigee, track_errors, true_perigee
from TauAdv.simulation.settings import DetectorSettings


def truth(**columns):
    values = {"vx": 0.0, "vy": 0.0, "vz": 0.0, "eta": 0.0, "phi": 0.0, "pt": 10.0} | columns
    size = max(np.size(value) for value in values.values())
    return {name: np.broadcast_to(np.asarray(value, float), size) for name, value in values.items()}


@given(
    st.floats(-3, 3), st.floats(-3, 3), st.floats(-5, 5), st.floats(-2, 2), st.floats(-3.1, 3.1), st.sampled_from([-1, 1])
)
def test_straight_track(vx, vy, vz, eta, phi, charge):
    """At very high pt the helix is a straight line through the production vertex (cm)."""
    track = true_perigee(truth(vx=vx, vy=vy, vz=vz, eta=eta, phi=phi, pt=1e7), np.array([charge]))[0]
    along = vx * np.cos(phi) + vy * np.sin(phi)
    np.testing.assert_allclose(track[0], 10 * (-vx * np.sin(phi) + vy * np.cos(phi)), atol=1e-3)
    np.testing.assert_allclose(track[1], 10 * (vz - along * np.sinh(eta)), atol=1e-2)
    np.testing.assert_allclose(np.cos(track[2] - phi), 1, atol=1e-6)


@given(st.floats(1, 50), st.floats(-3.1, 3.1), st.floats(-2, 2), st.floats(0.1, 1.0), st.sampled_from([-1, 1]))
def test_production_vertex_lies_on_the_helix(pt, phi, eta, path, charge):
    """Start at a perigee, follow the helix for some turning angle, and come back to the same parameters."""
    radius = pt * 1e3 / 0.6
    d0, z0 = 0.7, -3.0
    turned = phi - charge * path * 0.3
    centre = np.array([-np.sin(phi), np.cos(phi)]) * d0 + charge * radius * np.array([np.sin(phi), -np.cos(phi)])
    point = centre - charge * radius * np.array([np.sin(turned), -np.cos(turned)])
    z = z0 + radius * path * 0.3 * np.sinh(eta)
    start = truth(vx=point[0] / 10, vy=point[1] / 10, vz=z / 10, eta=eta, phi=turned, pt=pt)
    found = true_perigee(start, np.array([charge]))[0]
    np.testing.assert_allclose(found[:2], [d0, z0], atol=1e-6 * radius)
    np.testing.assert_allclose(np.cos(found[2] - phi), 1)
    np.testing.assert_allclose(found[4], charge / (pt * np.cosh(eta)))


def test_covariance_is_positive_definite_and_has_the_errors():
    rng = np.random.default_rng(0)
    pt, eta = rng.uniform(1, 800, 500), rng.uniform(-2.5, 2.5, 500)
    errors = track_errors(pt, eta)
    matrices = covariance(errors)
    scaled = matrices / (errors[:, :, None] * errors[:, None, :])
    assert (np.linalg.eigvalsh(scaled) > 0.01).all()
    np.testing.assert_allclose(np.einsum("nii->ni", matrices), errors**2)
    np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
    assert (matrices != 0).all()  # no column of the dataset is constant


def test_pulls_and_shifted_resolution():
    rows = 20_000
    charge = np.ones(rows)
    start = truth(pt=np.full(rows, 30.0), eta=0.3)
    spread = {}
    for factor in (1.0, 1.4):
        measured, matrices = measure_perigee(start, charge, DetectorSettings(ip_resolution=factor), np.random.default_rng(5))
        pulls = (measured - true_perigee(start, charge)) / np.sqrt(np.einsum("nii->ni", matrices))
        # the core is Gaussian: half of the tracks within .67 errors; tails reach phi and theta by correlation
        spread[factor] = np.median(np.abs(pulls[:, :2]), axis=0)
        np.testing.assert_allclose(np.median(np.abs(pulls[:, 2:]), axis=0), 0.6745, rtol=0.08)
    np.testing.assert_allclose(spread[1.4] / spread[1.0], 1.4, rtol=1e-6)
    np.testing.assert_allclose(spread[1.0], 0.6745, rtol=0.06)
