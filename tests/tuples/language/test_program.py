"""Values and types against an independent scalar evaluation of random trees; deep and long ones; where C++ has no result."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalar_selection import ARRAYS, CASTS, COMPARISONS, TAGS, evaluate, static_tag

from TauAdv.errors import InputError
from TauAdv.tuples.language.branches import Branch
from TauAdv.tuples.language.parser import parse
from TauAdv.tuples.language.program import Program
from TauAdv.tuples.language.tree import Binary, Call, Cast, Conditional, Literal, Logical, Name, Unary
from TauAdv.tuples.selection import Selection, parse_selection

BRANCHES = {name: Branch(name, array) for name, array in ARRAYS.items()}

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
        st.builds(Cast, st.sampled_from(sorted(CASTS)), children),
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


@pytest.mark.filterwarnings("ignore:selection. .*unsigned:TauAdv.errors.InputWarning")  # a random tree may well be misread
@given(trees)
@settings(max_examples=300, deadline=None)
def test_value_of_random_trees(tree):
    selection = Selection(str(tree), tree)
    expected = []
    for entry in range(len(ARRAYS["f"])):
        try:
            expected.append(evaluate(tree, entry)[0] != 0)
        except ArithmeticError:
            with pytest.raises(InputError, match=r"by zero|no result|has no value as"):
                selection(ARRAYS)
            return
    assert selection(ARRAYS).tolist() == expected


@given(trees)
@settings(max_examples=100, deadline=None)
def test_type_of_random_trees(tree):
    with np.errstate(all="ignore"):
        try:
            value = Program(str(tree), tree)(BRANCHES, np.ones(len(ARRAYS["f"]), np.bool_))
        except InputError:
            return
    assert TAGS.get(str(np.asarray(value).dtype), "bool") == static_tag(tree)


DEPTH = 12_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" || ".join(f"n == {3 * number}" for number in range(DEPTH)), [True, False]),
        (" || (".join(f"n == {3 * number}" for number in range(DEPTH)) + ")" * (DEPTH - 1), [True, False]),
        (" && ".join(f"n != {3 * number}" for number in range(DEPTH)), [False, True]),
        ("(" * DEPTH + "n == 3" + ")" * DEPTH, [True, False]),
        ("!(" * DEPTH + "n == 3" + ")" * DEPTH, [True, False]),
        ("-" * DEPTH + "n == 3", [True, False]),
        ("".join(f"n == {number} ? {number % 2} : " for number in range(DEPTH)) + "0", [True, False]),
        (" + (".join(["n"] * DEPTH) + ")" * (DEPTH - 1) + f" == {3 * DEPTH}", [True, False]),
        ("abs(" * DEPTH + "n" + ")" * DEPTH + " == 3", [True, False]),
        ("(int)" * DEPTH + "n == 3", [True, False]),
    ],
    ids=["or", "nested or", "and", "brackets", "not", "minus", "conditional", "nested sum", "calls", "casts"],
)
def test_thousands_of_terms_or_levels(text, expected):
    selection = parse_selection(text)
    assert selection({"n": np.array([3, 4], np.int32)}).tolist() == expected
    assert len(selection.cuts) == (DEPTH if " && " in text else 1)


def test_a_deep_expression_is_computed_on_a_few_entries_at_a_time(monkeypatch):
    n = np.arange(1000, dtype=np.int32)
    selection = parse_selection("n > 10 && n + (n + (n + (n + n))) > 500 && list[0] == n")
    whole = selection.cut_flow({"n": n, "list": ak.Array([[number] for number in n])})
    monkeypatch.setattr("TauAdv.tuples.selection._MOST_NUMBERS", 50)
    pieces = selection.cut_flow({"n": n, "list": ak.Array([[number] for number in n])})
    assert whole[0].tolist() == pieces[0].tolist() == [5 * number > 500 for number in range(1000)]
    assert whole[1] == pieces[1] == [989, 899, 899]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("(int)x == 2", "nan has no value as int32"),
        ("(int)(1e10 * n)", r"1e\+10 has no value as int32"),
        ("(unsigned)(-1.5 * n)", "-1.5 has no value as uint32"),
        ("TMath::Even(x)", "nan has no value as int64"),
        ("n << 32", "outside of 0 to 31"),
        ("1L >> -n", "outside of 0 to 63"),
        ("(-2147483647 - n) / -n", "lowest int32 by -1"),
        ("(-2147483647 - n) % -n", "lowest int32 by -1"),
        ("n / (n - 1)", "division by zero"),
    ],
)
def test_no_result_in_cpp(text, problem):
    columns = {"x": np.array([2.5, np.nan]), "n": np.array([1, 1], np.int32)}
    with pytest.raises(InputError, match=problem):
        parse_selection(text)(columns)
    assert parse_selection(f"false && {text}")(columns).tolist() == [False, False]
    assert parse_selection(f"false ? {text} : true")(columns).tolist() == [True, True]
