"""What a tau tuple holds: name, type, unit and absent value of every branch (TauMLTools)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from TauAdv.config import parse_yaml
from TauAdv.errors import InputError, nearest

__all__ = ["ADDED", "SCHEMA", "Branch", "branch", "branch_or_none", "collection_of", "counter_name", "lowest"]

_JAGGED = "var * "


@dataclass(frozen=True)
class Branch:
    """One branch of a tau tuple.

    Attributes:
        name: its name.
        dtype: numpy type of its values.
        jagged: whether an entry holds a list of values, one per object of the group.
        absent: what stands for "there is none": -1 for an index, else the lowest number of the type.
        unit: GeV, cm, rad or empty.
        description: what it is, empty where the name says it.
        group: the object it belongs to, for example ``pfCand``; the jagged branches of a group share their lengths.
    """

    name: str
    dtype: np.dtype
    jagged: bool
    absent: float | int | bool
    unit: str
    description: str
    group: str


def lowest(dtype: np.dtype) -> float | int | bool:
    """Return the lowest number of a type: what a branch holds when there is no value."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return False
    return float(np.finfo(dtype).min) if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _read_group(group: str, content: Mapping[str, Any]) -> list[Branch]:
    branches = []
    for name, entry in content["branches"].items():
        dtype = np.dtype(entry["type"].removeprefix(_JAGGED))
        absent = -1 if name.endswith(("_index", "Index")) else lowest(dtype)
        jagged = entry["type"].startswith(_JAGGED)
        branches.append(Branch(name, dtype, jagged, absent, entry.get("unit", ""), entry.get("description", ""), group))
    return branches


def _read_schema() -> tuple[Mapping[str, Branch], Mapping[str, Branch]]:
    content = parse_yaml(files("TauAdv.tuples").joinpath("branches.yaml").read_text(encoding="utf-8"), "branches.yaml")
    tables = []
    for part in ("groups", "added"):
        found = [entry for group, members in content[part].items() for entry in _read_group(group, members)]
        tables.append(MappingProxyType({entry.name: entry for entry in found}))
    return tables[0], tables[1]


#: SCHEMA: the branches of a tuple as it comes from reconstruction; ADDED: those that production steps add.
SCHEMA, ADDED = _read_schema()
_COLLECTIONS = sorted({entry.group for entry in SCHEMA.values() if entry.jagged}, key=len, reverse=True)


def branch_or_none(name: str) -> Branch | None:
    """Return the schema entry of a branch, ``None`` if tau tuples have no such branch."""
    return SCHEMA.get(name) or ADDED.get(name)


def branch(name: str) -> Branch:
    """Return the schema entry of a branch.

    Raises:
        InputError: if tau tuples have no such branch.
    """
    found = branch_or_none(name)
    if found is None:
        msg = f"'{name}' is not a branch of tau tuples{nearest(name, list(SCHEMA))}; TauAdv/tuples/branches.yaml lists them"
        raise InputError(msg)
    return found


def collection_of(name: str) -> str:
    """Return the collection whose lengths a jagged branch shares; a branch of no known collection is one by itself."""
    if name in SCHEMA and SCHEMA[name].jagged:
        return SCHEMA[name].group
    return next((collection for collection in _COLLECTIONS if name.startswith(collection + "_")), name)


def counter_name(name: str) -> str:
    """Return the branch that counts the values of a jagged one in our TTrees: ``n_pfCand`` for every ``pfCand_*``."""
    return f"n_{collection_of(name)}"
