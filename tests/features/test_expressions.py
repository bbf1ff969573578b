import ast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.errors import ConfigError
from TauAdv.features.expressions import delta_phi, parse

ANGLES = st.floats(-3.140625, 3.140625, width=32)
FLOATS = arrays(np.float32, st.integers(1, 20), elements=st.floats(width=32))


def evaluate(text: str, dtype=np.float32, **values):
    columns = {name: np.asarray(value) for name, value in values.items()}
    with np.errstate(all="ignore"):
        return parse(text).evaluate(columns.__getitem__, dtype)


def test_arithmetic_rounds_to_float32_at_each_step():
    x, y = np.array([0.1], np.float32), np.array([3.0], np.float32)
    received = evaluate("x / y + 100 - 100", x=x, y=y)
    assert received.dtype == np.float32
    assert received[0] == np.float32(np.float32(x[0] / y[0]) + np.float32(100)) - np.float32(100)
    assert received[0] != np.float32(np.float64(x[0]) / 3 + 100 - 100)


def test_float64_when_asked_for():
    x = np.array([0.1], np.float32)
    assert evaluate("x / 3", np.float64, x=x)[0] == np.float64(x[0]) / 3


def test_integers_become_float32_in_arithmetic():
    received = evaluate("n / 2", n=np.array([3, -(2**31)], np.int32))
    np.testing.assert_array_equal(received, np.array([1.5, -(2.0**30)], np.float32))


def test_comparison_with_a_number_is_exact():
    # float32(0.9) is below 0.9, as in C++ where the comparison is made in double
    assert evaluate("x < 0.9", x=np.array([0.9], np.float32))[0]
    assert not evaluate("x >= 0.9", x=np.array([0.9], np.float32))[0]


@pytest.mark.parametrize(
    ("value", "quotient", "remainder"), [(11, 2, 1), (-1, 0, -1), (-7, -1, -2), (0, 0, 0), (-(2**31), -429496729, -3)]
)
def test_integer_division_truncates_toward_zero(value, quotient, remainder):
    n = np.array([value], np.int32)
    assert evaluate("quotient(n, 5)", n=n)[0] == quotient
    assert evaluate("remainder(n, 5)", n=n)[0] == remainder


