import numpy as np
import pytest
from scipy.stats import poisson
from sklearn.metrics import roc_auc_score

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import RankedScores, bootstrap_counts, measure
from TauAdv.evaluation.measures.mis_id import mis_id_at
from TauAdv.evaluation.measures.roc import auc

MISTAGS = (0.1, 0.01)


def sample(seed=1, n=900):
    """Scores with ties, labels 0 (signal), 1 (background), 2 (neither) and weights."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    score = np.round(rng.normal(1.0 * (label == 0), 1), 1)
    return score, (np.flatnonzero(label == 0), np.flatnonzero(label == 1)), rng.uniform(0.2, 2, n), label


@pytest.mark.parametrize("weighted", [False, True])
def test_auc_is_that_of_sklearn(weighted):
    score, sides, weights, label = sample()
    weights = weights if weighted else np.ones(len(score))
    used = label < 2
    expected = roc_auc_score(label[used] == 0, score[used], sample_weight=weights[used])
    found = measure(score, sides, weights, MISTAGS, samples=10, seed=1)
    assert found.auc.value == pytest.approx(expected, abs=1e-12)


def test_efficiencies_are_the_fractions_above_the_cut():
    score, sides, weights, _ = sample(2)
    found = measure(score, sides, weights, MISTAGS, samples=10, seed=1)
    for mistag, efficiency in zip(MISTAGS, found.efficiencies, strict=True):
        # the mistag rate fixes the cut: background takes the place of signal
        other = mis_id_at(mistag, score[sides[1]], score[sides[0]], weights[sides[1]], weights[sides[0]])
        assert efficiency.value == pytest.approx(other.mis_id.value, abs=1e-12)
        above = score[sides[1]] > other.threshold
        assert weights[sides[1]][above].sum() / weights[sides[1]].sum() <= mistag


def test_error_of_the_auc_is_that_of_delong():
    score, sides, weights, _ = sample(3, 3000)
    found = measure(score, sides, weights, MISTAGS, samples=300, seed=1)
    expected = auc(score[sides[0]], score[sides[1]], weights[sides[0]], weights[sides[1]])
    assert found.auc.error == pytest.approx(expected.error, rel=0.15)  # 300 samples know it to 4 %
    assert found.samples.shape == (300, 3)
    assert found.samples[:, 0].std() == pytest.approx(found.auc.error)


def test_curves_on_the_same_rows_share_their_samples():
    score, sides, weights, _ = sample(4)
    options = {"samples": 50, "seed": 7}
    first, second = (measure(values, sides, weights, MISTAGS, **options) for values in (score, score + 0.0))
    assert (first.samples == second.samples).all()
    shifted = measure(score + 0.05 * np.random.default_rng(1).normal(size=len(score)), sides, weights, MISTAGS, **options)
    assert (shifted.samples - first.samples)[:, 0].std() < 0.5 * first.auc.error


def test_counts_are_poisson_and_depend_on_the_seed_only():
    counts = np.stack(list(bootstrap_counts(50_000, 4, seed=3)))
    again = np.stack(list(bootstrap_counts(50_000, 2, seed=3)))
    assert (counts[:2] == again).all()
    assert not (counts[0] == counts[1]).all()
    shares = np.bincount(counts.ravel(), minlength=8)[:8] / counts.size
    expected = poisson.pmf(np.arange(8), 1)
    assert np.all(abs(shares - expected) < 5 * np.sqrt(expected / counts.size) + 2e-5)


@pytest.mark.parametrize("mistags", [(0.0,), (1.0,), (-0.1,), (10,)])
def test_mistag_rates_must_be_fractions(mistags):
    score, sides, weights, _ = sample()
    with pytest.raises(InputError, match="between 0 and 1"):
        measure(score, sides, weights, mistags, samples=2, seed=1)


def test_bad_scores_and_weights():
    score, sides, weights, _ = sample()
    with pytest.raises(InputError, match="both are needed"):
        RankedScores.of([], [1.0])
    with pytest.raises(InputError, match="1 of 2 are not finite"):
        RankedScores.of([1.0, np.nan], [1.0])
    with pytest.raises(InputError, match="weights of signal"):
        measure(score, sides, 0 * weights, MISTAGS, samples=2, seed=1)
    with pytest.raises(InputError, match="weights of background"):
        measure(score, sides, np.where(np.arange(len(score)) == sides[1][0], -1, weights), MISTAGS, samples=2, seed=1)
