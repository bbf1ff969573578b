"""The contributions of a mix: their files, their branches, and which of their entries are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from TauAdv.domain.contributions.agreement import differences, of_manifest
from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import manifest_path, read_manifest
from TauAdv.io.manifests.verified import require_described
from TauAdv.production.mixing.plan import IntArray, choose_entries
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.outputs import errors_of
from TauAdv.tuples.branches.types import BranchType, common_dtype
from TauAdv.tuples.branches.writable import require_writable
from TauAdv.tuples.files.inputs import expanded_name
from TauAdv.tuples.files.same_files import same_files
from TauAdv.tuples.reader import open_tuples, read
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.weights import check_finite

__all__ = ["Source", "check_momenta", "check_not_mixed", "choose", "common_branches", "common_dtypes", "open_sources"]

STEP = "mixing"
_EVENT = ("run", "lumi", "evt")
#: what the mixing writes itself
_WRITTEN = ("tauType", "mytauType", "dataset_id")


@dataclass(frozen=True)
class Source:
    """A contribution that is open: its name, dataset_id and tuples."""

    name: str
    dataset_id: int
    reader: TupleSource


def open_sources(settings: MixingSettings, input_dir: Path) -> list[Source]:
    """Open the files of all contributions.

    Raises:
        InputError: lists the contributions whose files are missing, damaged or lack the branches that the labels need.
    """
    sources, problems = [], []
    for entry in settings.contributions:
        names = [entry.files] if isinstance(entry.files, str) else entry.files
        try:
            paths = [input_dir / expanded_name(name) for name in names]
            reader = open_tuples(paths, settings.tree, allow_duplicates=settings.allow_duplicates)
            reader.require(["sampleType"])
        except InputError as error:
            problems.append(f"contribution {entry.name}: {error}")
        else:
            sources.append(Source(entry.name, entry.dataset_id, reader))
    if not problems and not settings.allow_duplicates:
        problems = same_files([path for source in sources for path in source.reader.files])
    if problems:
        raise InputError("\n".join(problems))
    return sources


def check_not_mixed(sources: Sequence[Source], settings: MixingSettings) -> None:
    """Refuse taus that were mixed before, unless as the same contribution of the same control region.

    Raises:
        InputError: lists the files, and what they say their taus are.
    """
    problems = [problem for source in sources for path in source.reader.files if (problem := _mixed(source, path, settings))]
    if problems:
        raise InputError("nothing is written:\n" + "\n".join(f"  {problem}" for problem in problems))


def _mixed(source: Source, path: Path, settings: MixingSettings) -> str:
    """Return what is wrong with a file that was mixed before, if anything."""
    manifest = read_manifest(path) if manifest_path(path).is_file() else {}
    statement = of_manifest(manifest, str(path))
    if statement is None and manifest.get("step") != STEP:
        return ""
    require_described(manifest, path)
    lines = [] if statement is None else differences(statement, settings.statement)
    text = f"{source.name}: {path} was mixed before"
    if lines:
        return f"{text}, as other contributions (there / here): {'; '.join(lines)}; give the tuples it was mixed of"
    ids = np.unique(read(path, ["dataset_id"], settings.tree)["dataset_id"])
    if set(ids.tolist()) != {source.dataset_id}:
        found = ids.tolist()
        return f"{text} and holds taus of dataset_id {found}, not only {source.dataset_id}; give the tuples it was mixed of"
    return ""


def common_branches(sources: Sequence[Source], wanted: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the branches to write, and those left out because some contribution does not have them.

    Raises:
        InputError: if a contribution lacks a wanted branch (all are listed).
    """
    if wanted is not None:
        needed = [name for name in wanted if name not in _WRITTEN]
        for source in sources:
            source.reader.require(needed)
        return list(dict.fromkeys([*wanted, "sampleType", *_WRITTEN])), []
    branches = [source.reader.branches for source in sources]
    common = set.intersection(*map(set, branches)) | set(_WRITTEN)
    every = list(dict.fromkeys([name for names in branches for name in names] + list(_WRITTEN)))
    return [name for name in every if name in common], sorted(set(every) - common)


def common_dtypes(sources: Sequence[Source], branches: Sequence[str]) -> dict[str, np.dtype]:
    """Return the types of numbers that hold those of all contributions, for the branches whose type differs.

    Raises:
        InputError: lists the branches that cannot be written, or whose numbers no common type holds.
    """
    types: dict[str, dict[str, BranchType]] = {}
    for source in sources:
        present = require_writable(source.reader, [name for name in branches if name in source.reader.types])
        for name, branch in source.reader.common_types(present).items():
            types.setdefault(name, {})[source.name] = branch
    found = {name: (common_dtype(each.values()), each) for name, each in types.items()}
    if refused := {name: each for name, (dtype, each) in found.items() if dtype is None}:
        lines = [
            f"{name}: " + ", ".join(f"{branch} in {key}" for key, branch in each.items()) for name, each in refused.items()
        ]
        msg = "branches whose types in the contributions no common type holds without loss:\n  " + "\n  ".join(lines)
        raise InputError(msg)
    return {
        name: dtype
        for name, (dtype, each) in found.items()
        if dtype is not None and any(branch.dtype != dtype for branch in each.values())
    }


