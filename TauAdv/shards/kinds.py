"""The kinds of rows that shards hold: taus with a feature table, jets with scaled columns."""

from __future__ import annotations

from typing import Any

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.jets.features import JetFeatures
from TauAdv.shards.jets import JetLayout
from TauAdv.shards.layouts import RowLayout, RowTable
from TauAdv.shards.packing import PackLayout

__all__ = ["differing_features", "layout_of", "read_table"]


def read_table(rows: str, text: str, source: str) -> RowTable:
    """Return the feature table of ``taus`` or ``jets`` in a text; ``source`` goes into error messages.

    Raises:
        InputError: if rows are neither.
        ConfigError: if the text is not such a table.
    """
    if rows == "taus":
        return FeatureTable.from_text(text, source)
    if rows == "jets":
        return JetFeatures.from_text(text, source)
    msg = f"{source}: rows of an unknown kind '{rows}'; expected taus or jets; the shards were made by a newer version"
    raise InputError(msg)


def layout_of(rows: str, table: Any) -> RowLayout:
    """Return how rows with the features of a table are stored and read."""
    return JetLayout.of(table) if rows == "jets" else PackLayout.of(table)


def differing_features(one: RowTable, other: RowTable) -> str:
    """Return, in words, what differs between two tables."""
    if type(one) is not type(other):
        return "everything: one is of taus, the other of jets"
    paths = (
        one.differences(other)
        if isinstance(one, JetFeatures) and isinstance(other, JetFeatures)
        else _differing_paths(one, other)
    )
    if not paths:
        return "order, grids or selections of objects"
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more features" if len(paths) > 5 else "")


def _differing_paths(one: Any, other: Any) -> list[str]:
    contents = [_content(table) for table in (one, other)]
    return [path for path in {**contents[0], **contents[1]} if contents[0].get(path) != contents[1].get(path)]


def _content(table: Any) -> dict[str, tuple[Any, ...]]:
    return {
        feature.path: (str(feature.value), str(feature.guards), str(feature.scaling), feature.default)
        for block in table.blocks.values()
        for feature in block.features
    }
