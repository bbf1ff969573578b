"""Selections: the C++ meaning of texts, cut flows and errors."""

import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.selection import parse_selection


def passes(text, **columns):
    return parse_selection(text)({name: np.asarray(values) for name, values in columns.items()}).tolist()


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
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", [True, True]),
        ("1 || 0 && 0", [True, True]),
        ("(n & 2) != 0", [True, False]),
        ("1 << 3 == 8", [True, True]),
        ("n > 0 ? true : n < -2", [True, True]),
        ("(n ^ n) == 0", [True, True]),
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
        ("tau_pt[0][1] > 3", "an index is supported once", 9),
        ("(tau_pt)[0] > 3", "an index is supported once", 8),
        ("Entry$ < 100", "Entry[$] of TTree::Draw is not supported", 0),
        ("1 < Sum$(pfCand_pt)", "Sum[$] of TTree::Draw is not supported", 4),
        ("Iteration$ < 1", "Iteration[$] of TTree::Draw", 0),
        ('name == "tau"', "text is not supported", 8),
        ("name == 'tau'", "text is not supported", 8),
        ("tau_pt ** 2 > 3", "write pow", 8),
        ("tau_pt => 3", "write '>='", 7),
        ("tau_pt =< 3", "write '<='", 7),
        ("tau_pt > 3;", "one expression", 10),
        ("tau_pt > 3 // GeV", "comments are not supported", 12),
        ("tau_pt > 1.0L", "'1.0L' is not understood", 9),
        ("tau_pt > 0x", "'0x' is not understood", 9),
        ("(long double)tau_pt > 1", "'long double' is no type", 1),
        ("static_cast<TString>(tau_pt) > 1", "'TString' is no type", 0),
        ("TMath::Gaus(tau_pt) > 1", "unknown function TMath::Gaus", 0),
        ("sqr(tau_pt) > 3", r"unknown function sqr \(did you mean 'sqrt'\?\)", 0),
        ("1 > pow(tau_pt)", "pow takes 2 arguments, received 1", 4),
        ("tau_pt > abs", "abs is a function", 9),
        ("09 < tau_pt", "octal", 0),
        ("tau_pt < 99999999999999999999", "too large", 9),
        ("__import__('os')", "text is not supported", 11),
        ("__import__(os)", "unknown function", 0),
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
