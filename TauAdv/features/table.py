"""A feature table: every feature of a tagger as one row, with everything that is known about it.

Extraction, scaling, attacks, plots and the documentation read the same :class:`FeatureTable`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from TauAdv.config.paths import expanded
from TauAdv.errors import ConfigError, nearest
from TauAdv.features.blocks import Feature, FeatureBlock
from TauAdv.features.build import build_blocks, check_structure
from TauAdv.features.expressions import Expression, parse
from TauAdv.features.rows import SHIPPED_TABLES, TableRows, read_rows
from TauAdv.features.sparse import Layout

__all__ = ["FeatureTable", "Grid"]


@dataclass(frozen=True)
class Grid:
    """Geometry of a grid around the tau axis.

    Attributes:
        cells: cells along one side.
        cell_size: in eta and in radians.
        cone: radius that objects must be inside of, an expression over branches of the tau, computed in float64.
    """

    cells: int
    cell_size: float
    cone: Expression


#: Tables by their text, the last ones read: every set of shards of a training has its own copy of the same text.
_KEPT: dict[str, FeatureTable] = {}
_MOST_KEPT = 8


@dataclass(frozen=True)
class FeatureTable:
    """A feature table; make one with :meth:`load` or :meth:`from_text`.

    Attributes:
        name: of the table.
        eras: that guards may tell apart; the first is the default.
        object_types: branch -> values that it may have.
        grids: grid name -> geometry.
        tensors: tensor name -> names of its blocks, in order; ``tau`` is the flat tensor.
        blocks: block name -> features.
        text: its YAML, whole: of a table that extends another one, too.
    """

    name: str
    eras: tuple[str, ...]
    object_types: Mapping[str, tuple[int, ...]]
    grids: Mapping[str, Grid]
    tensors: Mapping[str, tuple[str, ...]]
    blocks: Mapping[str, FeatureBlock]
    text: str

    @classmethod
    def load(cls, name_or_path: str | Path) -> FeatureTable:
        """Return a table that comes with the library, by name (``deeptau_v2p5``), or the one in a YAML file.

        Raises:
            ConfigError: if there is no such table, or its content is not accepted.
        """
        path = SHIPPED_TABLES.get(str(name_or_path), Path(expanded(name_or_path)))
        if not path.is_file():
            msg = f"no feature table '{name_or_path}'{nearest(str(name_or_path), list(SHIPPED_TABLES))}"
            raise ConfigError(f"{msg}: expected one of {', '.join(sorted(SHIPPED_TABLES))}, or a YAML file")
        return cls.from_text(path.read_text(encoding="utf-8"), path)

    @classmethod
    def from_text(cls, text: str, source: str | Path = "feature table") -> FeatureTable:
        """Return the table in a YAML text; ``source`` goes into error messages.

        Raises:
            ConfigError: if the content is not accepted.
        """
        if text not in _KEPT:
            if len(_KEPT) == _MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            _KEPT[text] = cls._read(text, source)
        return _KEPT[text]

    @classmethod
    def _read(cls, text: str, source: str | Path) -> FeatureTable:
        rows, text = read_rows(text, source)
        check_structure(rows, str(source))
        return cls(
            name=rows.name,
            eras=tuple(rows.eras),
            object_types={branch: tuple(values) for branch, values in rows.object_types.items()},
            grids=_grids(rows),
            tensors={name: tuple(blocks) for name, blocks in rows.tensors.items()},
            blocks=build_blocks(rows, str(source)),
            text=text,
        )

    def __repr__(self) -> str:
        return f"<feature table {self.name}, digest {self.digest[:8]}>"

    def __str__(self) -> str:
        tensors = ", ".join(f"{name} {len(self.features(name))}" for name in self.tensors)
        grids = ", ".join(f"{name} {grid.cells} x {grid.cells} of {grid.cell_size}" for name, grid in self.grids.items())
        lines = [
            f"feature table {self.name} (digest {self.digest[:8]})",
            f"  features: {tensors} ({self.layout.cell} in a cell)",
            f"  grids: {grids}",
            f"  blocks: {', '.join(f'{name} {len(block)}' for name, block in self.blocks.items())}",
            f"  eras: {', '.join(self.eras)}",
            f"  reads {len(self.branches)} branches: {', '.join(self.branches[:4])}, ...",
        ]
        return "\n".join(lines)

    def dump(self) -> str:
        """Return YAML text from which :meth:`from_text` makes an equal table."""
        return self.text

    def features(self, tensor: str) -> tuple[Feature, ...]:
        """Return the features of a tensor in order; ``cell`` is the feature vector of a grid cell (all grid tensors)."""
        names = self._cell_blocks if tensor == "cell" else self.tensors[tensor]
        return tuple(feature for name in names for feature in self.blocks[name].features)

    @property
    def _cell_blocks(self) -> list[str]:
        return [block for tensor, blocks in self.tensors.items() if tensor != "tau" for block in blocks]

    @cached_property
    def layout(self) -> Layout:
        """Sizes of the arrays that extraction with this table gives."""
        spans, start = {}, 0
        for tensor in self.tensors:
            if tensor != "tau":
                spans[tensor] = (start, start + len(self.features(tensor)))
                start = spans[tensor][1]
        return Layout(len(self.features("tau")), {name: grid.cells for name, grid in self.grids.items()}, spans)

    @cached_property
    def branches(self) -> tuple[str, ...]:
        """Tuple branches that extraction reads, sorted."""
        names = {"tau_pt", "tau_eta", "tau_phi"}.union(*(grid.cone.names for grid in self.grids.values()))
        used = {block for blocks in self.tensors.values() for block in blocks}
        collections = {self.blocks[block].collection for block in used} - {None}
        names |= {name for name in self.object_types if any(name.startswith(f"{prefix}_") for prefix in collections)}
        return tuple(sorted(names.union(*(self.blocks[block].names for block in used))))

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of all that decides the tensors; labels, units, ranges and perturbations do not."""
        content = {
            "object_types": {name: sorted(values) for name, values in self.object_types.items()},
            "grids": {name: [grid.cells, grid.cell_size, str(grid.cone)] for name, grid in self.grids.items()},
            "tensors": list(self.tensors.items()),
            "eras": list(self.eras),
            "blocks": [_canonical(self.blocks[name]) for name in sorted(self.blocks)],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _grids(rows: TableRows) -> dict[str, Grid]:
    return {name: Grid(row.cells, row.cell_size, parse(row.cone)) for name, row in rows.grids.items()}


def _canonical(block: FeatureBlock) -> list[object]:
    features = [
        [
            feature.name,
            str(feature.value),
            {era: str(guard) for era, guard in feature.guards.items()},
            {grid: [scaling.mean, scaling.std, scaling.low, scaling.high] for grid, scaling in feature.scaling.items()},
            feature.default,
        ]
        for feature in block.features
    ]
    return [block.name, block.collection, str(block.select), features]
