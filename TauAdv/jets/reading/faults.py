"""What is wrong with a line that is not a jet: a sentence for the user, with the position of the entry at fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from TauAdv.errors import shortened

__all__ = ["TRACK_GROUPS", "VALUES", "LineFault", "TooLarge", "check_jet", "impossible_values", "too_large_values"]

#: Entries of the four lists of a track.
TRACK_GROUPS = (5, 15, 1, 7)
VALUES = sum(TRACK_GROUPS)
_WORDS = ("NaN", "-NaN", "inf", "-inf")
_GROUP_ENDS = np.cumsum(TRACK_GROUPS)
#: Columns are float32.
_LARGEST = float(np.finfo(np.float32).max)
_SHAPE = "[pt, eta, flavor, [8 numbers], [6 numbers], [tracks]]"


@dataclass(frozen=True)
class LineFault:
    """A line that is not a jet: its number (from 1), the kind of fault (for counting) and what exactly."""

    line: int
    kind: str
    text: str


@dataclass(frozen=True)
class TooLarge:
    """A number, as written, that no float64 holds."""

    text: str

    def __repr__(self) -> str:
        return self.text


def _shown(value: Any) -> str:
    return shortened(repr(value), 40)


def _check_list(value: Any, size: int, where: str) -> tuple[str, str] | None:
    if not isinstance(value, list):
        return "nesting", f"{where}: expected a list of {size} numbers, received {_shown(value)}"
    if len(value) != size:
        return "number of entries", f"{where}: expected {size} entries, received {len(value)}"
    for number, entry in enumerate(value, 1):
        if fault := _check_number(entry, f"{where}, entry {number}"):
            return fault
    return None


def _check_number(value: Any, where: str) -> tuple[str, str] | None:
    if isinstance(value, str) and value not in _WORDS:
        received = f"unknown string '{shortened(value, 40)}'"
        return "unknown string", f"{where}: {received}; expected a number or one of {', '.join(_WORDS)}"
    if isinstance(value, TooLarge):
        return _too_large(_shown(value), where)
    if isinstance(value, bool | dict | list):
        return "nesting", f"{where}: expected a number, received {_shown(value)}"
    return None


def _too_large(shown: str, where: str) -> tuple[str, str]:
    return "number too large", f"{where}: {shown} is too large; expected at most {_LARGEST:.4g}, or inf in quotes"


def _check_track(track: Any, where: str) -> tuple[str, str] | None:
    if not isinstance(track, list) or len(track) != len(TRACK_GROUPS):
        return "nesting", f"{where}: expected four lists of 5, 15, 1 and 7 numbers, received {_shown(track)}"
    for number, (group, size) in enumerate(zip(track, TRACK_GROUPS, strict=True), 1):
        if fault := _check_list(group, size, f"{where}, list {number}"):
            return fault
    return None


def _check_tracks(tracks: Any, max_tracks: int) -> tuple[str, str] | None:
    if not isinstance(tracks, list):
        return "nesting", f"entry 6: expected a list of tracks, received {_shown(tracks)}"
    if not tracks:
        return "zero tracks", f"a jet without tracks; expected 1 to {max_tracks}"
    if len(tracks) > max_tracks:
        return "too many tracks", f"{len(tracks)} tracks; expected 1 to {max_tracks}"
    for number, track in enumerate(tracks, 1):
        if fault := _check_track(track, f"track {number}"):
            return fault
    return None


def _first_fault(jet: Any, max_tracks: int) -> tuple[str, str] | None:
    if not isinstance(jet, list):
        return "nesting", f"expected a list {_SHAPE}, received {_shown(jet)}"
    if len(jet) != 6 and len(jet) > 1 and all(isinstance(entry, list) for entry in jet):
        return "nesting", f"a list of {len(jet)} lists, not a jet {_SHAPE}; expected one jet a line, not an array of jets"
    if len(jet) != 6:
        return "number of entries", f"expected 6 entries {_SHAPE}, received {len(jet)}"
    for number, entry in enumerate(jet[:3], 1):
        if fault := _check_number(entry, f"entry {number}"):
            return fault
    for number, size in ((4, 8), (5, 6)):
        if fault := _check_list(jet[number - 1], size, f"entry {number}"):
            return fault
    return _check_tracks(jet[5], max_tracks)


def check_jet(jet: Any, line: int, max_tracks: int) -> LineFault | None:
    """Return the first fault of a parsed line, ``None`` if it is a jet."""
    fault = _first_fault(jet, max_tracks)
    return LineFault(line, *fault) if fault is not None else None


def impossible_values(jet: np.ndarray, flavours: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return row -> kind and text of the fault, of jets whose pt, eta or flavour none can have.

    These three are never absent in the dataset (arXiv:1607.08633). pt and eta become float32: numbers
    that this type does not hold are none.

    Args:
        jet: variables of jets, float64 [n, 17]: pt, eta, flavour, ...
        flavours: known ones.
    """
    with np.errstate(over="ignore", under="ignore"):
        pt, eta = jet[:, 0].astype(np.float32), jet[:, 1].astype(np.float32)
    expected = ", ".join(map(str, flavours))
    checks = (
        (np.isfinite(pt) & (pt > 0), "impossible kinematics", "pt {:g} (entry 1); expected a finite number above 0"),
        (np.isfinite(eta), "impossible kinematics", "eta {:g} (entry 2); expected a finite number"),
        (np.isin(jet[:, 2], flavours), "unknown flavour", f"unknown flavour {{:g}} (entry 3); expected one of {expected}"),
    )
    found: dict[int, tuple[str, str]] = {}
    for row in np.flatnonzero((jet[:, 0] > 0) & (pt == 0)).tolist():
        found[row] = ("number too small", f"pt {jet[row, 0]:g} (entry 1) is 0 in single precision; expected GeV")
    for entry, (good, kind, text) in enumerate(checks):
        for row in np.flatnonzero(~good).tolist():
            found.setdefault(row, (kind, text.format(jet[row, entry])))
    return found


def too_large_values(jet: np.ndarray, track: np.ndarray, n_tracks: np.ndarray) -> dict[int, tuple[str, str]]:
    """Return row -> kind and text of the fault, of jets with a finite number that would become infinite as float32.

    Args:
        jet: variables of jets, float64 [n, 17].
        track: variables of their tracks, jet after jet, float64 [sum(n_tracks), 28].
        n_tracks: tracks of each jet [n].
    """
    found: dict[int, tuple[str, str]] = {}
    for row, column in _too_large_places(jet):
        found.setdefault(row, _too_large(f"{jet[row, column]:g}", _jet_entry(column)))
    ends = np.cumsum(n_tracks)
    for number, column in _too_large_places(track):
        row = int(np.searchsorted(ends, number, side="right"))
        where = f"track {number - ends[row] + n_tracks[row] + 1}, {_track_entry(column)}"
        found.setdefault(row, _too_large(f"{track[number, column]:g}", where))
    return found


def _jet_entry(column: int) -> str:
    if column < 3:
        return f"entry {column + 1}"
    return f"entry 4, entry {column - 2}" if column < 11 else f"entry 5, entry {column - 10}"


def _track_entry(column: int) -> str:
    group = int(np.searchsorted(_GROUP_ENDS, column, side="right"))
    return f"list {group + 1}, entry {column - _GROUP_ENDS[group] + TRACK_GROUPS[group] + 1}"


def _too_large_places(values: np.ndarray) -> list[tuple[int, int]]:
    beyond = (values > _LARGEST) | (values < -_LARGEST)
    if not beyond.any():
        return []
    return [(int(row), int(column)) for row, column in np.argwhere(beyond & np.isfinite(values))]
