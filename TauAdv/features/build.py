"""From the rows of a table file to parsed features: inheritance, defaults, and every check against the tuple schema."""

from __future__ import annotations

from collections.abc import Mapping

from TauAdv.config import validate_settings
from TauAdv.errors import ConfigError, nearest, shortened
from TauAdv.features.blocks import Feature, FeatureBlock, Scaling
from TauAdv.features.expressions import Expression, parse
from TauAdv.features.rows import CLIPS, BlockRows, FeatureRow, TableRows
from TauAdv.tuples.language.characters import foreign_characters
from TauAdv.tuples.schema import ADDED, SCHEMA

__all__ = ["GRIDS", "build_blocks", "check_structure"]

GRIDS = ("inner", "outer")


def check_structure(rows: TableRows, source: str) -> None:
    """Check what connects the parts of a table.

    Raises:
        ConfigError: grids other than inner and outer, a tensor of an unknown block, unknown quantities, no tensor ``tau``.
    """
    problems = []
    if set(rows.grids) != set(GRIDS):
        problems.append(f"grids: expected {' and '.join(GRIDS)}, received {', '.join(rows.grids)}")
    if "tau" not in rows.tensors:
        problems.append("tensors: expected one named tau (the flat features)")
    for tensor, blocks in rows.tensors.items():
        unknown = [name for name in blocks if name not in rows.blocks]
        problems += [f"tensors.{tensor}: unknown block '{name}'{nearest(name, list(rows.blocks))}" for name in unknown]
    for name, block in rows.blocks.items():
        group = block.quantities
        if group is not None and group not in rows.quantities:
            problems.append(f"blocks.{name}.quantities: unknown group '{group}'{nearest(group, list(rows.quantities))}")
    flat = [name for name in rows.tensors.get("tau", []) if name in rows.blocks and rows.blocks[name].collection]
    problems += [
        f"tensors.tau: block '{name}' is of a collection; the flat tensor holds features of the tau" for name in flat
    ]
    if problems:
        raise ConfigError(f"{source}: " + "; ".join(problems))


def build_blocks(rows: TableRows, source: str) -> dict[str, FeatureBlock]:
    """Return the parsed blocks of a table.

    Raises:
        ConfigError: names the block and the feature: unknown key or branch, expression that does not parse.
    """
    return {name: _BlockBuilder(name, block, rows, source).build() for name, block in rows.blocks.items()}


class _BlockBuilder:
    def __init__(self, name: str, block: BlockRows, table: TableRows, source: str) -> None:
        self.name, self.block, self.table = name, block, table
        self.where = f"{source}: blocks.{name}"
        known = {**SCHEMA, **ADDED}
        self.branches = {name: branch.dtype.kind in "iub" for name, branch in known.items()}
        self.branches |= {name: kind.startswith("int") for name, kind in table.extra_branches.items()}
        self.integers = {name for name, integer in self.branches.items() if integer}
        self.quantities = table.quantities.get(block.quantities or "", {})
        self.rows = {key: self._row(key, own or {}) for key, own in block.features.items()}

    def build(self) -> FeatureBlock:
        values = {key: self._parse(key, self._value_text(key, row)) for key, row in self.rows.items()}
        flags = {key: value for key, value in values.items() if self.rows[key].guard is None and key not in self.branches}
        features = tuple(self._feature(key, row, values[key], flags) for key, row in self.rows.items())
        select = None
        if self.block.select is not None:
            select = self._parse("select", self.block.select)
            self._check_names("select", select)
        return FeatureBlock(self.name, self.block.collection, select, features)

    def _row(self, key: str, own: Mapping[str, object]) -> FeatureRow:
        inherited = dict(self.quantities.get(key, {}))
        if "scaling" in own:
            inherited = {name: value for name, value in inherited.items() if name not in GRIDS}
        elif set(GRIDS) & set(own):
            inherited.pop("scaling", None)
        return validate_settings(FeatureRow, inherited | dict(own), f"{self.where}.features.{key}")

    def _value_text(self, key: str, row: FeatureRow) -> str:
        if row.value is not None:
            return str(row.value)
        return f"{self.block.collection}_{key}" if self.block.collection else key

    def _feature(self, key: str, row: FeatureRow, value: Expression, flags: Mapping[str, Expression]) -> Feature:
        guards = {era: self._parse(key, text).substitute(flags) for era, text in self._guard_texts(key, row).items()}
        for expression in (value, *guards.values()):
            self._check_names(key, expression)
        integer = row.integer if row.integer is not None else row.kind == "categorical" or value.is_integer(self.integers)
        return Feature(
            block=self.name,
            name=self.block.prefix + key,
            key=key,
            value=value,
            guards=guards,
            kind=row.kind,
            scaling=self._scaling(key, row),
            default=row.default,
            integer=integer,
            perturbation=row.perturbation if row.perturbation is not None else 0.0 if integer else 1.0,
            label=row.label or key.replace("_", " "),
            unit=row.unit,
            range=row.range,
            follows=self._followed(key, row),
        )

    def _followed(self, key: str, row: FeatureRow) -> str | None:
        if row.follows is not None and row.follows not in self.rows:
            suggestion = nearest(row.follows, list(self.rows))
            raise self._error(key, f"follows '{row.follows}', which this block has not{suggestion}")
        return row.follows

    def _guard_texts(self, key: str, row: FeatureRow) -> dict[str, str]:
        if row.guard is None:
            return {}
        if isinstance(row.guard, str):
            return dict.fromkeys(self.table.eras, row.guard)
        if unknown := [era for era in row.guard if era not in self.table.eras]:
            raise self._error(key, f"guard for unknown era '{unknown[0]}'; eras of this table: {', '.join(self.table.eras)}")
        return dict(row.guard)

    def _scaling(self, key: str, row: FeatureRow) -> dict[str, Scaling]:
        low, high = row.clip or CLIPS[row.kind]
        common = row.scaling or ((0.0, 1.0) if row.kind in ("categorical", "no_scaling") else None)
        pairs = {"inner": row.inner or common, "outer": row.outer or common}
        if missing := [grid for grid, pair in pairs.items() if pair is None]:
            raise self._error(key, f"kind {row.kind} needs (mean, std): give 'scaling' or '{missing[0]}'")
        if any(pair[1] <= 0 for pair in pairs.values() if pair) or low > high:
            raise self._error(key, "expected std > 0 and clip limits in rising order")
        return {grid: Scaling(*pair, low, high) for grid, pair in pairs.items() if pair}

    def _parse(self, key: str, text: str) -> Expression:
        try:
            return parse(text)
        except ConfigError as error:
            raise self._error(key, str(error)) from error

    def _check_names(self, key: str, expression: Expression) -> None:
        for name in sorted(expression.names):
            if name not in self.branches:
                candidates = [*self.branches, *(row for row in self.rows if row != key)]
                raise self._error(
                    key,
                    f"'{shortened(name)}' is neither a branch nor an unguarded row of this block"
                    f"{foreign_characters(name[:60]) or nearest(name[:60], candidates)}",
                )
            own = self.block.collection is not None and name.startswith(self.block.collection + "_")
            known = SCHEMA.get(name) or ADDED.get(name)
            if known is not None and known.jagged and not own:
                raise self._error(key, f"'{name}' holds one value per object, and this block is not of its collection")

    def _error(self, key: str, reason: str) -> ConfigError:
        return ConfigError(f"{self.where}: {key}: {reason}")
