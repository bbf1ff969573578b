"""Entries of a comparison: a run, or several trainings that differ in their seed alone and are one entry with a band."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from TauAdv.config.scalars import is_blank
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.adaptation.trainings import differing, k2_of, seed_of, training_of
from TauAdv.io.file_names import file_name
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import MODEL
from TauAdv.training.sweep.record import read_sweep, runs_of
from TauAdv.training.sweep.settings import is_sweep

__all__ = ["Asked", "Entry", "RunIds", "asked_entries", "find_entries", "reference_of", "reference_runs"]


@dataclass(frozen=True)
class Asked:
    """What was asked for by one word of a command.

    Attributes:
        run_ids: identifiers of runs, or of sweeps, which stand for their trainings.
        label: what the entry is called; ``None``: the name of the run.
    """

    run_ids: tuple[str, ...]
    label: str | None = None


#: Label -> run id, or several of one entry; or run ids without labels; or what was asked for.
RunIds: TypeAlias = Mapping[str, str | Sequence[str]] | Sequence[str | Asked]


@dataclass(frozen=True)
class Entry:
    """A column of the comparison.

    Attributes:
        label: of the entry.
        runs: label -> run; of a single run the label of the entry, of several ``LABEL, seed 2``.
        notes: what a reader must know of it: settings beside the seed in which its runs differ.
    """

    label: str
    runs: Mapping[str, Run]
    notes: tuple[str, ...] = ()

    @property
    def run_ids(self) -> list[str]:
        """Identifiers of its runs."""
        return [run.id for run in self.runs.values()]


def asked_entries(runs: RunIds) -> list[Asked]:
    """Return what is asked for.

    Raises:
        InputError: no runs, an empty label or identifier, or a label twice.
    """
    if isinstance(runs, Mapping):
        asked = [Asked((ids,) if isinstance(ids, str) else tuple(ids), label) for label, ids in runs.items()]
    elif isinstance(runs, str):
        asked = [Asked((runs,))]
    else:
        asked = [entry if isinstance(entry, Asked) else Asked((entry,)) for entry in runs]
    if not asked:
        msg = "runs: expected the identifier of at least one run, received none; tauadv runs lists them"
        raise InputError(msg)
    for entry in asked:
        words = [*entry.run_ids, *([] if entry.label is None else [entry.label])]
        if not entry.run_ids or any(map(is_blank, words)):
            shown = f"{'' if entry.label is None else entry.label + '='}{','.join(entry.run_ids)}"
            msg = (
                f"runs: expected RUN_ID, LABEL=RUN_ID or LABEL=RUN_ID,RUN_ID; received {shown!r}, where one of them is empty"
            )
            raise InputError(msg)
    labels = Counter(entry.label for entry in asked if entry.label is not None)
    if twice := [label for label, count in labels.items() if count > 1]:
        msg = f"label {twice[0]} is given {labels[twice[0]]} times; several runs of one entry: {twice[0]}=RUN_ID,RUN_ID"
        raise InputError(msg)
    return asked


def find_entries(mlpath: Any, runs: RunIds) -> list[Entry]:
    """Return the entries of a comparison, in their order.

    Runs without a label whose settings and inputs differ in the seed alone become one entry, as do the trainings of a sweep.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        runs: see :data:`RunIds`.

    Raises:
        InputError: as :func:`asked_entries`; no such run, one run twice, or a sweep with trainings that have no model.
    """
    asked = asked_entries(runs)
    found = [[(run_id, find_run(mlpath, run_id)) for run_id in dict.fromkeys(entry.run_ids)] for entry in asked]
    _require_once(asked)
    groups: list[_Group] = []
    for entry, listed in zip(asked, found, strict=True):
        for group in _groups_of(entry, [run for _, run in listed]):
            same = next((each for each in groups if group.joins(each)), None)
            if same is None:
                groups.append(group)
            else:
                same.runs.extend(group.runs)
    _require_different(groups)
    entries = [_entry(group, label) for group, label in zip(groups, _labels(groups), strict=True)]
    _require_files(entries)
    return entries


def reference_of(entries: Sequence[Entry], wanted: str | None = None) -> str:
    """Return the label of the entry that the cost is compared with: a fine-tune with k2 = 0 or the first, if none is wanted.

    Raises:
        InputError: no entry of that label.
    """
    labels = [entry.label for entry in entries]
    if wanted is not None:
        if wanted not in labels:
            msg = f"reference '{wanted}': expected one of {labels}{nearest(wanted, labels)}"
            raise InputError(msg)
        return wanted
    without = (entry.label for entry in entries[1:] if all(k2_of(run) == 0 for run in entry.runs.values()))
    return next(without, labels[0])


def reference_runs(entries: Sequence[Entry], reference: str) -> dict[str, str]:
    """Return label of a run -> label of the run it is compared with, for all but those of the reference.

    Of a reference of several seeds it is the run of the same seed, else its first.
    """
    others = next(entry.runs for entry in entries if entry.label == reference)
    by_seed = {seed_of(run): label for label, run in others.items()}
    found = {}
    for label, run in ((label, run) for entry in entries for label, run in entry.runs.items() if label not in others):
        found[label] = by_seed.get(seed_of(run), next(iter(others)))
    return found


class _Group:
    """Runs that become one entry; ``given``: by a label, which keeps others out."""

    def __init__(self, runs: list[Run], label: str | None, *, given: bool) -> None:
        self.runs, self.label, self.given = runs, label, given
        self.training = None if given else training_of(runs[0])

    def joins(self, other: _Group) -> bool:
        """Whether the runs of both differ in the seed alone, and each has a seed of its own."""
        if self.given or other.given or self.training is None or self.training != other.training:
            return False
        seeds = [seed_of(run) for run in (*self.runs, *other.runs)]
        return len(set(seeds)) == len(seeds)


def _groups_of(asked: Asked, runs: list[Run]) -> Iterator[_Group]:
    sweeps = [run for run in runs if is_sweep(run)]
    others = [run for run in runs if not is_sweep(run)]
    if asked.label is not None and (others or not sweeps):
        yield _Group([*others, *(child for run in sweeps for child in _children(run).values())], asked.label, given=True)
        return
    for run in others:
        yield _Group([run], None, given=False)
    for run in sweeps:
        yield from _groups_of_sweep(run, run.name if asked.label is None else asked.label, given=asked.label is not None)


def _groups_of_sweep(parent: Run, label: str, *, given: bool) -> Iterator[_Group]:
    """Yield the trainings of a sweep: those that differ in the seed alone together."""
    children = _children(parent)
    together: dict[str, list[Run]] = {}
    for number, values in enumerate(read_sweep(parent).values, 1):
        named = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in values.items() if key != "seed")
        together.setdefault(named, []).append(children[number])
    for named, runs in together.items():
        yield _Group(runs, f"{label}, {named}" if named else label, given=given or len(together) > 1)


def _children(parent: Run) -> dict[int, Run]:
    """Return the trainings of a sweep by number; all must have a model."""
    found = runs_of(parent)
    wanted = range(1, len(read_sweep(parent).values) + 1)
    missing = [number for number in wanted if number not in found or not (found[number].artifacts / MODEL).is_file()]
    if missing:
        there = ", ".join(run.id for number, run in sorted(found.items()) if number not in missing) or "none"
        msg = (
            f"{parent.title}: {len(missing)} of the {len(wanted)} trainings of this sweep have no model, first number "
            f"{missing[0]}; resume the sweep, or give the runs that have one: {there}"
        )
        raise InputError(msg)
    return found


def _require_once(asked: Sequence[Asked]) -> None:
    first: dict[str, str] = {}
    for entry in asked:
        for run_id, count in Counter(entry.run_ids).items():
            before = first.setdefault(run_id, _called(entry))
            if count > 1 or before != _called(entry):
                msg = f"run {run_id} is given as {before} and as {_called(entry)}"
                raise InputError(f"{msg}: it would be compared with itself; give another run")
            if entry.label is None and sum(run_id in other.run_ids for other in asked) > 1:
                msg = f"run {run_id} is given twice: it would be compared with itself; give it once"
                raise InputError(msg)


def _called(entry: Asked) -> str:
    return entry.run_ids[0] if entry.label is None else entry.label


def _require_different(groups: Iterable[_Group]) -> None:
    """Refuse a training that is given by itself and by its sweep."""
    counts = Counter(run.id for group in groups for run in group.runs)
    if twice := [run_id for run_id, count in counts.items() if count > 1]:
        msg = f"run {twice[0]} is given twice, by itself and by its sweep: it would be compared with itself; give it once"
        raise InputError(msg)


def _require_files(entries: Sequence[Entry]) -> None:
    """Refuse labels whose plots would have one name: the page would show one picture twice."""
    labels = [label for entry in entries for label in entry.runs]
    first: dict[str, str] = {}
    for label in labels:
        if (other := first.setdefault(file_name(label).lower(), label)) != label:
            msg = f"labels '{other}' and '{label}': their plots would both be called {file_name(label)}; give other labels"
            raise InputError(msg)


def _labels(groups: Sequence[_Group]) -> list[str]:
    """Return a label for each group: what was given, or names of runs where they tell them apart."""
    wanted = [group.label or _common_name(group.runs) for group in groups]
    found: list[str] = []
    for group, label in zip(groups, wanted, strict=True):
        alone = wanted.count(label) == 1 or (group.label is not None and label not in found)
        found.append(label if alone else f"{label} {group.runs[0].id[:6]}")
    return found


def _common_name(runs: Sequence[Run]) -> str:
    """Return the name of a run; of several, what their names have in common."""
    names = [run.name or run.id[:8] for run in runs]
    common = "".join(letters[0] for letters in _same_letters(names)).rstrip(" -_:,.(=")
    common = common.removesuffix("seed").rstrip(" -_:,.(=") if len(names) > 1 else names[0]
    return common or names[0]


def _same_letters(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            return
        yield letters


def _entry(group: _Group, label: str) -> Entry:
    if len(group.runs) == 1:
        return Entry(label, {label: group.runs[0]})
    seeds = [seed_of(run) for run in group.runs]
    apart = None not in seeds and len(set(seeds)) == len(seeds)
    named = [f"seed {seed}" if apart else run.id[:6] for run, seed in zip(group.runs, seeds, strict=True)]
    runs = {f"{label}, {name}": run for name, run in zip(named, group.runs, strict=True)}
    return Entry(label, runs, _notes(label, group.runs))


def _notes(label: str, runs: Sequence[Run]) -> tuple[str, ...]:
    trainings = [training_of(run) for run in runs]
    known = [training for training in trainings if training is not None]
    if len(known) < len(runs):
        silent = runs[trainings.index(None)]
        return (f"{label}: {silent.title} keeps no settings: whether its runs differ in the seed alone is not known",)
    if keys := differing(known):
        return (f"{label}: its runs differ in more than the seed: {', '.join(keys)}",)
    return ()
