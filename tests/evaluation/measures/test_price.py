"""The price on labelled taus: hand calculations, and what a paired bootstrap must give."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.closure_bins import BinAxis
from TauAdv.evaluation.measures.price import EFFICIENCY, MIS_ID, measure_price, with_ratios


def labelled(tau_scores, jet_scores, weights=None, **columns):
    """Return a table of taus (2) and jets (3) with these scores against jets."""
    score = np.r_[tau_scores, jet_scores].astype(float)
    label = np.repeat([2, 3], [len(tau_scores), len(jet_scores)])
    table = {"y": label, "weights": np.ones(len(score)) if weights is None else weights}
    return pd.DataFrame({**table, "p_e": 0.0, "p_mu": 0.0, "p_tau": score, "p_jet": 1 - score, **columns})


def row_of(table, quantity, name="all"):
    (row,) = table[(table["quantity"] == quantity) & (table["bin"] == name)].itertuples()
    return row


def test_figures_by_hand():
    taus, jets = np.arange(1, 101) / 101, np.arange(1, 41) / 41 / 2
    found = measure_price(labelled(taus, jets), [0.75], [0.1], samples=20)
    mis_id = row_of(found.table, MIS_ID)
    cut = 25 / 101  # 75 of the 100 taus are above
    assert (mis_id.passed, mis_id.rows) == (int(np.sum(jets > cut)), 40)
    assert mis_id.value == mis_id.passed / 40
    edge = (1 - 0.6826894921370859) / 2
    assert mis_id.low == pytest.approx(beta.ppf(edge, mis_id.passed, 40 - mis_id.passed + 1))
    assert mis_id.high == pytest.approx(beta.ppf(1 - edge, mis_id.passed + 1, 40 - mis_id.passed))
    efficiency = row_of(found.table, EFFICIENCY)
    assert efficiency.value == np.sum(taus > jets[35]) / 100  # 4 of the 40 jets are above
    assert found.samples.shape == (2, 20)


def test_bins_have_thresholds_of_their_own():
    rng = np.random.default_rng(1)
    taus, jets = rng.random(200), rng.random(200)
    pt = np.r_[np.tile([25.0, 50.0], 100), np.tile([25.0, 50.0], 100)]
    table = labelled(
        np.where(pt[:200] > 30, 0.5 + taus / 2, taus / 2), np.where(pt[200:] > 30, 0.5 + jets / 2, jets / 2), tau_pt=pt
    )
    axis = BinAxis("pT", "tau_pt", (30.0,), "GeV")
    found = measure_price(table, [0.5], [0.1], [axis], samples=5).table
    for name, chosen in (("pT below 30 GeV", pt < 30), ("pT above 30 GeV", pt > 30)):
        alone = measure_price(table[chosen], [0.5], [0.1], samples=5).table
        assert row_of(found, MIS_ID, name).value == row_of(alone, MIS_ID).value
        assert row_of(found, EFFICIENCY, name).value == row_of(alone, EFFICIENCY).value


def test_ratio_of_models_that_share_the_rows():
    rng = np.random.default_rng(2)
    taus, jets = rng.beta(4, 1, 2000), rng.beta(1, 3, 2000)
    base = measure_price(labelled(taus, jets), [0.9], [0.1], samples=100)
    same = with_ratios(measure_price(labelled(taus**2, jets**2), [0.9], [0.1], samples=100), base)
    assert same["ratio"].to_numpy() == pytest.approx(1)
    assert same["ratio_error"].to_numpy() == pytest.approx(0)  # the same taus pass in every sample
    other = measure_price(labelled(rng.beta(4, 1, 2000), rng.beta(1, 3, 2000)), [0.9], [0.1], samples=100)
    apart = with_ratios(other, base)
    relative = np.hypot(other.table["error"] / other.table["value"], base.table["error"] / base.table["value"])
    assert (apart["ratio_error"] / apart["ratio"]).to_numpy() == pytest.approx(relative.to_numpy(), rel=0.35)
    assert set(with_ratios(base, None)["ratio"]) == {1.0}


def test_two_equal_rows_are_a_row_of_weight_two_but_for_the_error():
    rng = np.random.default_rng(3)
    taus, jets = rng.random(60), rng.random(60)
    heavy = measure_price(labelled(taus, jets, np.full(120, 2.0)), [0.7], [0.1], samples=10).table
    twice = measure_price(labelled(np.repeat(taus, 2), np.repeat(jets, 2)), [0.7], [0.1], samples=10).table
    assert heavy["value"].to_numpy() == pytest.approx(twice["value"].to_numpy())
    one, two = (row_of(table, MIS_ID) for table in (heavy, twice))
    assert one.high - one.low > 1.2 * (two.high - two.low)


def test_bins_with_few_rows_are_not_known():
    rng = np.random.default_rng(4)
    table = labelled(rng.random(100), rng.random(100), tau_decayMode=np.r_[np.zeros(95), np.ones(5), np.zeros(100)])
    found = measure_price(table, [0.7], [0.1], [BinAxis("decay mode", "tau_decayMode")], samples=5)
    assert np.isnan(row_of(found.table, MIS_ID, "decay mode 1").value)
    ratios = with_ratios(found, found)
    assert np.isnan(row_of(ratios, MIS_ID, "decay mode 1").ratio)
    assert row_of(ratios, MIS_ID, "decay mode 0").ratio == 1


def test_no_taus():
    table = labelled(np.full(30, 0.5), np.full(30, 0.5))
    with pytest.raises(InputError, match="no genuine taus"):
        measure_price(table[table["y"] == 3], [0.7], [0.1])
