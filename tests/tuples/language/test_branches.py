"""What branches may hold: single numbers of any type and byte order, and lists by index."""

import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.selection import parse_selection

LISTS = ak.Array([[1.5, 2.5], [], [3.5]])
N = np.array([2, 0, 1], np.int32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n > 0 && v[0] > 2", [False, False, True]),
        ("v.size() > 0 && v[n - 1] > 2", [True, False, True]),
        ("v.size() > 1 ? v[1] > 2 : n == 0", [True, True, False]),
        ("v.size() == n", [True, True, True]),
        ("Length$(v) - 1 > 0", [True, False, False]),
        ("n[0] == 2", [True, False, False]),
        ("Length$(n) == 1", [True, True, True]),
    ],
)
@pytest.mark.parametrize("wrap", [lambda lists: lists, lambda lists: lists.to_list()], ids=["awkward", "lists"])
def test_values_of_lists(text, expected, wrap):
    selection = parse_selection(text)
    assert selection({"v": wrap(LISTS), "n": N}).tolist() == expected
    assert set(selection.branches) <= {"v", "n"}


def test_arrays_of_fixed_length():
    v = np.array([[1, 2], [3, 4]], np.int16)
    for array in (v, ak.Array(v), ak.to_regular(ak.Array(v))):
        assert parse_selection("v[1] == 4 && v.size() == 2")({"v": array}).tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v[0] > 2", r"v\[0\] where 'v' has 0 values; guard it, as in 'v.size\(\) > 0 && v\[0\] > 2'"),
        ("n > 0 && v[-1] > 2", r"v\[-1\] where 'v' has 2 values: the first one has index 0; guard it, as in 'i >= 0 "),
        ("v[u - 1] > 2", r"v\[4294967295\] where 'v' has 0 values: .* -1 became 4294967295; guard it, as in 'n > 0 &&"),
        ("n > 0 && v[18446744073709551615u] > 2", "too large|where 'v'"),
        ("n > 0 && v[0.5] > 2", "an index needs to be an integer"),
        ("v > 2", r"branch 'v' has a list of values per entry; a selection needs one value, as v\[0\]"),
        ("deep[0] > 2", "lists of lists"),
    ],
)
def test_values_that_are_not_there(text, problem):
    deep = ak.Array([[[1.0]], [[2.0]], [[3.0]]])
    with pytest.raises(InputError, match=problem):
        parse_selection(text)({"v": LISTS, "n": N, "u": N.astype(np.uint32), "deep": deep})


def test_no_values_at_all():
    columns = {"v": ak.Array([[], []]), "n": np.zeros(2, np.int32)}
    assert parse_selection("n > 0 && v[0] > 2")(columns).tolist() == [False, False]
    assert parse_selection("v.size() == 0 || v[0] > 2")({"v": ak.Array([[1.0]])[:0]}).tolist() == []


@pytest.mark.parametrize("kind", ["<f4", ">f4", ">f8", "f2", ">i4", ">u2", "i8", "?"])
def test_any_byte_order(kind):
    # 0.5 of a big-endian float is no integer; float16 becomes float
    x = np.array([0.5, 2.0], kind)
    assert parse_selection("x > 0.25 && x < 0.75f")({"x": x}).tolist() == [x[0] == 0.5, False]
    assert parse_selection("x * 2 == 1")({"x": x}).tolist() == [x[0] == 0.5, False]


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (ak.Array(["a", "b"]), "a selection needs one number"),
        (np.array(["a", "b"]), "is of type <U1"),
        (np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "is of type datetime64"),
        (np.array([1, 2j]), "is of type complex128"),
        (np.array([1, None]), "is of type object"),
        (np.array([1, 2], np.longdouble), "is of type float128"),
        (np.ma.masked_array([1, 2], [True, False]), "one number per entry"),
        (ak.Array([1, None]), "has missing values"),
        (ak.Array([{"a": 1}, {"a": 2}]), "one number per entry"),
        (np.ones(1), "has 1 entries, expected 2"),
        (np.ones(3), "has 3 entries, expected 2"),
    ],
)
def test_no_numbers(array, problem):
    with pytest.raises(InputError, match=problem):
        parse_selection("n > 0 || x > 0")({"n": np.ones(2), "x": array})
