from functools import partial

import numpy as np
import pytest
from cms_graphs import small_network

from TauAdv.models.comparison import compare_scores, random_taus


def test_figures_are_those_of_the_differences():
    scores = np.array([[0.5, 0.3, 0.2, 0.0]])

    def reference(inputs):
        return np.repeat(scores, len(inputs["tau"]), axis=0)

    def other(inputs):
        return reference(inputs) + np.array([1e-3, 0, -1e-3, 0])

    found = compare_scores(reference, other, partial(random_taus, small_network()), n_taus=250)
    assert found.taus == 250
    assert found.largest_difference == pytest.approx(1e-3)
    assert found.largest_relative == pytest.approx(2e-3)
    assert found.relative_difference == pytest.approx(np.sqrt(2e-6 / (scores**2).sum()))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_differ_infinitely(value):
    def reference(inputs):
        return np.full((len(inputs["tau"]), 4), 0.25)

    found = compare_scores(
        reference, lambda inputs: reference(inputs) * value, partial(random_taus, small_network()), n_taus=3
    )
    assert found.largest_difference == found.relative_difference == np.inf


def test_random_taus_cover_empty_and_busy_grids():
    network = small_network()
    inputs = random_taus(network, 200, seed=5)
    for grid, settings in network.grids.items():
        counts = np.bincount(inputs[f"{grid}_index"][:, 0], minlength=200)
        assert (counts[:10] == 0).all()
        assert counts.max() > 0.2 * settings.n_cells**2
        assert (inputs[f"{grid}_cells"] != 0).any(axis=1).all()
    again = random_taus(network, 200, seed=5)
    assert all(np.array_equal(inputs[name], again[name]) for name in inputs)
