"""Toys: ranks of what was observed and of toys are of one kind, so that p-values of many tests stay right."""

import numpy as np
import pytest

from TauAdv.evaluation.measures.toys import global_p_value, rank_p_values


def test_ranks_by_hand():
    found, of_toys = rank_p_values(np.array([2.0]), np.array([[1.0], [2.0], [3.0]]))
    assert found == pytest.approx([3 / 4])  # itself, 2 and 3
    assert of_toys[:, 0] == pytest.approx([1, 3 / 4, 1 / 4])


@pytest.mark.parametrize("samples", [40, 200])
def test_the_global_p_value_of_many_ranked_tests_is_uniform(samples):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        sizes = np.abs(rng.normal(size=(samples + 1, 60)))
        found.append(global_p_value(*rank_p_values(sizes[0], sizes[1:])))
    # where the p-value is so coarse that many share the smallest one, it errs on the safe side
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(found) <= level) < level + 4 * np.sqrt(level * (1 - level) / len(found))
