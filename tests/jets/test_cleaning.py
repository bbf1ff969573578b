import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.jets.cleaning import clean, integer_columns, is_default
from TauAdv.jets.schema import TARGET, JetTable

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
DEFAULTS = arrays(np.float32, 4, elements=st.floats(-100, 100, width=32))


@given(arrays(np.float32, (7, 4), elements=ANY), DEFAULTS)
def test_values_above_the_default_survive_bit_for_bit_and_all_else_becomes_the_default(values, default):
    cleaned, absent = clean(values, default)
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        present = bool(np.isfinite(value) and value > default[column])
        assert absent[row, column] == (not present)
        expected = value if present else default[column]
        assert cleaned[row, column].tobytes() == np.float32(expected).tobytes()
    assert np.isfinite(cleaned).all()


@given(arrays(np.float32, (5, 4), elements=ANY), DEFAULTS)
def test_cleaning_twice_changes_nothing(values, default):
    cleaned, absent = clean(values, default)
    again, absent_again = clean(cleaned, default)
    np.testing.assert_array_equal(again, cleaned)
    np.testing.assert_array_equal(absent_again, absent)


def test_what_the_dataset_writes_for_absent_and_true_zeros():
    table = JetTable.load()
    columns = [table.column(name) for name in ("jet_prob", "delta_r_vertex", "track_0_vertex_displacement")]
    default = np.array([column.variable.default for column in columns])
    values = np.float32([[-1, np.inf, 0], [0, 0.3, np.nan]])
    cleaned, absent = clean(values, default)
    np.testing.assert_array_equal(absent, [[True, True, False], [False, False, True]])
    np.testing.assert_array_equal(cleaned, np.float32([[-0.001, 0, 0], [0, 0.3, -0.001]]))


def test_default_that_is_not_known_yet_takes_all_finite_values():
    np.testing.assert_array_equal(
        is_default(np.float32([[-1e30], [np.nan], [-np.inf]]), [np.nan]), [[False], [True], [True]]
    )


def test_integer_columns_are_those_of_the_specification():
    """Full index 2, 7, 12, 13 and 17 + 26 * 33 + k (jet-flavour specification, section 3)."""
    expected = {TARGET, 7, 12, 13, *range(17 + 26 * 33, 17 + 27 * 33)}
    assert set(np.flatnonzero(integer_columns(JetTable.load().columns()))) == expected
