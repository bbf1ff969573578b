import numpy as np
import pytest
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import RankedScores
from TauAdv.evaluation.measures.performance import mis_id_at, roc_curve
from TauAdv.evaluation.measures.statistics import Measured, auc, efficiencies, efficiency, weighted_quantile


def test_weighted_quantile_is_that_of_repeated_values():
    rng = np.random.default_rng(3)
    values, repeats = rng.normal(size=50), rng.integers(1, 5, 50)
    q = [0.1, 0.3, 0.5, 0.9]
    expected = np.quantile(np.repeat(values, repeats), q, method="inverted_cdf")
    assert weighted_quantile(values, q, repeats).tolist() == expected.tolist()


@pytest.mark.parametrize("weights", [None, "random"])
def test_auc_agrees_with_sklearn_ties_included(weights):
    rng = np.random.default_rng(5)
    signal, background = np.round(rng.normal(1, 1, 300), 1), np.round(rng.normal(0, 1, 200), 1)
    ws, wb = (None, None) if weights is None else (rng.uniform(0.1, 3, 300), rng.uniform(0.1, 3, 200))
    expected = roc_auc_score(
        np.repeat([1, 0], [300, 200]),
        np.concatenate([signal, background]),
        sample_weight=None if ws is None else np.concatenate([ws, wb]),
    )
    assert auc(signal, background, ws, wb).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_auc_error_is_the_spread_over_samples(shift):
    rng = np.random.default_rng(7)
    samples = [
        auc(rng.normal(shift, 1, 200), rng.normal(0, 1, 300), rng.uniform(0, 2, 200), rng.uniform(0, 2, 300))
        for _ in range(400)
    ]
    spread = np.std([sample.value for sample in samples])
    # the spread of 400 samples is known to 1/sqrt(800) = 3.5 %
    assert np.mean([sample.error for sample in samples]) == pytest.approx(spread, rel=0.12)


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
    with pytest.raises(InputError, match="positive sum"):
        auc([1.0], [2.0], [0.0], None)
    with pytest.raises(InputError, match="positive sum"):
        auc([], [2.0])
    with pytest.raises(InputError, match="negative"):
        weighted_quantile([1.0, 2.0], 0.5, [2.0, -1.0])
    with pytest.raises(InputError, match="expected 2 values"):
        efficiency([True, False], [1.0])


def test_measured_prints_with_its_error():
    assert f"{Measured(0.5, 0.01):.2f}" == "0.50 ± 0.01"
    assert str(Measured(0.5, 0.01)) == "0.500 ± 0.010"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("measure", [auc, roc_curve, lambda *sides: mis_id_at(0.5, *sides), RankedScores.of])
def test_scores_that_are_not_finite(measure, side, bad):
    """NaN passes no cut: NaN of half of the background would halve the misidentification."""
    sides = [np.linspace(0, 1, 12), np.linspace(0, 1, 9)]
    sides[side][[1, 4]] = bad
    name, size = ("signal", 12) if side == 0 else ("background", 9)
    with pytest.raises(InputError, match=rf"scores of {name}: 2 of {size} are not finite, in rows 1, 4 \(from 0\)"):
        measure(*sides)


def test_cuts_and_quantiles_of_values_that_are_not_finite():
    with pytest.raises(InputError, match="1 of 2 are not finite, in rows 1"):
        weighted_quantile([1, np.nan], 0.5)
    with pytest.raises(InputError, match=r"6 of 6 are not finite, in rows 0, 1, 2, 3, 4, \.\.\."):
        efficiencies([np.nan] * 6, [0.5])
