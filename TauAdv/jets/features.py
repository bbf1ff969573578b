"""The scaled inputs of a jet network, with default and scaling of each: what the feature table is to taus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.commands import command
from TauAdv.config import Settings, parse_yaml, validate_settings, yaml_block, yaml_value
from TauAdv.errors import ConfigError, InputError
from TauAdv.jets.cleaning import clean, integer_columns
from TauAdv.jets.columns import Jets
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.scalers import Scalers
from TauAdv.jets.schema import Column, JetTable

__all__ = ["JetFeatures", "column_positions"]


def column_positions(jets: Jets | ExtractedJets, columns: Sequence[Column]) -> list[int]:
    """Return the positions of columns among those of jets.

    Raises:
        InputError: if the jets lack columns; names the folder of extracted jets.
    """
    position = {column.name: number for number, column in enumerate(jets.columns)}
    if missing := [column for column in columns if column.name not in position]:
        names = ", ".join(column.name for column in missing[:3]) + (" ..." if len(missing) > 3 else "")
        tracks = 1 + max(column.track or 0 for column in columns)
        where = f"{jets.folder}: " if isinstance(jets, ExtractedJets) else ""
        way_out = f"extract n_tracks={tracks} tracks or more with {command('jets extract')}"
        msg = f"{where}jets without the columns {names}: {way_out}"
        raise InputError(msg)
    return [position[column.name] for column in columns]


class _Row(Settings):
    default: float
    mean: float
    std: float
    frozen: bool


class _Rows(Settings):
    n_tracks: int
    defaults_to_zero: bool
    features: dict[str, _Row]
    table: str


@dataclass(frozen=True, eq=False)
class JetFeatures:
    """Default, mean and spread of every input column.

    Attributes:
        table: of jet variables.
        n_tracks: tracks whose variables are inputs.
        default: float64 [f], in physical units.
        mean, std: float64 [f]; scaled = (physical - mean) / std.
        frozen: bool [f], columns that are constant in the training jets.
        defaults_to_zero: give defaults the scaled value 0, instead of (default - mean) / std.
    """

    table: JetTable
    n_tracks: int
    default: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    frozen: NDArray[np.bool_]
    defaults_to_zero: bool = False

    @classmethod
    def of(
        cls,
        table: JetTable,
        n_tracks: int,
        default: NDArray[np.float64],
        scalers: Scalers,
        *,
        defaults_to_zero: bool = False,
    ) -> JetFeatures:
        """Return the features with these defaults and scalers."""
        return cls(table, n_tracks, default, scalers.mean, scalers.std, scalers.constant, defaults_to_zero)

    @classmethod
    def from_text(cls, text: str, source: str = "jet features") -> JetFeatures:
        """Return the features in a YAML text that :meth:`dump` wrote; ``source`` goes into error messages.

        Raises:
            ConfigError: if the content is not accepted.
        """
        content = parse_yaml(text, source)
        if not isinstance(content, dict):
            msg = f"{source}: expected the features of a jet network ('key: value' pairs)"
            raise ConfigError(msg)
        rows = validate_settings(_Rows, content, source)
        table = JetTable.from_text(rows.table, f"{source}: table")
        if [column.name for column in table.inputs(rows.n_tracks)] != list(rows.features):
            msg = f"{source}: features: expected the columns of {rows.n_tracks} tracks of the table '{table.name}', in order"
            raise ConfigError(msg)
        arrays = {
            name: np.array([getattr(row, name) for row in rows.features.values()]) for name in ("default", "mean", "std")
        }
        frozen = np.array([row.frozen for row in rows.features.values()])
        return cls(table, rows.n_tracks, frozen=frozen, defaults_to_zero=rows.defaults_to_zero, **arrays)

    def __repr__(self) -> str:
        return f"<jet features {self.name}, digest {self.digest[:8]}>"

    def __str__(self) -> str:
        of_jet = [column.name for column in self.columns if column.track is None]
        per_track = (len(self) - len(of_jet)) // self.n_tracks if self.n_tracks else 0
        lines = [
            f"jet features {self.name} (digest {self.digest[:8]})",
            f"  inputs: {len(self)}: {len(of_jet)} of the jet, {per_track} of each of {self.n_tracks} tracks",
            f"  of the jet: {', '.join(of_jet[:5])}, ...",
            f"  classes: {', '.join(self.table.class_names)}",
            f"  constant in the training jets: {int(self.frozen.sum())}",
        ]
        return "\n".join(lines)

    def dump(self) -> str:
        """Return YAML text from which :meth:`from_text` makes equal features, one line a feature."""
        head = f"n_tracks: {self.n_tracks}\ndefaults_to_zero: {json.dumps(self.defaults_to_zero)}\nfeatures:\n"
        lines = [f"  {name}: {_flow(row)}\n" for name, row in self._rows.items()]
        return head + "".join(lines) + yaml_block("table", self.table.dump())

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        numbers = zip(self.default.tolist(), self.mean.tolist(), self.std.tolist(), self.frozen.tolist(), strict=True)
        keys = ("default", "mean", "std", "frozen")
        return {column.name: dict(zip(keys, row, strict=True)) for column, row in zip(self.columns, numbers, strict=True)}

    @property
    def name(self) -> str:
        """Name of the table of jet variables."""
        return self.table.name

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of all that decides the scaled inputs."""
        content = [self.table.digest, self.n_tracks, self.defaults_to_zero, self._rows]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The input columns, in order."""
        return self.table.inputs(self.n_tracks)

    @property
    def names(self) -> list[str]:
        """Names of the input columns."""
        return [column.name for column in self.columns]

    @property
    def integer(self) -> NDArray[np.bool_]:
        """Which inputs are counts or codes [f]."""
        return integer_columns(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def differences(self, other: JetFeatures) -> list[str]:
        """Return the names of features that differ, and other settings that do."""
        rows = (self._rows, other._rows)
        names = [name for name in {**rows[0], **rows[1]} if rows[0].get(name) != rows[1].get(name)]
        if self.defaults_to_zero != other.defaults_to_zero:
            names.insert(0, "defaults_to_zero")
        return names

    def select(self, jets: Jets) -> NDArray[np.float32]:
        """Return the input columns [n, f] of jets as they were read.

        Raises:
            InputError: if the jets lack columns.
        """
        return jets.values[:, column_positions(jets, self.columns)]

    def __call__(self, jets: Jets) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return scaled inputs float32 [n, f] of jets as they were read, and the mask of defaults and padding."""
        values, absent = clean(self.select(jets), self.default)
        return self.scale(values, absent), absent

    def scale(self, values: NDArray[np.float32], absent: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return cleaned values [n, f] scaled; ``absent`` says where they are defaults."""
        scaled = ((values.astype(np.float64) - self.mean) / self.std).astype(np.float32)
        if self.defaults_to_zero:
            scaled[absent] = 0
        return scaled

    def unscale(self, x: NDArray[np.floating], absent: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return scaled inputs [n, f] in physical units.

        Args:
            x: scaled inputs.
            absent: mask of defaults; needed where they were scaled to 0.
        """
        values = np.asarray(x, np.float64) * self.std + self.mean
        return values if absent is None else np.where(absent, self.default, values)

    @property
    def scaled_default(self) -> NDArray[np.float64]:
        """Scaled value of the defaults [f]."""
        return np.zeros(len(self)) if self.defaults_to_zero else (self.default - self.mean) / self.std


def _flow(row: dict[str, Any]) -> str:
    """Return a row in YAML's short form."""
    return "{" + ", ".join(f"{key}: {yaml_value(value)}" for key, value in row.items()) + "}"
