import numpy as np
import pytest

from TauAdv.simulation.columns import take
from TauAdv.simulation.detector.pileup import add_vertex_association, event_density, overlay, puppi_weights
from TauAdv.simulation.detector.response import respond
from TauAdv.simulation.settings import DetectorSettings


@pytest.fixture
def response(events):
    return respond(events[0], DetectorSettings(), np.random.default_rng(2))


def test_overlay_keeps_the_hard_event(events, library, response):
    number = int(events[0]["event"][-1]) + 1
    pt = response["pt"].copy()
    merged, table = overlay(response, number, library, DetectorSettings(pileup=15), np.random.default_rng(3))
    np.testing.assert_array_equal(merged["pt"][~merged["pileup"]], pt)
    assert (np.diff(merged["event"]) >= 0).all()
    assert table["npu"].mean() == pytest.approx(15, abs=2.5)
    assert (table["npv"] >= 1).all()
    assert merged["pileup"].mean() > 0.5
    pileup_tracks = merged["pileup"] & (merged["charge"] != 0)
    assert (merged["from_pv"][pileup_tracks] == 0).mean() > 0.8


def test_no_pileup(events, library, response):
    number = int(events[0]["event"][-1]) + 1
    rows = len(response["pt"])
    merged, table = overlay(response, number, library, DetectorSettings(pileup=0), np.random.default_rng(3))
    assert len(merged["pt"]) == rows
    np.testing.assert_array_equal(table["npv"], 1)


def test_vertex_association():
    dz = np.array([0.05, 0.15, 0.15, 0.3, 0.0])
    table = {"charge": np.array([1, 1, -1, 1, 0]), "dz": dz, "dz_error": np.array([0.01, 0.1, 0.01, 0.2, 0.0])}
    add_vertex_association(table)
    assert table["from_pv"].tolist() == [3, 3, 1, 0, 1]
    assert table["pv_quality"].tolist() == [7, 5, 1, 0, 1]


def test_event_density_of_a_uniform_event():
    eta, phi = np.meshgrid(np.arange(-2.25, 2.5, 0.5), np.arange(12) * np.pi / 6 - np.pi + 0.1)
    table = {
        "event": np.zeros(eta.size, dtype=np.int64),
        "eta": eta.ravel(),
        "phi": phi.ravel(),
        "pt": np.full(eta.size, 2.0),
    }
    area = 0.5 * np.pi / 6
    np.testing.assert_allclose(event_density(table, 2), [2 / area, 0])


def test_puppi_weights():
    table = {
        "event": np.zeros(4, dtype=np.int64),
        "eta": np.array([0.0, 0.1, 0.15, 0.2]),
        "phi": np.zeros(4),
        "pt": np.array([30.0, 2.0, 2.0, 5.0]),
        "charge": np.array([1, 1, 0, 0]),
        "from_pv": np.array([3, 0, 1, 1]),
    }
    axes = (np.array([0]), np.array([0.0]), np.array([0.0]))
    weights = puppi_weights(table, axes, np.array([[0, 1, 2, 3, -1]]))
    assert weights[0, [0, 1, 4]].tolist() == [1, 0, 0]
    assert 0.5 < weights[0, 3] < weights[0, 2] <= 1  # near a hard track of the primary vertex
    far = take(table, np.array([1, 2, 3]))
    assert puppi_weights(far, axes, np.array([[1, 2]])).tolist() == [[0, 0]]
