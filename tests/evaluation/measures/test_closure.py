import numpy as np
import pandas as pd
import pytest
from specification_region import CONTRIBUTIONS

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.closure import closure_test, top_edges


def small_table(data, mc, weights):
    return pd.DataFrame(
        {
            "Djet": [*data, *mc],
            "weights": [*np.full(len(data), 7.0), *weights],  # a weight of data is not used
            "dataset_id": [0] * len(data) + [1] * len(mc),
        }
    )


def test_chi2_and_rate_by_hand():
    # bins [0, .5), [.5, 1): data 4 and 6, MC 3·1 and 2·3.5; variances of MC 3 and 24.5
    table = small_table([0.1] * 4 + [0.7] * 6, [0.2] * 3 + [0.8] * 2, [1, 1, 1, 3.5, 3.5])
    found = closure_test(table, CONTRIBUTIONS, edges=[0, 0.5, 1])
    assert found.overall.value == pytest.approx(1)
    assert found.chi2 == pytest.approx((4 - 3) ** 2 / (4 + 3) + (6 - 7) ** 2 / (6 + 24.5))
    assert found.ndf == 2
    assert found.rate.value == pytest.approx(1)
    top = closure_test(table, CONTRIBUTIONS, edges=[0.5, 1], normalise=False)
    assert top.rate.value == pytest.approx(6 / 7)
    assert top.rate.error == pytest.approx(6 / 7 * np.sqrt(6 / 36 + 24.5 / 49))


def test_normalisation_scales_all_simulation_together():
    table = small_table([0.1] * 4 + [0.7] * 6, [0.2] * 2 + [0.8] * 3, [1.0] * 5)
    found = closure_test(table, CONTRIBUTIONS, edges=[0.5, 1])
    assert found.overall.value == pytest.approx(2)
    assert found.rate.value == pytest.approx(1)
    assert found.chi2 == pytest.approx(0)
    unscaled = closure_test(table, CONTRIBUTIONS, edges=[0.5, 1], normalise=False)
    assert unscaled.rate.value == pytest.approx(2)
    assert unscaled.chi2 == pytest.approx((6 - 3) ** 2 / (6 + 3))


def test_fully_contained_normalised_rate_has_no_error():
    table = small_table([0.1, 0.2], [0.1, 0.3], [1.0, 1.0])
    assert closure_test(table, CONTRIBUTIONS, edges=[0, 1]).rate.error == pytest.approx(0)


def test_empty_bins():
    # bins: both empty (not counted); data only; MC only (variance from the expectation)
    table = small_table([0.6, 0.6, 0.6], [0.9, 0.9, 0.9], [1.0, 1.0, 1.0])
    found = closure_test(table, CONTRIBUTIONS, edges=[0, 0.5, 0.8, 1])
    assert found.ndf == 2
    assert found.chi2 == pytest.approx(3**2 / 3 + 3**2 / (3 + 3))
    with pytest.raises(InputError, match="neither data nor simulation"):
        closure_test(table, CONTRIBUTIONS, edges=[0, 0.1])


def test_no_data_in_the_range_is_a_rate_of_zero():
    found = closure_test(small_table([0.1, 0.1], [0.9, 0.1], [1.0, 1.0]), CONTRIBUTIONS, edges=[0.5, 1])
    assert (found.rate.value, found.rate.error) == (0, pytest.approx(1))


def test_top_edges_hold_equal_shares_of_weight():
    rng = np.random.default_rng(1)
    score, weights = rng.random(20000), rng.uniform(0, 2, 20000)
    edges = top_edges(score, weights, fraction=0.5, bins=20)
    shares = np.histogram(score, edges, weights=weights)[0] / weights.sum()
    assert len(edges) == 21
    assert edges[-1] == np.inf
    assert shares == pytest.approx(0.5 / 20, abs=2e-4)


def test_top_edges_of_a_saturated_score_are_fewer():
    edges = top_edges(np.concatenate([np.linspace(0, 1, 50), np.ones(50)]), bins=20)
    assert len(edges) >= 2
    assert np.all(np.diff(edges) > 0)
    assert top_edges(np.full(10, 0.5)).tolist() == [0.5, np.inf]
    with pytest.raises(InputError, match="0 rows"):
        top_edges([], fraction=0.5)