def check_momenta(sources: Sequence[Source]) -> dict[str, int]:
    """Return by contribution the candidates with a ``tau_pt`` below 0: those without a reconstructed tau.

    Raises:
        InputError: if a ``tau_pt`` is not finite.
    """
    negative = {}
    for source in sources:
        chunks = source.reader.iterate(["tau_pt"], step_size=1_000_000) if "tau_pt" in source.reader.branches else []
        with errors_of(source.reader):
            negative[source.name] = sum(int((check_finite(taus["tau_pt"], "tau_pt") < 0).sum()) for taus in chunks)
    return negative


def choose(sources: Sequence[Source], settings: MixingSettings) -> tuple[list[dict[str, IntArray]], dict[str, int]]:
    """Return the entries of each contribution by output, and by contribution the events that are in two outputs.

    Raises:
        InputError: lists the contributions that run out, and those whose labels cannot be made.
    """
    problems: list[str] = []
    chosen, shared = [], {}
    for number, (source, entry) in enumerate(zip(sources, settings.contributions, strict=True)):
        needs = {name: entry.per_batch * output.batches for name, output in settings.outputs.items()}
        event, simulated = _events(source)
        problems += _kind_problems(source, simulated, settings)
        own = np.arange(event.size) if not settings.keep_events_together else event
        rng = np.random.default_rng([settings.seed, number]) if settings.shuffle else None
        shares = choose_entries(own, list(needs.values()), rng=rng, allow_reuse=settings.allow_reuse)
        if sum(needs.values()) > sum(share.size for share in shares):
            problems.append(_shortage(source, needs, shares, event))
        chosen.append(dict(zip(needs, shares, strict=True)))
        shared[source.name] = _in_two(event, shares)
    if problems:
        raise InputError("nothing is written:\n" + "\n".join(f"  {problem}" for problem in problems))
    return chosen, shared


def _events(source: Source) -> tuple[IntArray, int]:
    """Return a number for the event of every entry, and the number of simulated taus."""
    present = set(source.reader.branches)
    columns = [name for name in _EVENT if name in present]
    ids: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    simulated = 0
    for taus in source.reader.iterate([*columns, "sampleType"], step_size=1_000_000):
        simulated += int(np.count_nonzero(np.asarray(taus["sampleType"]) != 0))
        for name in columns:
            ids[name].append(np.asarray(taus[name]))
    if "evt" not in present or not ids["evt"]:
        return np.arange(source.reader.num_entries), simulated
    event = np.zeros(source.reader.num_entries, dtype=np.int64)
    for name in columns:
        # numbers the combinations seen so far: no sort of records, and no collisions
        part = np.unique(np.concatenate(ids[name]), return_inverse=True)[1]
        event = np.unique(event * (part.max() + 1) + part, return_inverse=True)[1]
    return event, simulated


def _kind_problems(source: Source, simulated: int, settings: MixingSettings) -> Iterator[str]:
    """Yield what is wrong with taus that are data or simulation."""
    total = source.reader.num_entries
    if simulated and "mytauType" not in source.reader.branches:
        yield (
            f"{source.name}: {simulated} of {total} taus are not data (sampleType is not 0) and there "
            f"is no branch mytauType; skim it with --processing-module recompute_tautype.py:compute"
        )
    if settings.control_region is None:
        return
    wrong, found, said = (
        (simulated, "simulation (sampleType is not 0)", "data")
        if settings.control_region.named(source.name).data
        else (total - simulated, "data (sampleType is 0)", "simulation")
    )
    if wrong:
        yield f"{source.name}: {wrong} of {total} taus are {found}, but the control region says that it is {said}"


def _shortage(source: Source, needs: dict[str, int], shares: Sequence[IntArray], event: IntArray) -> str:
    needed, available = sum(needs.values()), source.reader.num_entries
    asked = " + ".join(f"{need:,} for {name}" for name, need in needs.items())
    short = needed - sum(share.size for share in shares)
    text = f"{source.name} runs out: {asked} = {needed:,} taus needed, {available:,} available, {short:,} too few"
    if needed <= available:
        largest = int(np.bincount(event).max())
        text += (
            f" because the taus of one event (up to {largest}) stay in one output; keep_events_together: false lifts that"
        )
    return text + "; lower the batches, or set allow_reuse: true"


def _in_two(event: IntArray, shares: Sequence[IntArray]) -> int:
    """Return how many events have taus in more than one output."""
    return sum(np.intersect1d(event[first], event[second]).size for first, second in combinations(shares, 2))
