import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import RankedScores
from TauAdv.evaluation.measures.mis_id import mis_id_at
from TauAdv.evaluation.measures.roc import auc, roc_curve


def test_roc_curve_agrees_with_single_points():
    rng = np.random.default_rng(19)
    signal, background, weights = rng.normal(2, 1, 500), rng.normal(0, 1, 700), rng.uniform(0, 2, 700)
    curve = roc_curve(signal, background, None, weights, points=[0.7, 0.9])
    for index, wanted in enumerate((0.7, 0.9)):
        single = mis_id_at(wanted, signal, background, None, weights).mis_id
        found = (curve.mis_id[index], curve.low[index], curve.high[index])
        assert found == pytest.approx((single.value, single.low, single.high), rel=1e-12)
    whole = roc_curve(signal, background)
    assert np.all(np.diff(whole.mis_id) >= 0)
    assert whole.efficiency[[0, -1]] == pytest.approx([0.1, 0.99])


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


def test_sides_without_weight():
    with pytest.raises(InputError, match="positive sum"):
        auc([1.0], [2.0], [0.0], None)
    with pytest.raises(InputError, match="positive sum"):
        auc([], [2.0])


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
