import numpy as np
import pytest
from scipy.stats import beta

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.statistics import Measured, efficiencies, efficiency, weighted_quantile


def test_weighted_quantile_is_that_of_repeated_values():
    rng = np.random.default_rng(3)
    values, repeats = rng.normal(size=50), rng.integers(1, 5, 50)
    q = [0.1, 0.3, 0.5, 0.9]
    expected = np.quantile(np.repeat(values, repeats), q, method="inverted_cdf")
    assert weighted_quantile(values, q, repeats).tolist() == expected.tolist()


def test_efficiency_unweighted_is_clopper_pearson():
    found = efficiency(np.arange(50) < 7)
    tail = 0.15865525393145707
    assert (found.value, found.passed) == (pytest.approx(0.14), 7)
    assert found.low == pytest.approx(beta.ppf(tail, 7, 44))
    assert found.high == pytest.approx(beta.ppf(1 - tail, 8, 43))


@pytest.mark.parametrize(("passes", "low", "high"), [(np.zeros(10, bool), 0, 0.168), (np.ones(10, bool), 0.832, 1)])
def test_efficiency_of_nothing_and_everything(passes, low, high):
    found = efficiency(passes)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_equal_weights_change_nothing():
    passes = np.arange(80) % 9 == 0
    assert efficiency(passes, np.full(80, 3.7)).low == pytest.approx(efficiency(passes).low)


@pytest.mark.parametrize("correlated", [False, True])
def test_efficiency_interval_covers_also_with_weights(correlated):
    """68 % of the intervals hold the truth (Clopper-Pearson covers at least that), also where passing rows weigh more."""
    rng = np.random.default_rng(11)
    covered, trials = 0, 600
    for _ in range(trials):
        passes = rng.random(1500) < 0.05
        weights = rng.uniform(0.5, 1.5, 1500) * (np.where(passes, 3.0, 1.0) if correlated else 1.0)
        truth = 0.15 / (0.15 + 0.95) if correlated else 0.05
        found = efficiency(passes, weights)
        covered += found.low <= truth <= found.high
    assert 0.63 < covered / trials < 0.80  # 600 trials: 1.9 % per standard deviation


def test_weights_that_cannot_be_used():
    with pytest.raises(InputError, match="negative"):
        weighted_quantile([1.0, 2.0], 0.5, [2.0, -1.0])
    with pytest.raises(InputError, match="expected 2 values"):
        efficiency([True, False], [1.0])


def test_measured_prints_with_its_error():
    assert f"{Measured(0.5, 0.01):.2f}" == "0.50 ± 0.01"
    assert str(Measured(0.5, 0.01)) == "0.500 ± 0.010"


def test_cuts_and_quantiles_of_values_that_are_not_finite():
    with pytest.raises(InputError, match="1 of 2 are not finite, in rows 1"):
        weighted_quantile([1, np.nan], 0.5)
    with pytest.raises(InputError, match=r"6 of 6 are not finite, in rows 0, 1, 2, 3, 4, \.\.\."):
        efficiencies([np.nan] * 6, [0.5])
