import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.language.types import common_type, type_named


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [("i4", "f4", "f4"), ("i8", "f4", "f4"), ("i4", "u4", "u4"), ("u4", "i8", "i8"), ("?", "u2", "i4"), ("u8", "i8", "u8")],
)
def test_common_types(left, right, expected):
    assert common_type(np.dtype(left), np.dtype(right)) == np.dtype(expected)


# sizes and signs of the x86-64 Linux ABI
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bool", "?"),
        ("char", "i1"),
        ("unsigned char", "u1"),
        ("short int", "i2"),
        ("int", "i4"),
        ("signed", "i4"),
        ("unsigned", "u4"),
        ("unsigned  int", "u4"),
        ("long", "i8"),
        ("long unsigned int", "u8"),
        ("long long", "i8"),
        ("unsigned long long int", "u8"),
        ("float", "f4"),
        ("double", "f8"),
        ("UShort_t", "u2"),
        ("Long64_t", "i8"),
        ("Float_t", "f4"),
        ("std::size_t", "u8"),
        ("std::uint16_t", "u2"),
        ("int8_t", "i1"),
    ],
)
def test_type_names(name, expected):
    assert type_named(name) == np.dtype(expected)


@pytest.mark.parametrize("name", ["long double", "unsigned float", "short long", "int int", "unsigned bool", "string"])
def test_no_type(name):
    with pytest.raises(InputError, match=f"'{name}' is no type"):
        type_named(name)