def test_normal():
    tiny = np.finfo(np.float32).tiny
    x = np.array([1, -1, 0, tiny, tiny / 2, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(evaluate("normal(x)", x=x), [True, True, False, True, False, False, False])


def test_logic_and_where():
    x = np.array([-1.0, 0.0, 2.0], np.float32)
    np.testing.assert_array_equal(evaluate("not x > 0 and (x == 0 or x < -0.5)", x=x), [True, True, False])
    np.testing.assert_array_equal(evaluate("where(x > 0, x, -x)", x=x), [1, 0, 2])
    np.testing.assert_array_equal(evaluate("max(abs(x), 1) + min(x, 0)", x=x), [0, 1, 2])


def test_energy_over_pt():
    pt, eta, mass = (np.array([value], np.float32) for value in (40.0, 1.0, 1.2))
    expected = np.hypot(40 * np.cosh(1.0), np.float64(mass[0])) / 40
    np.testing.assert_allclose(evaluate("energy_over_pt(pt, eta, mass)", pt=pt, eta=eta, mass=mass), expected, rtol=1e-7)


@given(ANGLES, ANGLES)
def test_delta_phi_is_wrapped(first, second):
    for kind in (np.float32, np.float64):
        a, b = kind(first), kind(second)
        wrapped = delta_phi(a, b)
        assert -kind(np.pi) <= wrapped <= kind(np.pi)
        np.testing.assert_allclose(np.exp(1j * np.float64(wrapped)), np.exp(1j * (np.float64(a) - np.float64(b))), atol=1e-6)


@given(FLOATS)
def test_cache_does_not_change_results(x):
    expression, cache = parse("abs(x) / (x - 1) + abs(x)"), {}
    with np.errstate(all="ignore"):
        first = expression.evaluate(lambda _: x, np.float32, cache)
        np.testing.assert_array_equal(first, expression.evaluate(lambda _: x, np.float32, cache))
        np.testing.assert_array_equal(first, np.abs(x) / (x - np.float32(1)) + np.abs(x))


@pytest.mark.parametrize(
    "text",
    [
        "a + b * c - -d",
        "(a - b) - (c - (d - e))",
        "a / (b * c) / -(d + 2)",
        "not (a > 0 and b <= 1e-3) or normal(c)",
        "a and (b or not c) and (d and e)",
        "where(finite(a), a / b, 0) > (a == b)",
        "-(a - 2) * -3 - (-b)",
    ],
)
def test_text_round_trip(text):
    expression = parse(text)
    assert parse(str(expression)) == expression


def test_text_has_no_needless_brackets():
    for text in ("a + b * c - d", "not a > 0 and b or c", "abs(a - b) / (c + 1)"):
        assert str(parse(text)) == text


def test_names_and_substitution():
    expression = parse("valid and a > b").substitute({"valid": parse("c >= 0")})
    assert expression == parse("c >= 0 and a > b")
    assert expression.names == {"a", "b", "c"}


def test_which_results_are_integers():
    integers = {"n"}
    assert parse("n").is_integer(integers)
    assert parse("quotient(n, 5)").is_integer(integers)
    assert parse("x > 0").is_integer(integers)
    assert parse("1").is_integer(integers)
    assert not parse("x").is_integer(integers)
    assert not parse("n / 2").is_integer(integers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a +", "column"),
        ("a // 5", "not part of the language"),
        ("a.b", r"'a\.b' at column 1"),
        ("b + __import__(os)", "'__import__' at column 5: unknown function"),
        ("__import__('os')", "column 12: not part of the language"),
        ("a b", "'b' at column 3: not expected here"),
        ("(a", "ends at column 3"),
        ("a ** 2", "'[*][*]' at column 3: not part of the language"),
        ("a % 2", "not part of the language"),
        ("a & b", "not part of the language"),
        ("a # comment", "'#' at column 3: not part of the language"),
        ("a if b else c", "'if' at column 3"),
        ("lambda: a", "':' at column 7: not part of the language"),
        ("None", "not part of the language"),
        ("010", "'010' at column 1: not part of the language"),
        ("0x10", "not part of the language"),
        ("1_000", "not part of the language"),
        ("1j", "not part of the language"),
        ("", "where a value"),
        (" \n", "where a value"),
        ("9223372036854775808", "too large for an integer"),
        ("a < " + "9" * 400, "'9+[.]{3}9+' at column 5: too large for an integer"),
        ("9" * 10_000, "too large for an integer"),
        ("1e400 * a", "'1e400' at column 1: too large for a number"),
        ("a\u00a0+ 1", r"the character at column 2: NO-BREAK SPACE \(U\+00A0\); write a plain space"),
        ("a\u200b", r"column 2: ZERO WIDTH SPACE \(U\+200B\)"),
        ("a \u2212 1", r"column 3: MINUS SIGN \(U\+2212\)"),
        ("a\0", r"column 2: NUL \(U\+0000\)"),
        ("a + \udc80", r"U\+DC80"),
        ("\uff41 + 1", "FULLWIDTH LATIN SMALL LETTER A"),
        ("\u0430bs(a)", "CYRILLIC SMALL LETTER A"),
        ("a" * 100_000 + "(b)", "unknown function"),
        ("a +" * 100_000, "ends at column"),
        ("(" * 100_000, "ends at column"),
        ("a" * 2_000_000, "at most 1000000"),
        ("absolute(a)", "unknown function 'absolute'"),
        ("normall(a)", r"did you mean 'normal'\?"),
        ("abs(a, b)", "takes 1 arguments, received 2"),
        ("0 < a < 1", "one comparison"),
        ("'text'", "not part of the language"),
        ("True", "not part of the language"),
        ("abs(x=a)", "not part of the language"),
    ],
)
def test_refused(text, message):
    with pytest.raises(ConfigError, match=message) as error:
        parse(text)
    assert len(str(error.value)) < 300
    assert str(error.value).isprintable()


DEPTH = 12_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" + ".join(["a"] * DEPTH), 2.0 * DEPTH),
        (" + (".join(["a"] * DEPTH) + ")" * (DEPTH - 1), 2.0 * DEPTH),
        ("(" * DEPTH + "a" + ")" * DEPTH, 2.0),
        ("-" * DEPTH + "a", 2.0),
        ("not " * DEPTH + "a", 1.0),
        ("abs(" * DEPTH + "a" + ")" * DEPTH, 2.0),
        (" or ".join(f"a == {number}" for number in range(DEPTH)), 1.0),
        ("where(a == 1, 0, " * DEPTH + "a" + ")" * DEPTH, 2.0),
    ],
    ids=["sum", "nested sum", "brackets", "minus", "not", "calls", "or", "where"],
)
def test_thousands_of_terms_or_levels(text, expected):
    expression = parse(text)
    assert expression.evaluate({"a": np.array([2.0], np.float32)}.__getitem__) == [expected]
    assert expression.names == {"a"}
    assert parse(str(expression)) == expression
    assert expression.substitute({"a": parse("b")}).names == {"b"}


