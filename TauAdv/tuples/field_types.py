"""The types of the fields of an RNTuple, from the form of the arrays that they become."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

__all__ = ["field_types"]

_KINDS = {
    "RecordForm": "a structure",
    "UnionForm": "a variant",
    "IndexedOptionForm": "a value that may be missing",
}


def field_types(ntuple: Any) -> dict[str, dict[str, Any]]:
    """Return, for every field at the top of an RNTuple, what :class:`~TauAdv.tuples.branch_types.BranchType` has."""
    return {field.name: {"typename": str(field.typename or "structure"), **_describe(field)} for field in ntuple.fields}


def _describe(field: Any) -> dict[str, Any]:
    try:
        form = field.to_akform()[0]
    except Exception as error:  # whatever uproot meets in a type that it does not know
        return {"problem": f"its type is not known to uproot ({str(error).splitlines()[0]})"}
    return _of_form(form.contents[0] if isinstance(form, ak.forms.RecordForm) and form.fields == [field.name] else form)


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
