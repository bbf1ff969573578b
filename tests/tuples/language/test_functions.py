"""Functions against Python's math and hand calculations of their definitions in <cmath>, <algorithm> and TMath."""

import math

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.selection import parse_selection

NAN = math.nan


def values(text, x, kind=np.float64):
    """Return which of the x pass."""
    return parse_selection(text)({"x": np.array(x, kind)}).tolist()


_NAMES = [
    "sqrt",
    "exp",
    "log",
    "log10",
    "log2",
    "log1p",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "tanh",
    "floor",
    "ceil",
    "trunc",
]


@pytest.mark.parametrize("name", _NAMES)
def test_cmath(name):
    x = np.array([0.1, 0.5, 1.25, 3.0])
    expected = np.array([getattr(math, name)(value) for value in x])
    for prefix in ("", "std::"):
        passed = parse_selection(f"std::abs({prefix}{name}(x) - y) < 1e-14")({"x": x, "y": expected})
        assert passed.tolist() == [True] * 4


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("Sqrt", math.sqrt),
        ("Exp", math.exp),
        ("Log", math.log),
        ("Log10", math.log10),
        ("Sin", math.sin),
        ("CosH", math.cosh),
        ("ATan", math.atan),
        ("Floor", math.floor),
        ("Ceil", math.ceil),
        ("ASin", math.asin),
        ("ACos", math.acos),
    ],
)
def test_tmath_is_in_double_also_for_floats(name, reference):
    x = np.array([0.1, 0.7], np.float32)
    expected = np.array([reference(float(value)) for value in x])
    passed = parse_selection(f"std::abs(TMath::{name}(x) - y) < 1e-15")({"x": x, "y": expected})
    assert passed.tolist() == [True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TMath::Even(x)", [True, False, True, False]),
        ("TMath::Odd(x)", [False, True, False, True]),
        ("TMath::Min(x, 1) == 1", [False, True, True, False]),
        ("TMath::Max(x, 1) == 1", [True, True, False, True]),
        ("TMath::Power(x, 2) == 9", [False, False, False, True]),
        ("TMath::Sq(x) == 9", [False, False, False, True]),
        ("TMath::Abs(x) == 3", [False, False, False, True]),
        ("TMath::Hypot(x, 4) == 5", [False, False, False, True]),
    ],
)
def test_tmath_of_integers(text, expected):
    assert values(text, [0, 1, 2, -3], np.int32) == expected


def test_constants():
    for text in (
        "TMath::Pi() == 3.141592653589793",
        "TMath::TwoPi() == 6.283185307179586",
        "TMath::E() == 2.718281828459045",
    ):
        assert values(text, [0]) == [True]
    assert values("std::abs(180 * TMath::DegToRad() - TMath::Pi()) < 1e-15 && TMath::RadToDeg() > 57.29", [0]) == [True]


def test_smaller_and_larger_of_nan():
    # std::min(a, b) is b where b < a, else a; TMath::Min(a, b) is a where a <= b, else b
    for text, expected in (
        ("isnan(std::min(x, 1.0))", True),
        ("isnan(std::min(1.0, x))", False),
        ("isnan(std::max(x, 1.0))", True),
        ("isnan(TMath::Min(x, 1.0))", False),
        ("isnan(TMath::Min(1.0, x))", True),
        ("isnan(TMath::Max(x, 1.0))", False),
        ("isnan(std::fmin(x, 1.0))", False),
        ("isnan(std::fmax(1.0, x))", False),
    ):
        assert values(text, [NAN]) == [expected], text


def test_round():
    # halves away from zero; what is just below a half, or has no digits behind the point, stays
    x = [0.5, -2.5, 0.49999999999999994, 4503599627370497.0, -1.4]
    expected = [1.0, -3.0, 0.0, 4503599627370497.0, -1.0]
    passed = parse_selection("std::round(x) == y")({"x": np.array(x), "y": np.array(expected)})
    assert passed.tolist() == [True] * 5


def test_nearest_integer_takes_the_even_one():
    x, expected = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 2.6]), np.array([0, 2, 2, 0, -2, 3])
    assert parse_selection("TMath::Nint(x) == y")({"x": x, "y": expected}).tolist() == [True] * 6
    assert parse_selection("TMath::CeilNint(x) == y")({"x": x, "y": np.array([1, 2, 3, 0, -1, 3])}).tolist() == [True] * 6
    with pytest.raises(InputError, match=r"1e\+10 has no value as int32"):
        values("TMath::Nint(x) == 1", [1e10])


def test_angle_at_the_origin():
    columns = {"y": np.array([0.0, 1.0, -1.0, 0.0]), "x": np.array([-0.0, 0.0, 0.0, -1.0])}
    expected = np.array([0, math.pi / 2, -math.pi / 2, math.pi])
    assert parse_selection("TMath::ATan2(y, x) == e")({**columns, "e": expected}).tolist() == [True] * 4


def test_arcsine_outside_of_its_range():
    assert values("TMath::ASin(x) == TMath::PiOver2() && isnan(std::asin(x))", [1.5]) == [True]
    assert values("TMath::ACos(x) == 0", [1.5]) == [True]