def test_equal_numbers_of_other_types_are_other_expressions():
    assert parse("quotient(n, 5)") != parse("quotient(n, 5.0)")
    assert parse("0.0") != parse("-0.0")
    assert hash(parse("a + 1")) == hash(parse("a  +  1"))


TOKENS = (
    "a", "b", "1", "0.5", "1e400", "-", "+", "*", "/", "<", "<=", "==", "and", "or", "not", "(", ")", ",", "abs", "where",
    "min", "finite", "True", "9" * 30, "\u00a0", "\0", "\ud800", "é", "'", "#", "//", "**", ".",
)  # fmt: skip


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(TOKENS), max_size=20).map(" ".join)))
def test_any_text(text):
    try:
        expression = parse(text)
    except ConfigError as error:
        message = str(error)
    else:
        message = ""
        assert parse(str(expression)) == expression
        if expression.names <= {"a", "b"}:
            assert evaluate(text, a=np.ones(3, np.float32), b=np.arange(3)).shape in ((3,), ())
    assert len(message) < 400
    assert message.isprintable()


# the precedence of Python, its own parser being the reference
@given(st.lists(st.sampled_from(TOKENS[:18]), max_size=12).map(" ".join))
@settings(max_examples=300)
def test_same_tree_as_python(text):
    try:
        expression = parse(text)
    except ConfigError:
        return
    assert expected_tree(ast.parse(text.strip(), mode="eval").body) == tree_of(expression)


def tree_of(node):
    return (node.content, *map(tree_of, node.arguments)) if node.arguments else node.content


SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.And: "and", ast.Or: "or", ast.Lt: "<", ast.LtE: "<=",
    ast.Eq: "==",
}  # fmt: skip


def expected_tree(node):
    match node:
        case ast.Name():
            return node.id
        case ast.Constant():
            return node.value
        case ast.BinOp():
            return SYMBOLS[type(node.op)], expected_tree(node.left), expected_tree(node.right)
        case ast.UnaryOp(op=ast.Not()):
            return "not", expected_tree(node.operand)
        case ast.UnaryOp(op=ast.USub()):
            operand = expected_tree(node.operand)
            return -operand if isinstance(operand, int | float) and operand > 0 else ("-", operand)
        case ast.BoolOp():
            first, *rest = map(expected_tree, node.values)
            for term in rest:
                first = (SYMBOLS[type(node.op)], first, term)
            return first
        case ast.Compare():
            return SYMBOLS[type(node.ops[0])], expected_tree(node.left), expected_tree(node.comparators[0])
        case ast.Call():
            return node.func.id, *map(expected_tree, node.args)
