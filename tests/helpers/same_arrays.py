"""Bit-for-bit comparison of branches."""

import awkward as ak
import numpy as np


def flat(values) -> np.ndarray:
    """Return the values without their lists."""
    array = values if isinstance(values, ak.Array) else np.asarray(values)
    return np.asarray(ak.flatten(array, axis=None))


def assert_same_branch(found, expected, name="") -> None:
    """Check that type, lengths and every bit agree (NaN included)."""
    assert found.ndim == expected.ndim, name
    assert len(found) == len(expected), name
    if found.ndim > 1:
        np.testing.assert_array_equal(ak.num(found), ak.num(expected), err_msg=name)
    found_values, expected_values = flat(found), flat(expected)
    assert found_values.dtype == expected_values.dtype, name
    assert found_values.tobytes() == expected_values.tobytes(), name


def assert_same_arrays(found: ak.Array, expected: ak.Array) -> None:
    """Check all branches; their order may differ."""
    assert sorted(found.fields) == sorted(expected.fields)
    for name in expected.fields:
        assert_same_branch(found[name], expected[name], name)
