"""Selections written as in ROOT: C++ expressions over branches, parsed to a tree and evaluated on whole arrays.

The arithmetic has the types of C++: a float32 branch is compared with ``0.90`` in double and with ``0.90f`` in float,
integers divide to integers, and any number is true unless zero. Nothing is ever passed to ``eval``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import InputError, InputWarning, nearest, shortened
from TauAdv.tuples.language.branches import Branch
from TauAdv.tuples.language.characters import foreign_characters, pointer
from TauAdv.tuples.language.cpp import truth
from TauAdv.tuples.language.misreadings import misreadings
from TauAdv.tuples.language.parser import parse
from TauAdv.tuples.language.program import Program
from TauAdv.tuples.language.signs import misread_signs
from TauAdv.tuples.language.tree import Name, Node, joined, names, numbers

__all__ = ["Selection", "parse_selection"]

#: Numbers on the stacks of a program at a time: a deep expression is computed on fewer entries at once.
_MOST_NUMBERS = 1 << 24
_MOST_SHOWN = 5
_MOST_COMPARED = 200


def parse_selection(text: str) -> Selection:
    """Return the selection that ``text`` describes; warns where C++ means something else than one would read.

    Example:
        >>> selection = parse_selection("tau_pt > 30 && std::abs(tau_eta) < 2.3")
        >>> selection.branches
        ['tau_pt', 'tau_eta']

    Raises:
        InputError: if the text is not an expression; shows the token where it stops being one.
    """
    tree = parse(text)
    _warn(text, misreadings(tree), stacklevel=3)
    return Selection(text, tree)


def _warn(text: str, problems: list[tuple[int, str]], stacklevel: int) -> None:
    for position, problem in problems[:_MOST_SHOWN]:
        warnings.warn(f"selection: {problem}\n{pointer(text, position)}", InputWarning, stacklevel=stacklevel)


class Selection:
    """A parsed selection: call it with arrays to get which entries pass."""

    def __init__(self, text: str, tree: Node) -> None:
        self.text, self.tree = text, tree
        self._signs_checked = False

    def __repr__(self) -> str:
        return f"Selection({self.text!r})"

    @cached_property
    def _names(self) -> dict[str, Name]:
        """Where each branch is used first."""
        found: dict[str, Name] = {}
        for name in names(self.tree):
            found.setdefault(name.name, name)
        return found

    @property
    def branches(self) -> list[str]:
        """The branches that the selection reads, in the order of their first use."""
        return list(self._names)

    @property
    def numbers(self) -> list[str]:
        """Those of them that need to be one number per entry: not used as a list, by index or length, alone."""
        return list(dict.fromkeys(name.name for name in numbers(self.tree)))

    def require(self, available: Iterable[str]) -> None:
        """Check that all branches are available.

        Raises:
            InputError: shows the missing ones in the selection, with the nearest that there is.
        """
        known = list(available)
        present = set(known)
        missing = [name for name in self._names.values() if name.name not in present]
        if not missing:
            return
        places = [self._missing(name, known) for name in missing[:_MOST_SHOWN]]
        if len(missing) > _MOST_SHOWN:
            places.append(f"and {len(missing) - _MOST_SHOWN} more branches are missing")
        raise InputError("selection: " + "\nselection: ".join(places))

    def _missing(self, name: Name, known: list[str]) -> str:
        hint = foreign_characters(name.name[:_MOST_COMPARED], name.position) or nearest(name.name[:_MOST_COMPARED], known)
        return f"no branch '{shortened(name.name)}'{hint}\n{pointer(self.text, name.position)}"

    @cached_property
    def _terms(self) -> list[Node]:
        return joined(self.tree, "&&")

    @cached_property
    def _programs(self) -> list[Program]:
        return [Program(self.text, term) for term in self._terms]

    @property
    def cuts(self) -> list[str]:
        """The terms that the outermost ``&&`` join, in order."""
        return [str(term) for term in self._terms]

    def __call__(self, arrays: ak.Array | Mapping[str, Any]) -> np.ndarray:
        """Return a boolean array: which entries pass.

        Raises:
            InputError: if a branch is missing or jagged, an operator does not fit its values, or an integer is divided by 0.
        """
        return self.cut_flow(arrays)[0]

    def cut_flow(self, arrays: ak.Array | Mapping[str, Any], length: int | None = None) -> tuple[np.ndarray, list[int]]:
        """Return which entries pass, and how many are left after each of :attr:`cuts` (see :meth:`__call__`).

        ``length`` is the number of entries where ``arrays`` may be empty, as for the selection ``true``.
        """
        fields: Sequence[str] = arrays.fields if isinstance(arrays, ak.Array) else list(arrays)
        self.require(fields)
        branches = {name: Branch(name, arrays[name]) for name in self._names}
        if length is None:
            length = len(arrays) if isinstance(arrays, ak.Array) else len(arrays[fields[0]])
        self._check_lengths(branches, length)
        self._check_signs(branches)
        passed = np.ones(length, dtype=np.bool_)
        counts = np.zeros(len(self._terms), dtype=np.int64)
        for entries in self._pieces(length):
            piece = branches if len(passed) == entries.stop - entries.start else {n: b[entries] for n, b in branches.items()}
            passed[entries] = self._passed(piece, passed[entries], counts)
        return passed, counts.tolist()

    def _passed(self, branches: Mapping[str, Branch], passed: np.ndarray, counts: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            for number, program in enumerate(self._programs):
                passed = passed & truth(program(branches, passed))
                counts[number] += np.count_nonzero(passed)
        return passed

    def _pieces(self, length: int) -> Iterator[slice]:
        step = max(_MOST_NUMBERS // max(program.depth for program in self._programs), 1)
        for start in range(0, max(length, 1), step):
            yield slice(start, min(start + step, length))

    def _check_signs(self, branches: Mapping[str, Branch]) -> None:
        """Warn of misread comparisons of unsigned branches, whose types are known from the first values on."""
        if not self._signs_checked:
            self._signs_checked = True
            _warn(self.text, misread_signs(self.tree, lambda name: branches[name].dtype), stacklevel=5)

    def _check_lengths(self, branches: Mapping[str, Branch], length: int) -> None:
        for branch in branches.values():
            if len(branch) != length:
                msg = f"selection: branch '{branch.name}' has {len(branch)} entries, expected {length}"
                raise InputError(msg)
