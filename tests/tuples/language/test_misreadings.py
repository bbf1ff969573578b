"""Where C++ means something else than one reads: its value, and a warning. The meanings are those of the C++ grammar."""

import numpy as np
import pytest

from TauAdv.errors import InputWarning
from TauAdv.tuples.selection import parse_selection


@pytest.mark.parametrize(
    ("text", "expected", "warning"),
    [
        ("20 < n < 30", [True, True, True], "for a range write"),
        ("1 < 2 < n", [True, False, True], "for a range write"),
        ("n == 3 == 1", [True, False, False], "true or false"),
        ("n & 1 == 1", [True, True, False], r"write '\(n & 1\) == 1'"),
        ("n & 4 != 0", [True, True, False], r"write '\(n & 1\) == 1'"),
        ("!n == 3", [False, False, False], "'!' binds tighter than '=='"),
        ("n ^ 2", [True, True, True], "for a power write pow"),
        ("(2 ^ n) == 1", [True, False, False], "for a power write pow"),
    ],
)
def test_meaning_and_warning(text, expected, warning):
    with pytest.warns(InputWarning, match=warning) as caught:
        selection = parse_selection(text)
    assert len(caught) == 1
    assert str(caught[0].message).splitlines()[1] == f"  {text}"
    assert selection({"n": np.array([3, -3, 44], np.int32)}).tolist() == expected


@pytest.mark.parametrize(
    "text",
    [
        "20 < n && n < 30",
        "(20 < n) == (n < 30)",
        "(n & 1) == 1",
        "n > 1 & m > 2",
        "n > 1 == true",
        "(n == 3) == 1",
        "!(n == 3)",
        "!n == !m",
        "n ^ m",
        "n > 1 || n < 0 && m",
        "n + 1 < m << 2",
    ],
)
def test_no_warning(text):
    parse_selection(text)  # a warning would be an error here
