"""The branches of several files of one tree: which all of them have, of which type, and which differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.branches.types import BranchType, common_dtype
from TauAdv.tuples.schema import counter_name

__all__ = ["FileBranches"]

_FILES_SHOWN = 3


class FileBranches:
    """Types of branches, file by file; files without entries count only if all are.

    Args:
        place: what messages call the tree or table of a file.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._files: list[tuple[Path, int, Mapping[str, BranchType]]] = []

    def add(self, path: Path, entries: int, types: Mapping[str, BranchType]) -> None:
        """Add a file. Equal types are kept once: a thousand files would need 100 MB for them."""
        same = next((known for _, _, known in self._files[-1:] if known == types and list(known) == list(types)), types)
        self._files.append((path, entries, same))

    @cached_property
    def _read(self) -> list[tuple[Path, Mapping[str, BranchType]]]:
        """The files that count: those with entries, or else one with branches, or else the first."""
        filled = [(path, types) for path, entries, types in self._files if entries]
        known = [(path, types) for path, _, types in self._files if types]
        return filled or known[:1] or [(self._files[0][0], self._files[0][2])]

    @property
    def path(self) -> Path:
        """The first file that counts."""
        return self._read[0][0]

    @property
    def types(self) -> Mapping[str, BranchType]:
        """The types in the first file that counts."""
        return self._read[0][1]

    @cached_property
    def counters(self) -> dict[str, str]:
        """The branch that counts the values of each list: one of the file, or else a name that is computed on demand."""
        found = {}
        for name, branch in self.types.items():
            if branch.jagged and branch.can_be_written:
                computed = counter_name(name)
                if branch.counter is not None and branch.counter in self.types:
                    found[name] = branch.counter
                elif computed not in self.types:
                    found[name] = computed
        return found

    @cached_property
    def computed(self) -> dict[str, str]:
        """By counter that no branch of the file is: the list whose values it counts."""
        return {counter: name for name, counter in reversed(self.counters.items()) if counter not in self.types}

    @cached_property
    def names(self) -> list[str]:
        """The branches, without counters that have the name that we give them (``n_pfCand``)."""
        ours = {counter for name, counter in self.counters.items() if counter == counter_name(name)}
        return [name for name in self.types if name not in ours]

    @cached_property
    def only_in_some(self) -> list[str]:
        """Branches of later files that the first does not have."""
        return sorted({name for _, types in self._read[1:] for name in types} - set(self.types) - set(self.computed))

    def require(self, names: Iterable[str]) -> None:
        """Check that all files have these branches, that they can be read, and that their types go together.

        Raises:
            InputError: lists all the branches that fail one of these.
        """
        wanted = list(dict.fromkeys(self.computed.get(name, name) for name in names))
        for path, types in self._read:
            self._require_present(path, wanted, types)
        problems = [line for path, types in self._read for line in self._unreadable(path, wanted, types)]
        problems += [self._disagreement(name) for name in wanted if self.dtypes.get(name, "same") is None]
        if problems:
            raise InputError("\n".join(problems))

    @cached_property
    def dtypes(self) -> dict[str, np.dtype | None]:
        """The types of numbers that hold those of all files, for branches whose type differs; ``None`` if there is none."""
        return {name: common_dtype(found) for name, found in self._differing.items()}

    def conversions(self, path: Path, names: Iterable[str]) -> dict[str, np.dtype]:
        """Return the types that the numbers of a file are widened to, where other files have wider ones."""
        types = dict(self._read).get(path, {})
        common = {name: self.dtypes[name] for name in names if name in self.dtypes}
        return {name: dtype for name, dtype in common.items() if dtype is not None and types[name].dtype != dtype}

    @cached_property
    def _differing(self) -> dict[str, dict[BranchType, list[Path]]]:
        """By branch: the types that it has, each with its files, where there are several."""
        if all(types is self.types for _, types in self._read):
            return {}
        found: dict[str, dict[tuple[object, ...], tuple[BranchType, list[Path]]]] = {}
        for path, types in self._read:
            for name, branch in types.items():
                key = (branch.dtype, branch.jagged, branch.shape, "" if branch.can_be_written else branch.typename)
                found.setdefault(name, {}).setdefault(key, (branch, []))[1].append(path)
        return {name: dict(kinds.values()) for name, kinds in found.items() if len(kinds) > 1}

    def _require_present(self, path: Path, names: Sequence[str], types: Mapping[str, BranchType]) -> None:
        missing = [name for name in names if name not in types]
        if missing:
            lines = "".join(f"\n  {name}{nearest(name, list(types))}" for name in missing)
            msg = f"{path}: {self.place} lacks {len(missing)} of the branches needed:{lines}"
            raise InputError(msg)

    def _unreadable(self, path: Path, names: Sequence[str], types: Mapping[str, BranchType]) -> list[str]:
        return [
            f"{path}: {self.place}: branch '{name}' ({types[name]}) cannot be read: {types[name].problem}"
            for name in names
            if types[name].problem
        ]

    def _disagreement(self, name: str) -> str:
        lines = [f"branch '{name}' of {self.place} has types that no common type holds without loss:"]
        for branch, paths in self._differing[name].items():
            shown = ", ".join(map(str, paths[:_FILES_SHOWN]))
            more = f" and {len(paths) - _FILES_SHOWN} more" if len(paths) > _FILES_SHOWN else ""
            lines.append(f"  {branch}: {shown}{more}")
        return "\n".join([*lines, "  leave the branch out, or read these files separately"])
