"""From lines of the Jet Flavor dataset to numbers: ``[pt, eta, flavor, [8], [6], [[[5], [15], [1], [7]], ...]]``.

A block of lines is checked as a whole (brackets and commas, what is between quotes), read by a JSON library and flattened.
Only a block that fails the check, or holds other spellings of "not a number", is looked at line by line.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import orjson

from TauAdv.errors import shortened
from TauAdv.jets.reading.faults import (
    TRACK_GROUPS,
    VALUES,
    LineFault,
    TooLarge,
    check_jet,
    impossible_values,
    too_large_values,
)
from TauAdv.jets.schema import JetTable

__all__ = ["RawJets", "parse_lines"]

#: Everything that numbers consist of; what is left of a line are its brackets, commas and words.
_NUMBERS = b"0123456789.eE+- \t\r"
#: A jet is nested 4 deep. Up to here the entry that is a list is named; much more would exhaust the JSON library's stack.
_DEEPEST = 100
#: Lines read by one call of the JSON library: few enough for their objects to stay in the processor's cache.
_GROUP = 24


@dataclass(frozen=True)
class RawJets:
    """Jets as they stand in the file.

    Attributes:
        line: number of the line of each jet, from 1, int64 [n].
        jet: its 17 variables, float64 [n, 17].
        n_tracks: tracks of each jet, int64 [n].
        track: variables of all tracks, jet after jet, float64 [sum(n_tracks), 28].
        faults: lines that are no jets.
    """

    line: np.ndarray
    jet: np.ndarray
    n_tracks: np.ndarray
    track: np.ndarray
    faults: tuple[LineFault, ...] = ()


@lru_cache(maxsize=1)
def _structures(max_tracks: int) -> dict[bytes, int]:
    """Return brackets and commas of a line -> its number of tracks."""

    def group(size: int) -> bytes:
        return b"[" + b"," * (size - 1) + b"]"

    track = b"[" + b",".join(group(size) for size in TRACK_GROUPS) + b"]"
    head = b"[,,," + group(8) + b"," + group(6) + b",["
    return {head + b",".join([track] * tracks) + b"]]": tracks for tracks in range(1, max_tracks + 1)}


def _plain_words(text: bytes) -> bool:
    """Return whether all words between quotes have three letters, or four and the first is a minus.

    Then no word holds characters that go with the numbers: what is left of it is the whole word.
    """
    characters = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        return False
    first, size = quotes[::2] + 1, quotes[1::2] - quotes[::2] - 1
    return bool(((size == 3) | ((size == 4) & (characters[first] == ord("-")))).all())


def _count_tracks(lines: Sequence[bytes], max_tracks: int) -> list[int | None]:
    """Return the number of tracks of each line, ``None`` where its structure is not that of a jet (or may not be)."""
    text = b"\n".join(lines)
    if not _plain_words(text):
        return [None] * len(lines)
    text = text.translate(None, _NUMBERS)
    for word in (b'"NaN"', b'"inf"', b"null"):
        text = text.replace(word, b"")
    structures = _structures(max_tracks)
    return [structures.get(structure) for structure in text.split(b"\n")]


def _flatten(jets: Sequence[Any], tracks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the variables of jets and of their ``tracks`` tracks; numpy turns the words and ``None`` into numbers."""
    flat = chain.from_iterable
    head = np.fromiter(flat(flat((jet[:3], jet[3], jet[4]) for jet in jets)), np.float64, 17 * len(jets))
    track = np.fromiter(flat(flat(flat(jet[5] for jet in jets))), np.float64, VALUES * tracks)
    return head.reshape(-1, 17), track.reshape(-1, VALUES)


