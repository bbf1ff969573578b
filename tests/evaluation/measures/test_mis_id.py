import numpy as np
import pytest
from scipy.stats import norm

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.mis_id import mis_id_at, mis_id_ratio
from TauAdv.evaluation.measures.roc import roc_curve
from TauAdv.evaluation.measures.statistics import Measured


def test_mis_id_by_hand():
    found = mis_id_at(0.7, np.arange(10) / 10, [0.05, 0.25, 0.35, 0.95])
    assert found.threshold == pytest.approx(0.2)  # 0.3 ... 0.9 pass: 7 of 10
    assert (found.mis_id.value, found.mis_id.passed) == (0.75, 3)


def test_weights_of_signal_move_the_threshold():
    score, weights = np.arange(10) / 10, np.r_[np.ones(5), np.full(5, 3.0)]
    found = mis_id_at(0.75, score, [0.0, 1.0], weights)
    assert weights[score > found.threshold].sum() / weights.sum() == pytest.approx(0.75)


@pytest.mark.parametrize("wanted", [0.7, 0.9])
def test_total_error_covers(wanted):
    """With both errors included, 68 % of the samples lie within one error of the truth."""
    rng = np.random.default_rng(17)
    truth = norm.sf(norm.isf(wanted) + 1.5)  # signal N(1.5, 1), background N(0, 1)
    inside, trials = 0, 400
    for _ in range(trials):
        found = mis_id_at(wanted, rng.normal(1.5, 1, 400), rng.normal(0, 1, 800))
        inside += abs(found.mis_id.value - truth) < found.error
    assert 0.60 < inside / trials < 0.80


@pytest.mark.parametrize("wanted", [0, 1, 70])
def test_efficiency_must_be_a_fraction(wanted):
    with pytest.raises(InputError, match="between 0 and 1"):
        mis_id_at(wanted, [1.0], [1.0])
    with pytest.raises(InputError, match="between 0 and 1"):
        roc_curve([1.0], [1.0], points=[wanted])


def test_empty_sides():
    with pytest.raises(InputError, match="positive sum"):
        mis_id_at(0.5, [], [1.0])
    with pytest.raises(InputError, match="positive sum"):
        mis_id_at(0.5, [1.0, 2.0], [])


def test_ratio_of_equal_models_is_exactly_one():
    rng = np.random.default_rng(23)
    model = rng.normal(1, 1, 300), rng.normal(0, 1, 500)
    assert mis_id_ratio(0.7, model, model) == Measured(1.0, 0.0)


def test_ratio_error_is_the_spread_over_test_sets():
    """Two correlated models: the spread of the ratio over many test sets is what one bootstrap says."""
    rng = np.random.default_rng(29)

    def draw():
        common = rng.normal(1.5, 1, 300), rng.normal(0, 1, 600)
        return [tuple(side + rng.normal(0, noise, len(side)) for side in common) for noise in (0.5, 0.3)]

    found = [mis_id_ratio(0.8, *draw(), samples=60) for _ in range(60)]
    spread = np.std([ratio.value for ratio in found])
    assert np.mean([ratio.error for ratio in found]) == pytest.approx(spread, rel=0.3)


def test_ratio_needs_background_in_the_reference():
    with pytest.raises(InputError, match="no background passes"):
        mis_id_ratio(0.5, ([1.0, 2.0], [1.5]), ([1.0, 2.0], [0.0]))


def test_no_background_passes():
    """3 jets of 10 pass the reference, none the tested model: the ratio is 0, with the limit of 0 of 10 over 0.3."""
    taus = np.linspace(0.5, 1, 20)
    reference = np.r_[np.full(3, 0.9), np.full(7, 0.1)]
    found = mis_id_ratio(0.9, (taus, np.full(10, 0.1)), (taus, reference))
    assert found.value == 0
    assert found.error == pytest.approx((1 - ((1 - 0.6826894921370859) / 2) ** (1 / 10)) / 0.3)
