"""Yield and shape in bins: where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from control_tables import control_table
from scipy.stats import binom, kstest, norm
from specification_region import CONTRIBUTIONS

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.closure_bins import ALL_SCORES, BinAxis, closure_in_bins

MODES = BinAxis("decay mode", "tau_decayMode")
SPECTRUM = BinAxis("pT", "tau_pt", (30.0, 45.0), "GeV")
REGIONS = {"top half": 0.5}


def bins_of(table, regions=REGIONS, axes=(MODES,), samples=100, **options):
    return closure_in_bins(table, CONTRIBUTIONS, regions, axes=axes, samples=samples, **options)


def row_of(found, name, quantity, region):
    table = found.table
    chosen = table[(table["bin"] == name) & (table["quantity"] == quantity) & (table["region"] == region)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_identical_samples_give_uniform_p_values():
    together, yields, shapes = [], [], []
    for seed in range(120):
        table = control_table(500, 900, seed, weights=lambda rng, n: rng.uniform(0.2, 1.8, n))
        found = bins_of(table, axes=(MODES, SPECTRUM), seed=seed)
        together.append(found.global_p_value["both"])
        yields.append(row_of(found, "decay mode 1", "yield", ALL_SCORES)["p_value"])
        shapes.append(row_of(found, "pT 30 to 45 GeV", "shape", "top half")["p_value"])
    for p_values in (together, yields, shapes):
        assert kstest(p_values, "uniform").pvalue > 1e-3


def test_small_counts_are_tested_by_toys_with_uniform_p_values():
    p_values = []
    for seed in range(80):
        table = control_table(120, 300, seed, data_modes=(0.97, 0.03))
        table["tau_decayMode"] = np.random.default_rng(seed).random(len(table)) < 0.02  # 2.4 of data are expected
        row = row_of(bins_of(table, seed=seed), "decay mode 1", "yield", ALL_SCORES)
        p_values += [row["p_value"]] if row["method"] == "toys" else []
    assert len(p_values) > 60
    # counts are whole numbers: p-values are at least as large as uniform ones
    for level in (0.05, 0.2, 0.5):
        assert binom.cdf(np.sum(np.array(p_values) < level) - 1, len(p_values), level) < 0.999
    assert np.mean(p_values) < 0.75


def test_a_planted_shift_is_found_as_often_as_expected():
    n_data, n_mc, part = 600, 2000, 0.48
    # the part of mode 0 is 0.48 in data and 0.4 in simulation
    common = (n_data * part + n_mc * 0.4) / (n_data + n_mc)
    expected = (part - 0.4) / np.sqrt(common * (1 - common) * (1 / n_data + 1 / n_mc))
    power = norm.cdf(expected - norm.isf(0.025))
    assert 0.9 < power < 0.97
    seen = sum(
        row_of(
            bins_of(control_table(n_data, n_mc, seed, data_modes=(part, 1 - part)), samples=2),
            "decay mode 0",
            "yield",
            ALL_SCORES,
        )["p_value"]
        < 0.05
        for seed in range(80)
    )
    assert 1e-3 < binom.cdf(seen, 80, power) < 1 - 1e-3


def test_migration_shows_in_yield_and_not_in_shape():
    found = bins_of(control_table(6000, 6000, 3, data_modes=(0.5, 0.5)))
    assert found.global_p_value["yield"] < 1e-6
    assert found.global_p_value["shape"] > 0.02
    assert found.global_p_value["both"] < 1e-6
    assert row_of(found, "decay mode 0", "yield", ALL_SCORES)["value"] == pytest.approx(1.25, abs=0.06)
    assert row_of(found, "decay mode 0", "shape", "top half")["value"] == pytest.approx(1, abs=0.06)
    assert found.table.loc[found.most_deviating, "quantity"] == "yield"


def test_a_shifted_score_shows_in_shape_and_not_in_yield():
    found = bins_of(control_table(6000, 6000, 4, data_power=1.3))
    assert found.global_p_value["shape"] < 1e-6
    assert found.global_p_value["yield"] > 0.02
    # P(u^1.3 > 1/2) = 1 - 2^(-1/1.3)
    for mode in (0, 1):
        value = row_of(found, f"decay mode {mode}", "shape", "top half")["value"]
        assert value == pytest.approx(2 * (1 - 2 ** (-1 / 1.3)), abs=0.06)


def table_of(data, mc, weights):
    """Return rows of (decay mode, score) of data and simulation."""
    rows = [*data, *mc]
    return pd.DataFrame(
        {
            "Djet": [score for _, score in rows],
            "weights": [*np.full(len(data), 9.0), *weights],  # a weight of data is not used
            "dataset_id": [0] * len(data) + [1] * len(mc),
            "tau_decayMode": [mode for mode, _ in rows],
        }
    )


def test_numbers_by_hand():
    data = [(0, 0.1)] * 3 + [(0, 0.9)] * 1 + [(1, 0.9)] * 6
    mc = [(0, 0.1)] * 2 + [(0, 0.9)] * 2 + [(1, 0.9)] * 2
    found = bins_of(table_of(data, mc, [1, 1, 1, 2, 2, 3]))
    # data: 4 of 10 in mode 0; simulation: 5 of 10, of which 2 + 3 below and above; squares 7 of 20
    first = row_of(found, "decay mode 0", "yield", ALL_SCORES)
    assert (first["data"], first["mc"], first["value"]) == (4, 5, 0.8)
    assert first["error"] == pytest.approx(0.8 * np.sqrt(0.4 * 0.6 / 10 / 0.4**2 + (7 * 0.5**2 + 13 * 0.5**2) / 25))
    assert first["mc_effective"] == pytest.approx(25 / 7)
    shape = row_of(found, "decay mode 0", "shape", "top half")
    assert (shape["data"], shape["mc"]) == (1, pytest.approx(4 * 3 / 5))
    assert shape["value"] == pytest.approx((1 / 4) / (3 / 5))
    rate = row_of(found, "decay mode 0", "rate", "top half")
    assert rate["value"] == pytest.approx(1 / 3)
    assert rate["value"] == pytest.approx(first["value"] * shape["value"])
    # mode 1 has one region only: its shape agrees by construction
    assert row_of(found, "decay mode 1", "shape", "top half")["value"] == pytest.approx(1)


def test_two_equal_rows_are_a_row_of_weight_two_but_for_the_error():
    data = [(0, 0.1)] * 30 + [(1, 0.9)] * 50
    heavy = table_of(data, [(0, 0.1)] * 40 + [(1, 0.9)] * 40, [2.0] * 80)
    twice = table_of(data, [(0, 0.1)] * 80 + [(1, 0.9)] * 80, [1.0] * 160)
    one, two = (row_of(bins_of(table), "decay mode 0", "yield", ALL_SCORES) for table in (heavy, twice))
    assert one["value"] == two["value"]
    assert (one["mc_effective"], two["mc_effective"]) == (40, 80)
    assert abs(one["deviations"]) < abs(two["deviations"])


def test_bins_without_taus_and_without_weight():
    data = [(0, 0.2)] * 40 + [(1, 0.8)] * 40 + [(10, 0.8)] * 10 + [(11, 0.3)] * 5
    mc = [(0, 0.2)] * 60 + [(1, 0.8)] * 60 + [(10, 0.8)] * 4
    table = table_of(data, mc, [1.0] * 120 + [1.0, 1.0, -1.0, -2.0])
    found = bins_of(table, axes=(MODES, BinAxis("score", "Djet", (0.5, 0.99))))
    assert found.problems[0] == "decay mode 10, all scores: the weights of simulation sum to -1; not tested"
    bad = row_of(found, "decay mode 10", "yield", ALL_SCORES)
    assert np.isnan(bad["p_value"])
    assert (bad["method"], bad["data"]) == ("none", 10)
    only_data = row_of(found, "decay mode 11", "yield", ALL_SCORES)
    assert np.isnan(only_data["value"])
    assert only_data["deviations"] > 0  # data where simulation has none is a deviation
    empty = row_of(found, "score above 0.99", "yield", ALL_SCORES)
    assert (empty["data"], empty["mc"], empty["method"]) == (0, 0, "none")
    assert 0 <= found.global_p_value["both"] <= 1
    assert found.left_out > 0


def test_negative_weights_count_with_their_sign():
    data = [(0, 0.2)] * 50 + [(1, 0.8)] * 50
    mc = [(0, 0.2)] * 60 + [(1, 0.8)] * 40
    found = bins_of(table_of(data, mc, [1.0] * 50 + [-1.0] * 10 + [1.0] * 40))
    first = row_of(found, "decay mode 0", "yield", ALL_SCORES)
    assert first["value"] == pytest.approx((50 / 100) / (40 / 80))
    assert first["mc_effective"] == pytest.approx(40**2 / 60)


def test_same_seed_same_numbers():
    table = control_table(300, 300, 7)
    first, second, other = (bins_of(table, axes=(MODES, SPECTRUM), seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.global_p_value == second.global_p_value
    assert other.table["value"].equals(first.table["value"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="tau_decayMode"), "missing columns"),
        (lambda table: table[table["dataset_id"] == 0], "simulation has 0 rows of total weight 0"),
        (lambda table: table[table["dataset_id"] == 1], "data has 0 rows"),
        (lambda table: table.assign(weights=-1.0), "simulation has 50 rows of total weight -50"),
        (lambda table: table.assign(tau_decayMode=np.nan), "'tau_decayMode' are not finite"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InputError, match=message):
        bins_of(change(control_table(50, 50, 1)))
