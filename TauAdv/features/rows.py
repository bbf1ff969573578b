"""What a feature table may contain: the keys of its YAML file, their types and defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from TauAdv.config import Settings, parse_yaml, validate_settings, yaml_text
from TauAdv.errors import ConfigError
from TauAdv.features.extension import extended

__all__ = ["CLIPS", "SHIPPED_TABLES", "BlockRows", "FeatureRow", "GridRow", "Kind", "TableRows", "read_rows"]

#: Tables that come with the library, by name.
SHIPPED_TABLES = {path.stem: path for path in (Path(__file__).parent / "tables").glob("*.yaml")}

Kind = Literal["linear", "normal", "categorical", "no_scaling"]
CLIPS: dict[str, tuple[float, float]] = {
    "linear": (-1.0, 1.0),
    "normal": (-5.0, 5.0),
    "categorical": (float("-inf"), float("inf")),
    "no_scaling": (float("-inf"), float("inf")),
}


class FeatureRow(Settings):
    """One feature. Keys left out come from the quantity of the same name (see :class:`TableRows`), then from here.

    Attributes:
        value: expression; default: the branch of the feature's name.
        guard: expression that says where the value is valid, or one per era; default: everywhere.
        kind: decides the clip limits.
        scaling: (mean, std) of both grids; `inner` and `outer` give one each.
        clip: limits after scaling; default: those of the kind.
        default: what an invalid value becomes, in scaled units.
        integer: whether the value is a count, code or flag; default: by the types of the branches.
        perturbation: size of a small change in scaled units; default: 1, and 0 for integers.
        follows: key of the feature, of the same block, of which this one is |value| / error.
        label: for plots (TeX between $), unit, range: plotting range in physical units.
    """

    value: str | int | None = None
    guard: str | dict[str, str] | None = None
    kind: Kind = "no_scaling"
    scaling: tuple[float, float] | None = None
    inner: tuple[float, float] | None = None
    outer: tuple[float, float] | None = None
    clip: tuple[float, float] | None = None
    default: float = 0.0
    integer: bool | None = None
    perturbation: float | None = Field(None, ge=0)
    follows: str | None = None
    label: str | None = None
    unit: str = ""
    range: tuple[float, float] | None = None


class BlockRows(Settings):
    """The features of one kind of object, in order.

    Attributes:
        collection: prefix of the object's branches (without underscore); none: the tau itself.
        select: expression that picks the objects of the collection.
        prefix: goes before every key to make the feature's name.
        quantities: group of :attr:`TableRows.quantities` that the rows inherit from.
    """

    collection: str | None = None
    select: str | None = None
    prefix: str = ""
    quantities: str | None = None
    features: dict[str, dict[str, Any] | None]


class GridRow(Settings):
    """A grid of cells x cells around the tau axis; objects with dR < cone (an expression) enter it."""

    cells: int = Field(gt=0)
    cell_size: float = Field(gt=0)
    cone: str


class TableRows(Settings):
    """A whole feature table.

    Attributes:
        name: of the table.
        eras: that guards may tell apart; the first is the default.
        extra_branches: branches beyond the tuple schema that expressions may read -> their type.
        object_types: branch -> the values it may have; any other value is an error.
        grids: name -> geometry.
        tensors: name -> blocks whose features it holds, in order; `tau` is the flat one.
        quantities: group -> feature key -> what rows of that key inherit.
        blocks: name -> features.
    """

    name: str
    eras: list[str] = ["run2"]
    extra_branches: dict[str, Literal["float32", "int32"]] = {}
    object_types: dict[str, list[int]] = {}
    grids: dict[str, GridRow]
    tensors: dict[str, list[str]]
    quantities: dict[str, dict[str, dict[str, Any]]] = {}
    blocks: dict[str, BlockRows]


def read_rows(text: str, source: str | Path) -> tuple[TableRows, str]:
    """Return the rows in the text of a table file, and the text of the whole table (of one that extends another, too).

    Raises:
        ConfigError: not YAML, a key given twice, an unknown key, a wrong type; the message names ``source``.
    """
    content = _mapping(text, source, written=True)
    if "extends" in content:
        content = extended(_mapping(text, source), _base(content["extends"], source), str(source))
        text = yaml_text(content)
    return validate_settings(TableRows, content, str(source)), text


def _base(name: Any, source: str | Path) -> dict[str, Any]:
    if name not in SHIPPED_TABLES:
        msg = f"{source}: extends: expected the name of a table that comes with TauAdv ({', '.join(SHIPPED_TABLES)}), "
        raise ConfigError(f"{msg}received {str(name)!r}")
    base = _mapping(SHIPPED_TABLES[name].read_text(encoding="utf-8"), SHIPPED_TABLES[name])
    if "extends" in base:
        msg = f"{source}: extends: '{name}' extends '{base['extends']}' itself; extend that one"
        raise ConfigError(msg)
    return base


def _mapping(text: str, source: str | Path, *, written: bool = False) -> dict[str, Any]:
    content = parse_yaml(text, source, written=written)
    if not isinstance(content, dict):
        msg = f"{source}: expected a feature table ('key: value' pairs), received a {type(content).__name__}"
        raise ConfigError(msg)
    return content
