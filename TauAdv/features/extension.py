"""A feature table that extends another one: the same features, other scaling constants."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from TauAdv.config import Settings, validate_settings
from TauAdv.errors import ConfigError, nearest

__all__ = ["ExtensionRows", "extended"]

_SCALING = ("scaling", "inner", "outer")


class ScalingRow(Settings):
    """(mean, std) of a feature: ``scaling`` in both grids, or ``inner`` and ``outer``."""

    scaling: tuple[float, float] | None = None
    inner: tuple[float, float] | None = None
    outer: tuple[float, float] | None = None


class ExtensionRows(Settings):
    """What a table changes in the one that it extends.

    Attributes:
        name: of the new table.
        extends: name of a table that comes with the library.
        eras: of the new table, some of the base's; guards of other eras are left out.
        scaling: block -> key of the feature -> its constants. Features that are not listed keep theirs.
    """

    name: str
    extends: str
    eras: list[str]
    scaling: dict[str, dict[str, ScalingRow]]


def extended(content: Mapping[str, Any], base: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the content of a whole table: ``base`` with the changes in ``content``.

    Raises:
        ConfigError: unknown keys, an era, block or feature that the base does not have; names ``source``.
    """
    rows = validate_settings(ExtensionRows, content, source)
    result = copy.deepcopy(dict(base))
    _require_known(rows.eras, base["eras"], f"{source}: eras: unknown era")
    result |= {"name": rows.name, "eras": rows.eras}
    for block, features in rows.scaling.items():
        _require_known([block], base["blocks"], f"{source}: scaling: unknown block")
        own = result["blocks"][block]["features"]
        _require_known(features, own, f"{source}: scaling.{block}: unknown feature")
        for key, row in features.items():
            kept = {name: value for name, value in (own[key] or {}).items() if name not in _SCALING}
            own[key] = kept | row.model_dump(mode="json", exclude_none=True)
    for block in result["blocks"].values():
        for key, row in block["features"].items():
            if row and isinstance(row.get("guard"), Mapping):
                block["features"][key] = _of_eras(row, rows.eras)
    return result


def _of_eras(row: Mapping[str, Any], eras: list[str]) -> dict[str, Any]:
    guard = {era: text for era, text in row["guard"].items() if era in eras}
    return {name: value for name, value in row.items() if name != "guard"} | ({"guard": guard} if guard else {})


def _require_known(names: Any, known: Any, message: str) -> None:
    for name in names:
        if name not in known:
            msg = f"{message} '{name}'{nearest(name, list(known))}; the table that it extends has {', '.join(known)}"
            raise ConfigError(msg)