def test_score_of_exactly_one_is_counted():
    table = small_table([0.1, 1.0], [0.5, 1.0], [1.0, 1.0])
    assert closure_test(table, CONTRIBUTIONS, bins=2).rate.value > 0


@pytest.mark.parametrize("weighted", [False, True])
def test_null_experiments_give_chi2_per_ndf_of_one(make_table, weighted):
    weight = (lambda rng, n: rng.uniform(0.2, 1.8, n)) if weighted else None
    results = [closure_test(make_table(3000, 6000, seed=seed, mc_weight=weight), CONTRIBUTIONS) for seed in range(60)]
    chi2 = np.array([result.chi2_per_ndf for result in results])
    assert chi2.mean() == pytest.approx(1, abs=3 * chi2.std() / np.sqrt(60))
    assert chi2.std() == pytest.approx(np.sqrt(2 / 20), rel=0.35)
    pulls = np.array([(result.rate.value - 1) / result.rate.error for result in results])
    assert abs(pulls.mean()) < 3 / np.sqrt(60)
    assert pulls.std() == pytest.approx(1, rel=0.3)


def test_a_shift_is_seen(make_table):
    shifted = closure_test(make_table(data_shift=-0.5), CONTRIBUTIONS)
    assert shifted.agreement.verdict == "disagree"
    assert shifted.rate.value < 0.9
    assert closure_test(make_table(), CONTRIBUTIONS).agreement.verdict == "agree"


def test_few_taus_far_off_disagree(make_table):
    """A thousand taus with a rate far from 1 are no 'nothing to repair', though their chi2/ndf is small."""
    few = closure_test(make_table(1000, 4000, data_shift=-0.3), CONTRIBUTIONS)
    assert few.chi2_per_ndf < 4
    assert few.agreement.verdict == "disagree"
    assert few.agreement.p_value < 1e-4


def test_too_few_taus_are_an_answer_of_their_own(make_table):
    found = closure_test(make_table(120, 4000, seed=3), CONTRIBUTIONS).agreement
    assert found.verdict == "too few taus"
    assert found.p_value > 0.05
    assert 0.2 < found.smallest_shift < 0.5
    assert closure_test(make_table(120, 4000, seed=3), CONTRIBUTIONS, relevant_shift=0.6).agreement.verdict == "agree"


def test_the_whole_range_is_tested_in_its_upper_half(make_table):
    found = closure_test(make_table(8000, 8000), CONTRIBUTIONS, fraction=1.0).agreement
    assert found.verdict == "agree"
    assert found.ndf == 19  # of 20 bins, as nothing is outside
    assert closure_test(make_table(8000, 8000, data_shift=0.3), CONTRIBUTIONS, fraction=1.0).agreement.verdict == "disagree"


def test_yields_have_no_agreement(make_table):
    assert closure_test(make_table(), CONTRIBUTIONS, normalise=False).agreement is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns=["Djet", "weights"]), r"\['Djet', 'weights'\]"),
        (lambda t: t[t.dataset_id != 0], "data has 0 rows"),
        (lambda t: t.assign(Djet=t.Djet.where(t.index != 7)), "1 of 400 values of 'Djet' are not finite"),
        (lambda t: t.assign(weights=np.where(t.dataset_id == 1, np.inf, 1)), "values of 'weights' are not finite"),
        (lambda t: t[t.dataset_id == 0], "simulation has 0 rows"),
        (lambda t: t[~t.dataset_id.isin([1, 2])], "no genuine taus"),
        (lambda t: t.assign(dataset_id=t.dataset_id + 5), "dataset_id"),
    ],
)
def test_tables_that_cannot_be_tested(make_table, change, message):
    with pytest.raises(InputError, match=message):
        closure_test(change(make_table(200, 200)), CONTRIBUTIONS)


def test_fraction_must_be_a_fraction():
    with pytest.raises(InputError, match=r"\(0, 1\]"):
        top_edges([0.1, 0.2], fraction=1.5)
