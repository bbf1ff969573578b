"""Unsigned numbers are never below 0 in C++: the value of C++, and a warning. Conversions as in the C++ standard."""

import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import InputWarning
from TauAdv.tuples.selection import parse_selection

COLUMNS = {
    "u": np.array([0, 1, 2**32 - 1], np.uint32),
    "wide": np.array([0, 1, 2], np.uint64),
    "small": np.array([0, 1, 2], np.uint16),
    "n": np.array([-1, 0, 1], np.int32),
    "f": np.array([-1, 0, 1], np.float32),
    "x": ak.Array([[1.5, 2.5], [], [3.5]]),
    "lumi": ak.values_astype(ak.Array([[1], [2, 3], [4]]), np.uint32),
}


@pytest.mark.parametrize(
    ("text", "expected", "warning"),
    [
        ("u > -1", [False, False, False], r"compares it with 4294967295, not with -1; write '\(long\)\(u\) > -1'"),
        ("u >= -1", [False, False, True], "4294967295"),
        ("-1 < u", [False, False, False], r"write '\(long\)\(u\) > -1'"),
        ("u != (-1)", [True, True, False], "4294967295"),
        ("wide > -2l", [False, False, False], "18446744073709551614"),
        ("lumi[0] > -1", [False, False, False], "4294967295"),
        ("x.size() > -1", [False, False, False], "18446744073709551615"),
        ("(unsigned)n > -1", [False, False, False], "4294967295"),
        ("x.size() - 1 < 0", [False, False, False], r"write 'x.size\(\) < 1'"),
        ("x.size() - 1 <= 0", [False, False, True], r"write 'x.size\(\) <= 1'"),
        ("0 >= x.size() - 1", [False, False, True], r"write 'x.size\(\) <= 1'"),
        ("x.size() - 1 > 0", [True, True, False], r"write 'x.size\(\) > 1'"),
        ("x.size() - 1 > -1", [False, False, False], "18446744073709551615"),
        ("u - n < 0", [False, False, False], "write 'u < n'"),
    ],
)
def test_meaning_and_warning(text, expected, warning):
    selection = parse_selection(text)
    with pytest.warns(InputWarning, match=warning) as caught:
        assert selection(COLUMNS).tolist() == expected
    assert len(caught) == 1
    assert str(caught[0].message).splitlines()[1] == f"  {text}"
    assert selection(COLUMNS).tolist() == expected  # said once, not for every batch


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("small > -1", [True, True, True]),  # becomes an int
        ("u > -1l", [True, True, True]),  # becomes a long
        ("u > -1.0", [True, True, True]),
        ("(long)(u) > -1", [True, True, True]),
        ("n > -1", [False, True, True]),
        ("f > -1", [False, True, True]),
        ("Length$(x) > -1", [True, True, True]),
        ("Length$(x) - 1 < 0", [False, True, False]),
        ("(long)x.size() - 1 < 0", [False, True, False]),
        ("x.size() < 1", [False, True, False]),
        ("u - f < 0", [False, False, False]),
    ],
)
def test_no_warning(text, expected):
    assert parse_selection(text)(COLUMNS).tolist() == expected  # a warning would be an error here
