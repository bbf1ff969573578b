"""What a skim reads, computes and keeps, decided and checked before the first entry is read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import awkward as ak
import numpy as np
from pydantic import AfterValidator, Field

from TauAdv.config import Settings
from TauAdv.errors import ConfigError, InputError, InputWarning, shortened
from TauAdv.production.skim.columns import choose_columns
from TauAdv.production.skim.modules import MODULES, ProcessingModule, processing_module
from TauAdv.tuples.branches.records import contents_of, of_columns, rows_of
from TauAdv.tuples.branches.types import BranchType
from TauAdv.tuples.branches.writable import require_writable, unwritable
from TauAdv.tuples.selection import Selection, parse_selection
from TauAdv.tuples.sources import EntryBlock, TupleSource
from TauAdv.tuples.trees import require_tree_name, without_cycle

__all__ = ["CutFlow", "SkimPlan", "SkimSettings", "parse_range"]

_MOST_SHOWN = 5


class SkimSettings(Settings):
    """Settings of the skim.

    Attributes:
        input_tree: tree to read.
        output_tree: tree to write; named as ``input_tree`` if ``None``.
        other_trees: further trees, copied whole.
        sel: selection in the language of ROOT; all entries pass if ``None``.
        include_columns: branches to keep (``^`` begins a regular expression); all if empty.
        exclude_columns: branches to leave out; wins.
        skip_unwritable: leave out branches that cannot be written, instead of an error.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        processing_module: built-in function that adds a branch before the selection.
        comp_algo: compression of the output.
        comp_level: its level, each algorithm having its own default.
        format: ``ttree`` or ``rntuple``.
        input_range: entries to read, ``begin:end``, counted over all files.
        output_range: which of the passing taus to write, ``begin:end``.
        allow_empty: write an empty tree, instead of an error, if no tau passes.
        step_size: about the most taus in memory at once.
    """

    input_tree: str = "taus"
    output_tree: Annotated[str, AfterValidator(require_tree_name)] | None = None
    other_trees: tuple[str, ...] = ()
    sel: str | None = None
    include_columns: tuple[str, ...] = ()
    exclude_columns: tuple[str, ...] = ()
    skip_unwritable: bool = False
    allow_duplicates: bool = False
    processing_module: str | None = None
    comp_algo: str = "lzma"
    comp_level: int | None = Field(default=None, ge=0)
    format: Literal["ttree", "rntuple"] = "ttree"
    input_range: str | None = None
    output_range: str | None = None
    allow_empty: bool = False
    step_size: int = Field(default=20_000, ge=1)


def parse_range(text: str | None, what: str) -> tuple[int, int | None]:
    """Return begin and end of ``"begin:end"``; one of them may be left out.

    Raises:
        ConfigError: if it is not that, or empty.
    """
    if text is None:
        return 0, None
    begin, separator, end = text.partition(":")
    numbers = all(number.isascii() and number.isdigit() for number in (begin, end) if number)
    first, last = (int(begin or 0), int(end) if end else None) if numbers and len(text) < 40 else (-1, None)
    if text == ":" or not separator or first < 0 or (last is not None and last <= first):
        msg = f"{what} '{text}': expected begin:end with 0 <= begin < end, for example 0:1000"
        raise ConfigError(msg)
    return first, last


@dataclass
class CutFlow:
    """How many taus were read, passed each cut, and were written."""

    cuts: list[str]
    entries: int
    read: int = 0
    written: int = 0
    passed_cuts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.passed_cuts = [0] * len(self.cuts)

    @property
    def passed(self) -> int:
        """Taus that pass all cuts."""
        return self.passed_cuts[-1] if self.cuts else self.read

    def add(self, read: int, passed_cuts: list[int]) -> None:
        """Count a block."""
        self.read += read
        self.passed_cuts = [total + more for total, more in zip(self.passed_cuts, passed_cuts, strict=True)]

    def as_counts(self) -> dict[str, Any]:
        """Return the counts for the manifest."""
        cuts = [{"cut": cut, "passed": passed} for cut, passed in zip(self.cuts, self.passed_cuts, strict=True)]
        return {"entries": self.entries, "read": self.read, "cuts": cuts, "passed": self.passed, "written": self.written}

    def __str__(self) -> str:
        lines = [f"{self.read:>12} read"]
        cuts = [shortened(cut, 100) for cut in self.cuts]
        lines += [f"{passed:>12} after {cut}" for cut, passed in zip(cuts, self.passed_cuts, strict=True)]
        return "\n".join([*lines, f"{self.written:>12} written"])


@dataclass(frozen=True)
class OtherTree:
    """A further tree that is copied whole.

    Attributes:
        reader: of the tree in all files.
        columns: branches to copy.
        left_out: those that cannot be written.
    """

    reader: TupleSource
    columns: list[str]
    left_out: dict[str, BranchType]

    @property
    def name(self) -> str:
        """Name of the tree."""
        return without_cycle(self.reader.tree)


@dataclass(frozen=True)
class SkimPlan:
    """A skim whose settings fit its input (make it with :meth:`of`)."""

    reader: TupleSource
    settings: SkimSettings
    selection: Selection | None
    module: ProcessingModule | None
    columns: list[str]
    left_out: dict[str, BranchType]
    others: list[OtherTree]
    start: int
    stop: int
    output_start: int
    output_stop: int | None

    @classmethod
    def of(cls, reader: TupleSource, settings: SkimSettings) -> SkimPlan:
        """Check the settings against the input.

        Raises:
            InputError: if the selection is wrong, branches are missing, or the input range is outside of the input.
            ConfigError: if a range, pattern or processing module is wrong.
        """
        module = processing_module(settings.processing_module) if settings.processing_module else None
        names = reader.branches
        if not names:
            msg = f"{reader.files[0]}: {reader.place} has no branches"
            raise InputError(msg)
        if module is not None:
            reader.require(module.branches)
            names = list(dict.fromkeys([*names, module.adds]))
        selection = parse_selection(settings.sel) if settings.sel else None
        if selection is not None:
            _check_selection(selection, names, reader)
        counters = list(reader.counters.values())
        columns = choose_columns(names, settings.include_columns, settings.exclude_columns, counters)
        columns, left_out = _writable(reader, columns, settings, "--exclude-columns or --skip-unwritable")
        reader.require([name for name in columns if module is None or name != module.adds])
        if reader.only_in_some and not settings.include_columns:
            warnings.warn(_only_in_some(reader), InputWarning, stacklevel=2)
        others = _other_trees(reader, settings)
        start, stop = _entries(reader, settings)
        output_range = parse_range(settings.output_range, "output range")
        return cls(reader, settings, selection, module, columns, left_out, others, start, stop, *output_range)

    @property
    def output_tree(self) -> str:
        """Name of the tree to write."""
        return self.settings.output_tree or without_cycle(self.settings.input_tree)

    @property
    def left_out_record(self) -> list[dict[str, str]]:
        """What the manifest says of the branches that cannot be written."""
        trees = {without_cycle(self.settings.input_tree): self.left_out} | {
            other.name: other.left_out for other in self.others
        }
        return [
            {"tree": tree, "branch": name, "type": branch.typename, "reason": branch.reason}
            for tree, left_out in trees.items()
            for name, branch in left_out.items()
        ]

    @property
    def _adds(self) -> set[str]:
        return set() if self.module is None else {self.module.adds}

    @property
    def _examined(self) -> list[str]:
        used = [*(self.selection.branches if self.selection else ()), *(self.module.branches if self.module else ())]
        return [name for name in dict.fromkeys(used) if name not in self._adds]

    def cut_flow(self) -> CutFlow:
        """Return an empty cut flow."""
        return CutFlow(self.selection.cuts if self.selection else [], self.reader.num_entries)

    def passing(self, flow: CutFlow) -> Iterator[tuple[int, ak.Array | None]]:
        """Yield, block by block, the entries read and the columns of the taus to write; counts in ``flow``."""
        stored = [name for name in dict.fromkeys([*self._examined, *self.columns]) if name not in self._adds]
        for block in self.reader.blocks(stored, self.settings.step_size, self.start, self.stop):
            examined = self._examine(block)
            passed, counts = self._select(block, examined)
            before = flow.passed
            flow.add(len(block), counts)
            rows = np.flatnonzero(passed)
            stop = None if self.output_stop is None else max(self.output_stop - before, 0)
            rows = rows[max(self.output_start - before, 0) : stop]
            flow.written += len(rows)
            yield len(block), self._columns_of(block, examined, rows) if len(rows) else None
            if self.output_stop is not None and flow.passed >= self.output_stop:
                return

    def empty(self) -> ak.Array:
        """Return no taus, with the branches to write."""
        arrays = self.reader.empty([name for name in self.columns if name not in self._adds])
        columns = {name: arrays[name] for name in arrays.fields}
        if self.module is not None:
            columns[self.module.adds] = self.module.compute(self.reader.empty(self.module.branches))
        return ak.zip({name: columns[name] for name in self.columns}, depth_limit=1)

    def _examine(self, block: EntryBlock) -> dict[str, Any]:
        arrays = block.read(self._examined)
        examined = {name: arrays[name] for name in self._examined}
        if self.module is not None:
            try:
                examined[self.module.adds] = self.module.compute(examined)
            except InputError as error:
                msg = f"{block.path}, entries {block.start} to {block.stop - 1}: {error}"
                raise InputError(msg) from error
        return examined

    def _select(self, block: EntryBlock, examined: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
        if self.selection is None:
            return np.ones(len(block), dtype=np.bool_), []
        return self.selection.cut_flow(examined, len(block))

    def _columns_of(self, block: EntryBlock, examined: dict[str, Any], rows: np.ndarray) -> ak.Array:
        known = of_columns({name: examined[name] for name in self.columns if name in examined}, len(block))
        others = block.read([name for name in self.columns if name not in examined], rows)
        columns = contents_of(rows_of(known, rows)) | contents_of(others)
        return of_columns({name: columns[name] for name in self.columns})


def _check_selection(selection: Selection, names: list[str], reader: TupleSource) -> None:
    """Refuse a selection of branches that are missing, cannot be read or are not one number an entry."""
    for name, module in MODULES.items():
        if module.adds in selection.branches and module.adds not in names:
            msg = f"selection: branch '{module.adds}' is added by --processing-module {name}; give that option"
            raise InputError(msg)
    selection.require(dict.fromkeys([*names, *reader.counters.values()]))
    stored = [name for name in selection.branches if name in reader.types]
    reader.require(stored)
    as_number = set(selection.numbers)
    wrong = [name for name in stored if not _is_usable(reader.types[name], as_number=name in as_number)]
    if wrong:
        listed = ", ".join(f"branch '{name}' is a {reader.types[name]}" for name in wrong[:_MOST_SHOWN])
        msg = f"selection: {listed}; a selection needs one number per entry, as 'x[0]' or 'x.size()' of a list x"
        raise InputError(msg)


def _is_usable(branch: BranchType, *, as_number: bool) -> bool:
    return branch.is_number or (not as_number and branch.is_list)


def _writable(
    reader: TupleSource, columns: list[str], settings: SkimSettings, options: str
) -> tuple[list[str], dict[str, BranchType]]:
    """Return the branches that can be written and, with ``skip_unwritable``, the others."""
    left_out = unwritable(reader, columns, settings.format) if settings.skip_unwritable else {}
    kept = [name for name in columns if name not in left_out]
    if not kept:  # all are named
        return require_writable(reader, columns, "nothing is left to write", settings.format), left_out
    return require_writable(reader, kept, f"leave others out with {options}", settings.format), left_out


def _other_trees(reader: TupleSource, settings: SkimSettings) -> list[OtherTree]:
    names = [settings.output_tree or without_cycle(settings.input_tree), *map(without_cycle, settings.other_trees)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"the output would have tree '{twice[0]}' twice; give another --output-tree or other --other-trees"
        raise ConfigError(msg)
    return [_other_tree(reader, tree, settings) for tree in settings.other_trees]


def _other_tree(reader: TupleSource, tree: str, settings: SkimSettings) -> OtherTree:
    other = reader.other_tree(tree)
    columns, left_out = _writable(other, other.branches, settings, "--skip-unwritable")
    other.require(columns)
    return OtherTree(other, columns, left_out)


def _only_in_some(reader: TupleSource) -> str:
    names = reader.only_in_some
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{len(names)} branches are only in some of the files, not in the first, and are left out: {shown}"


def _entries(reader: TupleSource, settings: SkimSettings) -> tuple[int, int]:
    start, stop = parse_range(settings.input_range, "input range")
    stop = reader.num_entries if stop is None else stop
    if settings.input_range is not None and (start >= reader.num_entries or stop > reader.num_entries):
        msg = f"input range '{settings.input_range}': outside of the input, which has {reader.num_entries} entries"
        raise InputError(msg)
    return start, stop
