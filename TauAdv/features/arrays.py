"""Features of arrays that somebody made: records of tau tuples in memory, checked as those of a file are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from TauAdv.errors import InputError
from TauAdv.features.extract import extract
from TauAdv.features.sparse import SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.tuples.branches.columns import prepared
from TauAdv.tuples.schema import branch_or_none

__all__ = ["features_of_arrays", "tau_records"]


def features_of_arrays(
    arrays: Any, table: FeatureTable, *, era: str | None = None, rm_inner_from_outer: bool = False
) -> SparseTaus:
    """Return the features of taus in memory, in order; see :func:`TauAdv.features.extract.extract`.

    Args:
        arrays: see :func:`tau_records`.
        table: what to compute.
        era: which guards hold; default: the first era of the table.
        rm_inner_from_outer: leave objects inside the inner cone out of the outer grid.

    Raises:
        InputError: as :func:`tau_records` and :func:`~TauAdv.features.extract.extract`.
    """
    return extract(tau_records(arrays, table), table, era=era, rm_inner_from_outer=rm_inner_from_outer)


def tau_records(arrays: Any, table: FeatureTable) -> ak.Array:
    """Return the branches that a table reads, with the types that they have in a tuple.

    Args:
        arrays: records with one field per branch, or a mapping from branches to arrays: one number per tau, or one list of
            numbers per tau of branches of a collection (an awkward array). Further branches are left out.
        table: of the features.

    Raises:
        InputError: if it is neither, branches are missing or of different lengths, or values do not fit their branch.
    """
    fields = arrays.fields if isinstance(arrays, ak.Array) else list(arrays) if isinstance(arrays, Mapping) else None
    if fields is None:
        msg = f"expected taus as a mapping or records of branches (tau_pt, pfCand_pt, ...), received {_described(arrays)}"
        raise InputError(msg)
    if missing := [name for name in table.branches if name not in fields]:
        shown = ", ".join(missing[:6]) + (" ..." if len(missing) > 6 else "")
        msg = f"{len(missing)} of {len(table.branches)} branches of feature table {table.name} are missing: {shown}"
        raise InputError(msg)
    columns = {name: prepared(name, arrays[name], branch_or_none(name)) for name in table.branches}
    lengths = {name: len(values) for name, values in columns.items()}
    first = next(iter(lengths))
    if wrong := [name for name, length in lengths.items() if length != lengths[first]]:
        msg = f"branch {wrong[0]} has {lengths[wrong[0]]} entries, and {first} has {lengths[first]}; expected one per tau"
        raise InputError(msg)
    return ak.zip(columns, depth_limit=1)


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {list(shape)}" if shape is not None else "")