def _parse_group(lines: Sequence[bytes], counts: Sequence[int | None]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the numbers of a group of lines, ``None`` if any of them needs a closer look."""
    if None in counts:
        return None
    try:
        return _flatten(orjson.loads(b"[" + b",".join(lines) + b"]"), sum(count or 0 for count in counts))
    except (ValueError, TypeError):
        return None


def _float(text: str) -> float | TooLarge:
    value = float(text)
    return TooLarge(text) if math.isinf(value) else value


def _integer(text: str) -> int | float | TooLarge:
    """Return an integer; as a float, which is what becomes of it, if it is long: Python limits the digits of integers."""
    return int(text) if len(text) < 20 else _float(text)


def _depth(text: str) -> int:
    """Return how deep brackets are nested in a line, those between quotes left out."""
    brackets = re.sub(r"[^][{}]+", "", re.sub(r'"(?:[^"\\]|\\.)*"?', "", text, flags=re.DOTALL))
    steps = np.frombuffer(brackets.encode("ascii"), np.uint8)
    opens = (steps == ord("[")) | (steps == ord("{"))
    return int(np.cumsum(np.where(opens, 1, -1)).max(initial=0))


def _parse_line(line: bytes, number: int, max_tracks: int) -> tuple[np.ndarray, np.ndarray] | LineFault:
    if not line.strip():
        return LineFault(number, "empty line", "the line is empty; expected a jet")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        hint = " (it looks like UTF-16)" if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
        problem = f"byte {line[error.start]:#04x} at column {error.start + 1} is not UTF-8 text{hint}"
        return LineFault(number, "not JSON", problem)
    depth = _depth(text)
    if depth > _DEEPEST:
        return LineFault(number, "nesting", f"lists nested {depth} deep; a jet has 4")
    try:  # NaN and Infinity without quotes are taken
        jet = json.loads(text, parse_int=_integer, parse_float=_float)
    except json.JSONDecodeError as error:
        found = shortened(text[error.pos : error.pos + 12]) or "end of line"
        hint = (
            "; expected one jet a line, not an array of jets" if text.strip() in "[]" or text.rstrip().endswith(",") else ""
        )
        return LineFault(number, "not JSON", f"{error.msg} at column {error.pos + 1}, near '{found}'{hint}")
    fault = check_jet(jet, number, max_tracks)
    return fault if fault is not None else _flatten([jet], len(jet[5]))


def parse_lines(lines: Sequence[bytes], first_line: int, table: JetTable) -> RawJets:
    """Return the jets of lines.

    Args:
        lines: of the file, without line ends.
        first_line: number of the first of them, from 1.
        table: of jet variables; says which flavours there are, and how many tracks a jet may have.

    Returns:
        Jets, and a fault for every line that is none: empty, not JSON, wrong nesting or number of entries, an unknown word,
        zero or too many tracks, an impossible pt or eta, an unknown flavour, a finite number that float32 does not hold.
    """
    counts = _count_tracks(lines, table.max_tracks)
    numbers: list[int] = []
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    faults: list[LineFault] = []
    for start in range(0, len(lines), _GROUP):
        group = lines[start : start + _GROUP]
        parsed = _parse_group(group, counts[start : start + _GROUP])
        if parsed is not None:
            parts.append(parsed)
            numbers += range(first_line + start, first_line + start + len(group))
            continue
        for number, line in enumerate(group, first_line + start):
            one = _parse_line(line, number, table.max_tracks)
            if isinstance(one, LineFault):
                faults.append(one)
            else:
                parts.append(one)
                numbers.append(number)
    return _possible(_join(numbers, parts, counts, first_line), faults, list(table.flavours))


def _join(numbers: list[int], parts: list[tuple[np.ndarray, np.ndarray]], counts: list[int | None], first: int) -> RawJets:
    jet = np.concatenate([np.empty((0, 17)), *(head for head, _ in parts)])
    track = np.concatenate([np.empty((0, VALUES)), *(tracks for _, tracks in parts)])
    # a line with a structure of its own is alone in its part
    sizes = [[len(tracks)] if len(head) == 1 else [] for head, tracks in parts]
    done, n_tracks = 0, []
    for (head, _), own in zip(parts, sizes, strict=True):
        n_tracks += own or [counts[number - first] or 0 for number in numbers[done : done + len(head)]]
        done += len(head)
    return RawJets(np.array(numbers, dtype=np.int64), jet, np.array(n_tracks, dtype=np.int64), track)


def _possible(jets: RawJets, faults: list[LineFault], flavours: Sequence[int]) -> RawJets:
    """Return the jets whose pt, eta and flavour a jet can have; the others become faults."""
    wrong = impossible_values(jets.jet, flavours) | too_large_values(jets.jet, jets.track, jets.n_tracks)
    faults += [LineFault(int(jets.line[row]), kind, text) for row, (kind, text) in wrong.items()]
    faults.sort(key=lambda fault: fault.line)
    if not wrong:
        return RawJets(jets.line, jets.jet, jets.n_tracks, jets.track, tuple(faults))
    kept = np.ones(len(jets.line), bool)
    kept[list(wrong)] = False
    tracks = np.repeat(kept, jets.n_tracks)
    return RawJets(jets.line[kept], jets.jet[kept], jets.n_tracks[kept], jets.track[tracks], tuple(faults))
