from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.tuples.language.literals import float_literal, integer_literal


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("10", 10, "i4"),
        ("2147483648", 2**31, "i8"),
        ("0x7fffffff", 2**31 - 1, "i4"),
        ("0xFFFFFFFF", 2**32 - 1, "u4"),
        ("0x100000000", 2**32, "i8"),
        ("0xffffffffffffffff", 2**64 - 1, "u8"),
        ("010", 8, "i4"),
        ("0b101", 5, "i4"),
        ("0", 0, "i4"),
        ("10u", 10, "u4"),
        ("10L", 10, "i8"),
        ("10ull", 10, "u8"),
        ("10LU", 10, "u8"),
        ("0x10uL", 16, "u8"),
    ],
)
def test_integers_have_the_type_of_cpp(text, value, kind):
    received = integer_literal(text)
    assert (int(received), received.dtype) == (value, np.dtype(kind))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9223372036854775808", "too large"),
        ("09", "octal"),
        ("9" * 400, "9999[.]{3}999.* too large"),
        ("1" * 9000, "9000 char"),
    ],
)
def test_no_integer(text, problem):
    with pytest.raises(InputError, match=problem) as error:
        integer_literal(text)
    assert len(str(error.value)) < 120


@pytest.mark.parametrize(("text", "value"), [("1.", 1.0), (".5", 0.5), ("1e3", 1000.0), ("2.5E-1", 0.25), ("0.0", 0.0)])
def test_floats(text, value):
    double, single = float_literal(text), float_literal(text + "f")
    assert (double, double.dtype, single, single.dtype) == (value, np.float64, value, np.float32)


def test_a_float_is_the_nearest_one_also_where_the_double_lies_in_the_middle():
    middle = "1.000000059604644775390625"  # 1 + 2**-24: between 1 and the next float; the even one is 1
    assert float_literal(middle + "f") == np.float32(1)
    above = middle + "0" * 20 + "1"  # by less than a double can tell
    assert float_literal(above) == float_literal(middle)
    assert float_literal(above + "f") == np.nextafter(np.float32(1), np.float32(2))


@given(st.floats(2.0**-149, float(np.finfo(np.float32).max), width=32), st.integers(1, 25))
def test_floats_are_rounded_once(value, digits):
    text = f"{value:.{digits}e}"
    try:
        received = float_literal(text + "f")
    except InputError:
        assert Fraction(text) >= Fraction(float(np.finfo(np.float32).max)) or Fraction(text) <= Fraction(2) ** -150
        return
    exact = Fraction(text)
    distance = abs(Fraction(float(received)) - exact)
    with np.errstate(all="ignore"):
        others = (np.nextafter(received, np.float32(np.inf)), np.nextafter(received, np.float32(0)))
    for other in others:
        assert np.isinf(other) or abs(Fraction(float(other)) - exact) >= distance


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1e400", "too large for a double"),
        ("1e39f", "too large for a float"),
        ("1e-400", "too small"),
        ("1e-50f", "too small"),
    ],
)
def test_floats_that_the_type_does_not_hold(text, problem):
    with pytest.raises(InputError, match=problem):
        float_literal(text)
