import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.jets.moments import Moments

FLOATS = st.floats(-1e4, 1e4, width=32)


@st.composite
def blocks(draw):
    """Values, which of them count, and where to cut them into blocks."""
    rows = draw(st.integers(1, 30))
    values = draw(arrays(np.float32, (rows, 3), elements=FLOATS))
    valid = draw(arrays(bool, (rows, 3)))
    cuts = draw(st.lists(st.integers(0, rows), max_size=4))
    return values, valid, sorted(cuts)


@given(blocks())
def test_any_blocks_give_the_moments_of_one_pass(content):
    values, valid, cuts = content
    merged = Moments.empty(3)
    for value, ok in zip(np.split(values, cuts), np.split(valid, cuts), strict=True):
        merged = merged + Moments.of(value, ok)
    for column in range(3):
        chosen = values[valid[:, column], column].astype(np.float64)
        assert merged.count[column] == len(chosen)
        if len(chosen):
            scale = max(1.0, abs(chosen).max())
            np.testing.assert_allclose(merged.mean[column], chosen.mean(), atol=1e-12 * scale)
            np.testing.assert_allclose(merged.variance[column], chosen.var(), atol=1e-11 * scale**2)
            assert (merged.minimum[column], merged.maximum[column]) == (chosen.min(), chosen.max())


@given(blocks())
def test_order_of_the_sum_does_not_matter(content):
    values, valid, cuts = content
    parts = [Moments.of(*part) for part in zip(np.split(values, cuts), np.split(valid, cuts), strict=True)]
    one, other = Moments.empty(3), Moments.empty(3)
    for part in parts:
        one, other = one + part, part + other
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12, atol=1e-8)
    np.testing.assert_allclose(one.squares, other.squares, rtol=1e-9, atol=1e-6)


@given(st.floats(-1e6, 1e6, width=32), st.integers(1, 1000))
def test_equal_values_have_no_variance_at_all(value, number):
    """A mean of equal float32 numbers may be off in the last digit of float64; their spread is 0 nevertheless."""
    values = np.full((number, 1), value, np.float32)
    moments = Moments.of(values, np.ones_like(values, bool)) + Moments.of(values, np.ones_like(values, bool))
    assert moments.constant[0]
    assert moments.variance[0] == 0


def test_spread_much_smaller_than_the_mean():
    """The textbook formula (mean of squares minus square of mean) loses all digits here."""
    rng = np.random.default_rng(1)
    values = (1000 + rng.normal(0, 1e-3, (50_000, 1))).astype(np.float32)
    merged = Moments.empty(1)
    for block in np.array_split(values, 37):
        merged = merged + Moments.of(block, np.ones_like(block, bool))
    np.testing.assert_allclose(merged.variance, values.astype(np.float64).var(axis=0), rtol=1e-9)


def test_masked_values_do_not_count():
    values = np.array([[1, np.nan], [np.inf, 2], [3, -np.inf]], np.float32)
    moments = Moments.of(values, np.isfinite(values))
    np.testing.assert_array_equal(moments.count, [2, 1])
    np.testing.assert_array_equal(moments.mean, [2, 2])
    np.testing.assert_array_equal(moments.variance, [1, 0])


def test_arrays_round_trip():
    values = np.random.default_rng(2).normal(size=(20, 4)).astype(np.float32)
    moments = Moments.of(values, values > 0)
    again = Moments.from_arrays(moments.arrays())
    for name, array in moments.arrays().items():
        np.testing.assert_array_equal(getattr(again, name), array)
