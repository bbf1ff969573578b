"""The types of the fields of an RNTuple, from the form of the arrays that they become."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import first_line

__all__ = ["field_forms", "field_types"]

_KINDS = {
    "RecordForm": "a structure",
    "UnionForm": "a variant",
    "IndexedOptionForm": "a value that may be missing",
}


def field_types(ntuple: Any) -> dict[str, dict[str, Any]]:
    """Return, for every field at the top of an RNTuple, what :class:`~TauAdv.tuples.branches.types.BranchType` has."""
    forms = field_forms(ntuple)
    types = {}
    for field in ntuple.fields:
        found = _of_form(forms[field.name]) if field.name in forms else {"problem": _problem(field)}
        types[field.name] = {"typename": str(field.typename or "structure"), **found}
    return types


def field_forms(ntuple: Any) -> dict[str, Any]:
    """Return the awkward form of every field at the top of an RNTuple that uproot knows the type of."""
    try:
        return _contents(ntuple.to_akform()[0])  # all at once: one by one takes half a minute for 1500 fields
    except Exception:  # whatever uproot meets in a type that it does not know
        forms: dict[str, Any] = {}
        for field in ntuple.fields:
            with suppress(Exception):
                forms |= _contents(ntuple.to_akform(filter_field=_only(field))[0])
        return forms


def _only(field: Any) -> Callable[[Any], bool]:
    return lambda other: bool(other.field_id == field.field_id)


def _contents(form: Any) -> dict[str, Any]:
    return dict(zip(form.fields, form.contents, strict=True))


def _problem(field: Any) -> str:
    """Return why there is no form of a field."""
    try:
        field.to_akform()
    except Exception as error:
        return f"its type is not known to uproot ({first_line(error)})"
    return "its type is not known to uproot"


def _of_form(form: Any) -> dict[str, Any]:
    jagged = isinstance(form, ak.forms.ListOffsetForm) and form.parameter("__array__") is None
    content, shape = (form.content if jagged else form), []
    while isinstance(content, ak.forms.RegularForm) and content.parameter("__array__") is None:
        shape.append(content.size)
        content = content.content
    if isinstance(content, ak.forms.NumpyForm) and content.parameter("__array__") is None:
        dtype = np.dtype(content.primitive)
        return {"kind": "lists of arrays"} if jagged and shape else {"dtype": dtype, "jagged": jagged, "shape": tuple(shape)}
    if content.parameter("__array__") is not None:
        return {"kind": "text"}
    return {"kind": _KINDS.get(type(content).__name__, "lists of lists")}
