import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.hashing import hash_fraction, hash_rows


@given(arrays(np.uint32, (6, 3)), st.permutations(range(6)))
def test_number_of_a_row_depends_on_the_row_alone(values, order):
    np.testing.assert_array_equal(hash_rows(values[order]), hash_rows(values)[order])
    np.testing.assert_array_equal(hash_rows(values[:1]), hash_rows(values)[:1])


def test_rows_that_differ_in_one_bit_or_in_order_differ():
    base = np.arange(40, dtype=np.uint32)
    flipped = base ^ (np.eye(40, dtype=np.uint32) << np.arange(40, dtype=np.uint32)[:, None] % 32)
    swapped = base[[1, 0, *range(2, 40)]]
    assert len(np.unique(hash_rows(np.vstack([base, flipped, swapped])))) == 42


def test_fractions_are_uniform_and_seeds_independent():
    keys = [np.arange(50_000), np.ones(50_000, np.int64)]
    one, other = hash_fraction(1, keys), hash_fraction(2, keys)
    for values in (one, other):
        counts, _ = np.histogram(values, 20, (0, 1))
        assert ((counts - 2500) ** 2 / 2500).sum() < 50  # chi2 of 19 degrees of freedom
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
