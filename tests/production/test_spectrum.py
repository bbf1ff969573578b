import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.production.spectrum import EVENT_DROP_EDGES, Spectrum
from TauAdv.tuples.axes import check_edges, find_bins

values = st.lists(st.floats(0, 500, width=32), max_size=60).map(lambda found: np.array(found, np.float32))


def test_find_bins_puts_edges_into_the_bin_above():
    edges = [10.0, 20.0, 30.0]
    pt = [-1.0, 9.999, 10.0, 19.999, 20.0, 30.0, 31.0, np.nan, np.inf, -np.inf]
    assert find_bins(pt, edges).tolist() == [0, 0, 1, 1, 2, 3, 3, 3, 3, 0]


@pytest.mark.parametrize("edges", [[1.0], [], [2.0, 1.0], [1.0, 1.0], [0.0, np.inf], [0.0, np.nan]])
def test_bad_edges_are_refused(edges):
    with pytest.raises(InputError, match="rising"):
        check_edges(edges)


@given(values, values)
def test_filling_in_parts_is_filling_at_once(first, second):
    empty = Spectrum.empty(EVENT_DROP_EDGES)
    parts = empty.filled(first).filled(second)
    together = empty.filled(np.concatenate([first, second]))
    assert np.array_equal(parts.contents, together.contents)
    assert parts.contents.sum() == first.size + second.size


@given(values)
def test_rebinning_is_filling_the_coarse_bins(pt):
    coarse = [35.0, 50.0, 140.0]
    rebinned = Spectrum.empty(EVENT_DROP_EDGES).filled(pt).rebinned(coarse)
    direct = Spectrum.empty(coarse).filled(pt)
    assert np.array_equal(rebinned.contents, direct.contents)
    assert np.array_equal(rebinned.variances, direct.variances)


def test_rebinning_needs_common_edges():
    with pytest.raises(InputError, match=r"no edge at \[33\.0\]"):
        Spectrum.empty(EVENT_DROP_EDGES).rebinned([30.0, 33.0, 35.0])


def test_weights_and_errors():
    spectrum = Spectrum.empty([0.0, 1.0, 2.0]).filled([0.5, 0.5, 1.5], [3.0, 4.0, -2.0])
    assert spectrum.contents.tolist() == [0, 7, -2, 0]
    assert spectrum.variances.tolist() == [0, 25, 4, 0]
    assert spectrum.relative_error.tolist() == [np.inf, 5 / 7, 1, np.inf]
    assert spectrum.scaled(2).variances.tolist() == [0, 100, 16, 0]


def test_weights_that_are_not_finite_are_counted():
    with pytest.raises(InputError, match="2 of 3 event weights"):
        Spectrum.empty([0.0, 1.0]).filled([0.5, 0.5, 0.5], [1.0, np.nan, np.inf])


def test_histogram_round_trip():
    spectrum = Spectrum.empty(EVENT_DROP_EDGES).filled([20.0, 33.0, 500.0], [1.0, 2.0, 3.0])
    again = Spectrum.from_hist(spectrum.to_hist())
    for name in ("edges", "contents", "variances"):
        assert np.array_equal(getattr(again, name), getattr(spectrum, name))


@pytest.mark.parametrize("factor", [1e308, 1e154, 1e-170, 1e-320])
def test_scales_without_a_number_are_refused(factor):
    spectrum = Spectrum.empty([20, 30, 40]).filled([25.0] * 300)
    with pytest.raises(InputError, match=r"times .* take another scale"):
        spectrum.scaled(factor)
