"""Selections: C++ semantics against an independent scalar evaluation of random trees, printing, and errors."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalar_selection import ARRAYS, COMPARISONS, TAGS, evaluate, static_tag

from TauAdv.errors import InputError
from TauAdv.tuples.cpp import common_type
from TauAdv.tuples.expression_tree import Binary, Call, Conditional, Literal, Logical, Name, Unary, parse
from TauAdv.tuples.selection import Selection, parse_selection


def passes(text, **columns):
    return parse_selection(text)({name: np.asarray(values) for name, values in columns.items()}).tolist()


literals = st.one_of(
    st.integers(0, 2**31 - 1).map(np.int32),
    st.sampled_from([0, 1, 2, 3]).map(np.int32),
    st.integers(2**31, 2**63 - 1).map(np.int64),
    st.integers(0, 2**32 - 1).map(np.uint32),
    st.integers(2**32, 2**64 - 1).map(np.uint64),
    st.floats(0, width=32, allow_nan=False, allow_infinity=False).map(np.float32),
    st.floats(0, allow_nan=False, allow_infinity=False).map(np.float64),
    st.booleans().map(np.bool_),
).map(Literal)
leaves = st.one_of(literals, st.sampled_from(sorted(ARRAYS)).map(Name))


def grown(children):
    return st.one_of(
        st.builds(Unary, st.sampled_from(["-", "+", "!"]), children),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", *COMPARISONS]), children, children),
        st.builds(Logical, st.sampled_from(["&&", "||"]), children, children),
        st.builds(Conditional, children, children, children),
        st.builds(
            lambda function, a, b: Call(function, (a, b)), st.sampled_from(["std::min", "std::max"]), children, children
        ),
        st.builds(lambda a: Call("std::abs", (a,)), children),
    )


trees = st.recursive(leaves, grown, max_leaves=12)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_printing_and_parsing_is_a_round_trip(tree):
    assert parse(str(tree)) == tree


@given(trees)
@settings(max_examples=300, deadline=None)
def test_value_of_random_trees(tree):
    selection = Selection(str(tree), tree)
    expected = []
    for entry in range(len(ARRAYS["f"])):
        try:
            expected.append(evaluate(tree, entry)[0] != 0)
        except ZeroDivisionError:
            with pytest.raises(InputError, match="by zero"):
                selection(ARRAYS)
            return
    assert selection(ARRAYS).tolist() == expected


@given(trees)
@settings(max_examples=100, deadline=None)
def test_type_of_random_trees(tree):
    selection = Selection(str(tree), tree)
    with np.errstate(all="ignore"):
        try:
            value = selection._value(tree, ARRAYS, np.ones(len(ARRAYS["f"]), np.bool_))
        except InputError:
            return
    assert TAGS.get(str(np.asarray(value).dtype), "bool") == static_tag(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 0.90", [False]),
        ("x >= 0.90", [False]),
        ("x >= 0.90f", [True]),
        ("x == 0.9f", [True]),
        ("x == 0.9", [False]),
        ("std::abs(-x) < 0.9", [True]),
        ("x * 2 > 1.8", [False]),
    ],
)
def test_float32_branch_against_literals(text, expected):
    assert passes(text, x=np.array([0.9], np.float32)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n / 2 == 1", [True, False]),
        ("n / 2 == -1", [False, True]),
        ("n % 2 == -1", [False, True]),
        ("n / 2. == 1.5", [True, False]),
        ("n", [True, True]),
        ("!n", [False, False]),
        ("n - 3", [False, True]),
        ("-1 < n && n < 10u", [True, False]),
        ("n < 1u", [False, False]),
        ("1 < 2 < n", [True, False]),
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", [True, True]),
        ("1 || 0 && 0", [True, True]),
        ("!0 == 1", [True, True]),
        ("n & 1 == 1", [True, True]),
        ("(n & 2) != 0", [True, False]),
        ("1 << 3 == 8", [True, True]),
        ("n > 0 ? true : n < -2", [True, True]),
        ("2 ^ 3 == 1", [True, True]),
        ("010 == 8 and 0x1F == 31", [True, True]),
        ("not (n > 0 or false)", [False, True]),
        ("std::pow(n, 2) == 9", [True, True]),
        ("TMath::Abs(n) == 3", [True, True]),
        ("sqrt(std::max(n, 0) + 6) == 3", [True, False]),
        ("int(2.9) == 2 && float(0.9) != 0.9", [True, True]),
        ("  n\n>\t0 ", [True, False]),
        (".5e1 == 5. && 5E-1f == 0.5", [True, True]),
        ("~n == -4", [True, False]),
    ],
)
def test_cpp_meaning(text, expected):
    assert passes(text, n=np.array([3, -3], np.int32)) == expected


def test_functions_of_float_stay_float():
    x = np.linspace(0.1, 5, 50, dtype=np.float32)
    for name, function in (("sqrt", np.sqrt), ("exp", np.exp), ("log", np.log), ("std::cos", np.cos)):
        expected = function(x.astype(np.float64)).astype(np.float32)
        assert passes(f"{name}(x) == y", x=x, y=expected) == [True] * len(x), name
    assert passes("sqrt(2) == y", y=np.array([np.sqrt(2.0)])) == [True]


def test_nan_is_true_and_compares_false():
    assert passes("x", x=np.array([np.nan])) == [True]
    assert passes("x > 0 || x <= 0 || x == x", x=np.array([np.nan])) == [False]
    assert passes("isnan(x) && !isfinite(x)", x=np.array([np.nan])) == [True]


def test_guarded_division_by_zero():
    n = np.array([0, 2, 5], np.int32)
    for guarded in (
        "n != 0 && 10 / n > 3",
        "n == 0 || 10 / n > 3",
        "(n ? 10 / n : 0) > 3",
        "n && (10 % n == 0 && 10 / n > 3)",
    ):
        assert passes(guarded, n=n)[1:] == [True, False], guarded
    with pytest.raises(InputError, match="integer division by zero"):
        passes("10 / n > 3", n=n)


def test_cut_flow_counts_the_terms():
    selection = parse_selection("x > 1 && (x > 2 || x < 0) && x < 4")
    assert selection.cuts == ["(x > 1)", "((x > 2) || (x < 0))", "(x < 4)"]
    passed, counts = selection.cut_flow({"x": np.arange(6)})
    assert passed.tolist() == [False, False, False, True, False, False]
    assert counts == [4, 3, 1]


def test_records_constants_and_branches_in_order_of_use():
    assert parse_selection("b + a > 0 && b").branches == ["b", "a"]
    assert parse_selection("x > 1")(ak.Array({"x": [1.0, 2.0]})).tolist() == [False, True]
    assert parse_selection("true").cut_flow({}, 3)[0].tolist() == [True] * 3


def test_common_types():
    for left, right, expected in (
        ("i4", "f4", "f4"),
        ("i8", "f4", "f4"),
        ("i4", "u4", "u4"),
        ("u4", "i8", "i8"),
        ("?", "u2", "i4"),
    ):
        assert common_type(np.zeros(1, left), np.zeros(1, right)) == np.dtype(expected)


@pytest.mark.parametrize(
    ("text", "problem", "column"),
    [
        ("tau_pt > 30 && tau_pt < < 5", "'<' is not expected here", 24),
        ("tau_pt = 30", "'=' assigns", 7),
        ("tau_pt > 30 &&", "ends where", 14),
        ("(tau_pt > 30", "ends where", 12),
        ("tau_pt > 30)", r"'\)' is not expected", 11),
        ("tau_pt 30", "'30' is not expected", 7),
        ("tau_pt > 5f", "'5f' is not understood", 9),
        ("tau_pt > 3.0.1", "'3.0.1' is not understood", 9),
        ("tau_pt[0] > 3", r"'\[' is not understood", 6),
        ("sqr(tau_pt) > 3", r"unknown function sqr \(did you mean 'sqrt'\?\)", 0),
        ("1 > pow(tau_pt)", "pow takes 2 arguments, received 1", 4),
        ("tau_pt > abs", "abs is a function", 9),
        ("09 < tau_pt", "octal", 0),
        ("tau_pt < 99999999999999999999", "too large", 9),
        ("__import__('os')", "is not understood|unknown function", None),
    ],
)
def test_syntax_error_points_at_the_token(text, problem, column):
    with pytest.raises(InputError, match=problem) as error:
        parse_selection(text)
    _, shown, caret = str(error.value).splitlines()
    assert shown == f"  {text}"
    if column is not None:
        assert caret == " " * (column + 2) + "^"


def test_long_selection_is_shown_around_the_error():
    text = " && ".join(f"tau_pt > {number}" for number in range(40)) + " &| 3"
    with pytest.raises(InputError) as error:
        parse_selection(text)
    _, shown, caret = str(error.value).splitlines()
    assert len(shown) < 140
    assert shown[caret.index("^")] == "|"


def test_empty_selection():
    with pytest.raises(InputError, match="empty"):
        parse_selection("  ")


def test_all_missing_branches_with_the_nearest():
    selection = parse_selection("tau_ptt > 30 && foo < 2 && tau_eta < 2")
    with pytest.raises(InputError) as error:
        selection.require(["tau_pt", "tau_eta"])
    message = str(error.value)
    assert "no branch 'tau_ptt' (did you mean 'tau_pt'?)\n  tau_ptt > 30" in message
    assert "no branch 'foo'\n" in message
    assert "tau_eta'" not in message.replace("tau_eta < 2", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [("x + pf > 3", "branch 'pf' has a list of values"), ("x >> 2", "needs integers"), ("1 > 0 && ~x", "needs integers")],
)
def test_errors_of_values_point_at_the_token(text, problem):
    with pytest.raises(InputError, match=problem) as error:
        parse_selection(text)({"x": np.ones(2), "pf": ak.Array([[1], []])})
    assert str(error.value).splitlines()[1] == f"  {text}"
