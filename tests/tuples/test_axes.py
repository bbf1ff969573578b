from bisect import bisect_right

import hist
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.tuples.axes import Axis

ENDS = st.floats(-1e4, 1e4).filter(lambda value: value == 0 or abs(value) > 1e-3)


def find_fix_bin(bins, low, high, value):
    """TAxis::FindFixBin of ROOT for equal bins, one value at a time."""
    if value < low:
        return 0
    if not value < high:
        return bins + 1
    return 1 + int(bins * (value - low) / (high - low))


def test_a_tau_at_30_gev_belongs_to_30_to_40():
    pt = Axis.equal_bins(98, 20, 1000)
    values = np.arange(20, 1001, 10, dtype=np.float32)
    assert pt.find(values).tolist() == list(range(1, 100))
    assert pt.find([30]) == [2]
    assert pt.find([np.nextafter(30, 0), np.nextafter(np.float32(30), np.float32(0))]).tolist() == [1, 1]


def test_outside_and_what_is_no_number():
    for axis in (Axis.equal_bins(2, 0, 2), Axis.variable([0, 1, 2])):
        assert axis.find([-1, -0.0, 0, 1, 2, 3, np.inf, -np.inf, np.nan]).tolist() == [0, 1, 1, 2, 3, 3, 3, 0, 3]


@given(st.integers(1, 2000), ENDS, ENDS, st.lists(st.floats(-2e4, 2e4), max_size=5))
def test_equal_bins_are_those_of_root(bins, low, high, values):
    low, high = sorted((low, high))
    assume(high - low > 1e-2)
    axis = Axis.equal_bins(bins, low, high)
    edges = [low + number * ((high - low) / bins) for number in range(bins)]
    assert axis.edges.tolist() == [*edges, high]
    tried = [*values, *edges[:: max(bins // 20, 1)], high]
    assert axis.find(tried).tolist() == [find_fix_bin(bins, low, high, value) for value in tried]


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9, unique=True), st.lists(st.floats(-120, 120), max_size=9))
def test_other_bins_are_those_of_a_binary_search(edges, values):
    edges = sorted(edges)
    tried = [*values, *edges]
    assert Axis.variable(edges).find(tried).tolist() == [bisect_right(edges, value) for value in tried]


def test_edges_are_equal_within_a_part_of_a_bin():
    axis = Axis.variable([0, 1, 1.001, 5])
    assert axis.positions([0, 1 + 0.9e-12, 1.001, 5 + 3.9e-9, 5 - 3.9e-9]).tolist() == [0, 1, 2, 3, 3]
    assert axis.positions([1 + 1.1e-12, 5 + 4.1e-9, 0.5, -3, 9]).tolist() == [-1] * 5
    assert axis.has_edges([0, 1, 1.001, 5 + 1e-9])
    assert not axis.has_edges([0, 1, 5])
    assert not axis.has_edges([0, 1, 1.002, 5])


@pytest.mark.parametrize(("bins", "low", "high"), [(370, 30, 400), (74, 30, 400), (76, 20, 400), (1000, 0, 1000)])
def test_whole_numbers_are_edges_of_equal_bins(bins, low, high):
    wanted = np.arange(low, high + 1, 5)
    assert (Axis.equal_bins(bins, low, high).positions(wanted) == np.arange(wanted.size) * (5 * bins // (high - low))).all()


def test_axes_of_hist():
    assert Axis.of(hist.axis.Regular(98, 20, 1000)).regular
    assert Axis.of(hist.axis.Variable([1, 2, 4])).edges.tolist() == [1, 2, 4]
    assert not Axis.of(hist.axis.Regular(3, 1, 1000, transform=hist.axis.transform.log)).regular
    assert Axis.of(Axis.equal_bins(98, 20, 1000).as_hist()).edges.tolist() == Axis.equal_bins(98, 20, 1000).edges.tolist()


def test_bins_and_axes_in_words():
    axis = Axis.variable([30, 40, 400])
    assert [axis.bin_name(number) for number in range(4)] == [
        "underflow (below 30)",
        "bin 1 (30 to 40)",
        "bin 2 (40 to 400)",
        "overflow (from 400)",
    ]
    assert str(axis) == "30.0, 40.0, 400.0"
    assert str(Axis.equal_bins(370, 30, 400)) == "370 equal bins from 30.0 to 400.0"
    assert str(Axis.variable(np.geomspace(1, 2**39, 40))).count(", ") == 11


@pytest.mark.parametrize(
    ("bins", "low", "high"), [(0, 0, 1), (-1, 0, 1), (3, 1, 1), (3, 2, 1), (3, 0, np.inf), (3, np.nan, 1)]
)
def test_axes_that_cannot_be(bins, low, high):
    with pytest.raises(InputError, match="received"):
        Axis.equal_bins(bins, low, high)


def test_many_edges_are_not_all_quoted():
    with pytest.raises(InputError, match=r"received 41 numbers: 7.0 is followed by 7.0"):
        Axis.variable([*range(8), 7, *range(8, 40)])
