"""The table of jet variables: names, integers, defaults, units, factors and plot ranges, and the index spaces of columns."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, Field

from TauAdv.config import Settings, parse_yaml, validate_settings
from TauAdv.errors import ConfigError, InputError, nearest

__all__ = ["TARGET", "Column", "DefaultRule", "JetTable", "JetVariable"]

_SHIPPED = Path(__file__).parent / "jet_flavour.yaml"
#: How lines of the dataset write what is no number in YAML.
_NUMBERS_OF_JSON = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
#: Full index of the target column (flavor).
TARGET = 2


class DefaultRule(Settings):
    """A default that lies ``below_minimum`` under the smallest value of its column."""

    below_minimum: float = Field(gt=0)

    def value(self, minimum: float) -> float:
        """Return the default of a column with this smallest value."""
        return minimum - self.below_minimum


class JetVariable(Settings):
    """One variable of the table (docs/jets.md explains the keys)."""

    model_config = ConfigDict(allow_inf_nan=True)  # what is absent may be written as such

    name: str
    label: str
    unit: str = ""
    integer: bool = False
    absent: tuple[float, ...] = ()
    default: float | DefaultRule = 0.0
    perturbation: float = Field(default=1.0, ge=0)
    systematic: float = Field(default=1.0, ge=0)
    allowed: tuple[float | None, float | None] = (None, None)
    range: tuple[float, float] | None = None


class _TableRows(Settings):
    name: str
    flavours: dict[int, str]
    max_tracks: int = Field(gt=0)
    input_tracks: int = Field(gt=0)
    jet: tuple[JetVariable, ...]
    track: tuple[JetVariable, ...]


@dataclass(frozen=True)
class Column:
    """A column: a variable of the jet, or of its track number ``track`` (0: the most displaced).

    Attributes:
        name: ``jet_pt``, ``track_0_D0`` ...
        variable: row of the table.
        track: number of the track, ``None`` for variables of the jet.
        full_index: position among the 17 + 28 x 33 columns, variable by variable (arXiv:2203.13890).
    """

    name: str
    variable: JetVariable
    track: int | None
    full_index: int

    @property
    def input_index(self) -> int:
        """Position without the target column (the "non-target index"); -1 for the target itself."""
        return self.full_index - (self.full_index > TARGET) if self.full_index != TARGET else -1


@dataclass(frozen=True)
class JetTable:
    """A table of jet variables; make one with :meth:`load` or :meth:`from_text`.

    Attributes:
        name: of the table.
        flavours: value of the column flavor -> class name; their order is that of the labels 0, 1, 2.
        max_tracks: in a jet.
        input_tracks: tracks that the network reads.
        jet: variables of the jet in the dataset's order, the target included.
        track: variables of a track.
        text: the YAML it was read from.
    """

    name: str
    flavours: Mapping[int, str]
    max_tracks: int
    input_tracks: int
    jet: tuple[JetVariable, ...]
    track: tuple[JetVariable, ...]
    text: str

    @classmethod
    def load(cls, path: Path | str | None = None) -> JetTable:
        """Return the table of the library, or the one in a YAML file.

        Raises:
            ConfigError: if there is no such file, or its content is not accepted.
        """
        path = _SHIPPED if path is None else Path(path)
        try:
            return cls.from_text(path.read_text(encoding="utf-8"), path)
        except FileNotFoundError as error:
            msg = f"{path}: no such table of jet variables"
            raise ConfigError(msg) from error

    @classmethod
    def from_text(cls, text: str, source: Path | str = "table of jet variables") -> JetTable:
        """Return the table in a YAML text; ``source`` goes into error messages.

        Raises:
            ConfigError: if the content is not accepted.
        """
        content = parse_yaml(text, source, written=True)
        if not isinstance(content, dict):
            msg = f"{source}: expected a table of jet variables ('key: value' pairs)"
            raise ConfigError(msg)
        groups = {group: _variables(content.get(group), group, str(source)) for group in ("jet", "track")}
        rows = validate_settings(_TableRows, content | groups, str(source))
        if len(rows.jet) <= TARGET or rows.jet[TARGET].name != "flavor":
            msg = f"{source}: expected 'flavor' as variable number {TARGET} of the jet"
            raise ConfigError(msg)
        return cls(text=text, **{name: getattr(rows, name) for name in _TableRows.model_fields})

    def dump(self) -> str:
        """Return YAML text from which :meth:`from_text` makes an equal table."""
        return self.text

    @cached_property
    def digest(self) -> str:
        """Sha256 (hex) of all that decides the columns and their defaults; no label, unit, range, limit or factor."""
        content = [self.name, sorted(self.flavours.items()), self.max_tracks]
        for group in (self.jet, self.track):
            content.append([variable.model_dump(mode="json", include={"name", "integer", "default"}) for variable in group])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def num_columns(self) -> int:
        """Size of the full index space (941)."""
        return len(self.jet) + len(self.track) * self.max_tracks

    def columns(self, n_tracks: int | None = None) -> tuple[Column, ...]:
        """Return the columns of jets with ``n_tracks`` tracks: jet variables, then variable by variable track 0, 1, ...

        Args:
            n_tracks: 1 to ``max_tracks``; default: all, the full index space.

        Raises:
            ConfigError: if ``n_tracks`` is out of range.
        """
        n_tracks = self.max_tracks if n_tracks is None else n_tracks
        if not 1 <= n_tracks <= self.max_tracks:
            msg = f"n_tracks: expected 1 to {self.max_tracks}, received {n_tracks}"
            raise ConfigError(msg)
        heads = [Column(variable.name, variable, None, number) for number, variable in enumerate(self.jet)]
        first = len(heads)
        tracks = [
            Column(f"track_{track}_{variable.name}", variable, track, first + number * self.max_tracks + track)
            for number, variable in enumerate(self.track)
            for track in range(n_tracks)
        ]
        return (*heads, *tracks)

    def inputs(self, n_tracks: int | None = None) -> tuple[Column, ...]:
        """Return the columns that a network reads: those of ``n_tracks`` (default: ``input_tracks``) without the target."""
        columns = self.columns(self.input_tracks if n_tracks is None else n_tracks)
        return tuple(column for column in columns if column.full_index != TARGET)

    def column(self, name: str) -> Column:
        """Return a column of the full index space by name.

        Raises:
            InputError: if there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            msg = f"no jet column '{name}'{nearest(name, list(self._by_name))}"
            raise InputError(msg) from None

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns()}

    def labels(self, flavours: np.ndarray) -> np.ndarray:
        """Return the class labels (0 b, 1 c, 2 udsg) of values of the column flavor; -1 for unknown ones."""
        labels = np.full(np.shape(flavours), -1, dtype=np.int32)
        for label, flavour in enumerate(self.flavours):
            labels[np.asarray(flavours) == flavour] = label
        return labels

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes in the order of the labels."""
        return list(self.flavours.values())


def _variables(rows: Any, group: str, source: str) -> tuple[JetVariable, ...]:
    if not isinstance(rows, dict) or not rows:
        msg = f"{source}: {group}: expected variables ('name: {{label: ...}}')"
        raise ConfigError(msg)
    variables = []
    for name, row in rows.items():
        if row and not isinstance(row, dict):
            msg = f"{source}: {group}.{name}: expected a group of settings ('key: value' pairs); received {row!r}"
            raise ConfigError(msg)
        row = dict(row or {})
        if isinstance(absent := row.get("absent", []), list):
            row["absent"] = [_NUMBERS_OF_JSON.get(value, value) for value in absent]
        row.setdefault("perturbation", 0.0 if row.get("integer") else 1.0)
        variables.append(validate_settings(JetVariable, {"name": name} | row, f"{source}: {group}.{name}"))
    return tuple(variables)
