"""Closure above thresholds: where the answer is known."""

import numpy as np
import pytest
from control_tables import control_table
from scipy.stats import binom, ks_2samp, kstest
from specification_region import CONTRIBUTIONS

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.closure import closure_test
from TauAdv.evaluation.measures.closure_regions import closure_in_regions, regions_table

P_VALUES = ("p_rate", "p_chi2", "p_ks", "p_mean_deviation")


def top_of(table, fraction):
    return closure_test(table, CONTRIBUTIONS, fraction=fraction, bins=1).edges[0]


def regions_of(table, regions, samples=100, **options):
    return closure_in_regions(table, CONTRIBUTIONS, regions, samples=samples, **options)


def test_identical_samples_give_uniform_p_values():
    found = []
    for seed in range(120):
        table = control_table(600, 1500, seed, weights=lambda rng, n: rng.uniform(0.2, 1.8, n))
        (region,) = regions_of(table, {"top": top_of(table, 0.5)}, seed=seed, width=0.05)
        found.append([*(getattr(region, name) for name in P_VALUES), region.agreement.p_value])
    for p_values in np.transpose(found):
        assert kstest(p_values, "uniform").pvalue > 1e-3


def test_the_shift_that_would_have_been_seen_is_seen_as_often():
    table = control_table(4000, 4000, 1)
    (region,) = regions_of(table, {"top": 0.5}, width=0.05)
    low, high = region.agreement.seen
    assert low < 1 < high
    # P(u**power > 1/2) = 1 - 2**(-1/power) is `high` times one half
    power = -1 / np.log2(1 - high / 2)
    seen = 0
    for seed in range(60):
        shifted = control_table(4000, 4000, 100 + seed, data_power=power)
        (region,) = regions_of(shifted, {"top": 0.5}, width=0.05, samples=60)
        seen += region.p_rate < region.agreement.significance / 2
    assert binom.cdf(seen, 60, region.agreement.power) > 1e-3
    assert binom.cdf(seen - 1, 60, region.agreement.power) < 1 - 1e-3


def test_numbers_are_those_of_the_closure_test():
    table = control_table(3000, 5000, 2, data_power=1.1, weights=lambda rng, n: rng.uniform(0.5, 1.5, n))
    one = closure_test(table, CONTRIBUTIONS)
    (region,) = regions_of(table, {"top 50 %": one.edges[0]})
    assert (region.chi2, region.ndf) == (pytest.approx(one.chi2), one.ndf)
    assert region.rate.value == pytest.approx(one.rate.value)
    assert region.rate.error == pytest.approx(one.rate.error)
    assert region.agreement.seen == one.agreement.seen
    assert region.p_rate == pytest.approx(one.agreement.p_rate)


def test_ks_distance_and_mean_deviation_by_hand():
    table = control_table(400, 800, 5)
    (region,) = regions_of(table, {"all": 0.0}, width=0.5)
    middle = np.sort(table.query("dataset_id == 1")["Djet"])[399]  # the lowest score that half of simulation reaches
    parts = [(table.query(f"dataset_id == {number}")["Djet"] < middle).mean() for number in (0, 1)]
    assert region.ks == pytest.approx(abs(parts[0] - parts[1]))
    expected = np.mean([abs(1 - parts[0] / parts[1]), abs(1 - (1 - parts[0]) / (1 - parts[1]))])
    assert region.mean_deviation == pytest.approx(expected)


def test_p_values_of_the_ks_distance_are_those_of_scipy():
    for seed in range(3):
        table = control_table(2000, 2000, seed, data_power=1.04)
        (region,) = regions_of(table, {"all": 0.0}, width=0.004, samples=1000)
        sides = [table.query(f"dataset_id == {number}")["Djet"] for number in (0, 1)]
        expected = ks_2samp(*sides)
        assert region.ks == pytest.approx(expected.statistic, abs=0.005)
        assert region.p_ks == pytest.approx(expected.pvalue, abs=0.12)  # of a distance at the edges of bins


def test_far_samples_have_small_p_values_and_disagree():
    table = control_table(3000, 3000, 4, data_power=1.5)
    (region,) = regions_of(table, {"top": 0.5})
    assert max(region.p_rate, region.p_chi2, region.agreement.p_value) < 1e-6
    assert region.agreement.verdict == "disagree"
    assert region.mean_deviation > 1.5 * region.expected_deviation


def test_regions_with_few_taus_and_none():
    table = control_table(100, 100, 6)
    few, none = regions_of(table, {"few": 0.9, "none": 1.5})
    assert few.agreement.verdict == "too few taus"
    assert (none.data, none.mc, none.ndf) == (0, 0, 0)
    assert none.agreement.verdict == "too few taus"
    assert np.isnan(none.rate.value)
    rows = regions_table([few, none])
    assert list(rows["name"]) == ["few", "none"]
    assert rows.loc[1, ["rate", "chi2_per_ndf", "seen_below"]].isna().all()
    assert rows.loc[0, "verdict"] == "too few taus"


def test_bad_input():
    table = control_table(50, 50, 1)
    with pytest.raises(InputError, match="missing columns"):
        regions_of(table.drop(columns="Djet"), {"top": 0.5})
    with pytest.raises(InputError, match="data has 0 rows"):
        regions_of(table[table["dataset_id"] == 1], {"top": 0.5})
    with pytest.raises(InputError, match="no genuine taus"):
        regions_of(table.replace({"dataset_id": {1: 5}}), {"top": 0.5})
