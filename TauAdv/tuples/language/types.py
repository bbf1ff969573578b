"""The number types of C++ (64-bit Linux) and their names in ROOT."""

from __future__ import annotations

from typing import Any

import numpy as np

from TauAdv.errors import InputError, shortened

__all__ = ["DOUBLE", "FLOAT", "INT", "common_type", "promoted", "type_named"]

INT, FLOAT, DOUBLE = np.dtype(np.int32), np.dtype(np.float32), np.dtype(np.float64)

# words in alphabetical order, without an "int" or "signed" that changes nothing
_BY_WORDS: dict[str, Any] = {
    "bool": np.bool_,
    "char": np.int8,
    "char unsigned": np.uint8,
    "short": np.int16,
    "short unsigned": np.uint16,
    "int": np.int32,
    "unsigned": np.uint32,
    "long": np.int64,
    "long unsigned": np.uint64,
    "long long": np.int64,
    "long long unsigned": np.uint64,
    "float": np.float32,
    "double": np.float64,
}
_BY_NAME: dict[str, Any] = {
    "Bool_t": np.bool_,
    "Char_t": np.int8,
    "UChar_t": np.uint8,
    "Short_t": np.int16,
    "UShort_t": np.uint16,
    "Int_t": np.int32,
    "UInt_t": np.uint32,
    "Long_t": np.int64,
    "ULong_t": np.uint64,
    "Long64_t": np.int64,
    "ULong64_t": np.uint64,
    "Float_t": np.float32,
    "Double_t": np.float64,
    "size_t": np.uint64,
    **{f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def type_named(text: str) -> np.dtype:
    """Return the type of a name such as ``int``, ``unsigned long``, ``Float_t`` or ``std::int64_t``.

    Raises:
        InputError: if there is no such type, or no array can have it (``long double``).
    """
    words = sorted(text.removeprefix("std::").split())
    if "int" in words and {"short", "long", "signed", "unsigned"} & set(words):
        words.remove("int")
    if "signed" in words and "unsigned" not in words:
        words.remove("signed")
    name = " ".join(words) or "int"
    found = _BY_NAME.get(name, _BY_WORDS.get(name))
    if found is None:
        known = "bool, char, short, int, long, long long (all but bool also unsigned), float, double, and those of ROOT"
        msg = f"'{shortened(text)}' is no type that a selection knows; known: {known}, as Float_t or ULong64_t"
        raise InputError(msg)
    return np.dtype(found)


def promoted(dtype: np.dtype) -> np.dtype:
    """Return the type after integer promotion: what is smaller than an int becomes one."""
    return INT if dtype.kind in "biu" and dtype.itemsize < INT.itemsize else dtype


def common_type(*dtypes: np.dtype) -> np.dtype:
    """Return the type in which C++ combines two or more: double, else float, else the larger integer (unsigned in a tie)."""
    types = [promoted(dtype) for dtype in dtypes]
    if DOUBLE in types:
        return DOUBLE
    if FLOAT in types:
        return FLOAT
    size = max(dtype.itemsize for dtype in types)
    unsigned = any(dtype.kind == "u" and dtype.itemsize == size for dtype in types)
    return np.dtype(f"{'u' if unsigned else 'i'}{size}")
