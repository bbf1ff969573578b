"""Write a set of shards from tuples: streamed, shuffled over the whole set, continued where a killed run stopped.

The taus are dealt at random into buckets that fit into memory while the tuples are read, then every bucket is shuffled and
becomes a part of the set (:mod:`TauAdv.shards.shuffle`). Neither the number of workers nor an interruption changes a byte of
the parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from TauAdv.domain.contributions.agreement import as_entry
from TauAdv.domain.contributions.contribution import names_by_id
from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.checksums import content_checksum
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import as_json, describe_input, finished, write_manifest
from TauAdv.io.processes.shared_work import OrderedMap, ordered_map
from TauAdv.io.resumable import resumable_folder
from TauAdv.production.outputs import errors_of
from TauAdv.shards.files import PART_FILES, merge_columns
from TauAdv.shards.repeated import warn_of_repeated
from TauAdv.shards.shuffle import Dealer, describe_parts, require_rows
from TauAdv.shards.store import STEP
from TauAdv.shards.tau.contributions import decisive_settings, set_contributions
from TauAdv.shards.tau.from_tuples import TauMaker, load_weights
from TauAdv.shards.tau.packing import PackedTaus, PackLayout
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.summary import summarise
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource

__all__ = ["write_shards"]

_STEP_ENTRIES = 4096
_PIECE_ENTRIES = 16384
_PART_TAUS = 16384
#: Patterns of all names that are written into the folder.
_OWN_FILES = (*PART_FILES, "manifest.json")


@dataclass(frozen=True)
class _Job:
    """What a worker process needs to make pieces and parts."""

    maker: TauMaker
    files: Sequence[Path]
    entries: Sequence[int]
    folder: Path
    bounds: list[int]
    num_parts: int
    set_id: str

    @property
    def num_pieces(self) -> int:
        return len(self.bounds) - 1

    def reader(self, number: int) -> tuple[TupleSource, int, int]:
        """Return a reader of the files that a piece needs, and the range of its entries in them."""
        starts = np.cumsum([0, *self.entries])
        first, last = np.searchsorted(starts, [self.bounds[number], self.bounds[number + 1] - 1], side="right") - 1
        begin = int(starts[first])
        reader = _opened(tuple(self.files[first : last + 1]), self.settings.tree, self.set_id)
        return reader, self.bounds[number] - begin, self.bounds[number + 1] - begin

    @property
    def settings(self) -> ShardSettings:
        return self.maker.settings

    @property
    def layout(self) -> PackLayout:
        return self.maker.layout

    @property
    def dealer(self) -> Dealer:
        chosen = self.settings
        options = (chosen.seed, chosen.shuffle, chosen.chunk_size, chosen.compression_level)
        return Dealer(self.folder, self.layout, self.num_parts, *options, self.set_id)


@lru_cache(maxsize=1)
def _opened(files: tuple[Path, ...], tree: str, set_id: str) -> TupleSource:
    """Return a reader, kept for the next piece of a worker; a ``set_id`` is of one content of the files."""
    return open_tuples(files, tree, allow_duplicates=True)


def write_shards(
    inputs: str | Path | Sequence[str | Path],
    output: Path | str,
    settings: ShardSettings,
    *,
    overwrite: bool = False,
    n_workers: int = 1,
) -> dict[str, Any]:
    """Write the taus of some tuples as a set of shards.

    Does nothing if the output was already made from the same inputs with the same settings, and continues where a killed run
    with the same inputs and settings stopped.

    Args:
        inputs: tuples, see :func:`TauAdv.tuples.files.inputs.resolve_inputs`.
        output: folder of the set.
        settings: what to take, and how.
        overwrite: replace an output made otherwise.
        n_workers: processes to use.

    Returns:
        The manifest.

    Raises:
        InputError: if nothing says what the dataset ids of an adversarial set stand for, or two things disagree about it; if
            an input is damaged or lacks branches, no tau is selected, fewer are than ``n_batches`` asks for, or
            weights cannot be made.
        OutputExistsError: if the output was made with other settings or inputs, or is damaged.
        OutputLockedError: if another process is writing it.
    """
    reader = open_tuples(inputs, settings.tree, allow_duplicates=settings.allow_duplicates)
    table = FeatureTable.load(settings.features)
    statement = set_contributions(reader.files, settings) if settings.kind == "adversarial" else None
    if statement is not None:
        settings = settings.model_copy(update={"contributions": names_by_id(statement.contributions)})
    decisive = {**decisive_settings(settings, statement), "feature_table_digest": table.digest}
    described = [*reader.identity(), *map(describe_input, settings.weight_files)]
    made = as_json({"step": STEP, "settings": decisive, "inputs": described})
    with output_lock(output):
        manifest = finished(output, **made, overwrite=overwrite, checked=True, folder=True)
        if manifest is None:
            maker = TauMaker(settings, table, load_weights(settings), frozenset(reader.branches), statement)
            reader.require(maker.branches)
            with resumable_folder(output, made, own=_OWN_FILES, overwrite=overwrite) as folder:
                job = _job(reader, maker, folder, content_checksum(made))
                more, counts = _make_set(job, reader, n_workers)
                manifest = write_manifest(folder, **made, **more, counts=counts)
                job.dealer.remove_pieces()
    warn_of_repeated(output, manifest)
    return manifest


def _make_set(job: _Job, reader: TupleSource, n_workers: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write all parts; return the entries of the manifest, and its counts."""
    settings, table = job.settings, job.maker.table
    n_workers = min(n_workers, job.num_pieces)
    with ordered_map(n_workers) as run:  # the same processes for both
        statistics = _make_pieces(job, reader, run)
        limits = _piece_limits(statistics, settings)
        parts = _make_parts(job, run, limits)
    more = {
        "seed": settings.seed,
        "kind": settings.kind,
        "feature_table": {"name": table.name, "digest": table.digest, "text": table.dump()},
        "weights": job.maker.describe_weights(),
        **({} if job.maker.statement is None else as_entry(job.maker.statement)),
        **describe_parts(parts, job.set_id),
    }
    require_rows(job.folder, parts, sum(limits), job.layout.rows)
    return more, summarise(job.folder, more, job.layout, settings, statistics, job.maker.statement, job.maker.weights)


def _job(reader: TupleSource, maker: TauMaker, folder: Path, set_id: str) -> _Job:
    entries, settings = reader.num_entries, maker.settings
    if entries == 0:
        msg = f"{reader.files[0]}: no entries in the {reader.place} of the {len(reader.files)} input files"
        raise InputError(msg)
    _require_enough(entries, "entries", settings)
    bounds = [*range(0, entries, _PIECE_ENTRIES), entries]
    num_parts = max(1, round(entries / _PART_TAUS)) if settings.shuffle else len(bounds) - 1
    return _Job(maker, reader.files, reader.entries_per_file, folder, bounds, num_parts, set_id)


def _make_pieces(job: _Job, reader: TupleSource, run: OrderedMap) -> list[dict[str, Any]]:
    """Make all pieces, or as many as ``n_batches`` needs; return what happened in each."""
    statistics, taken = [], 0
    made = run(partial(_make_piece, job), range(job.num_pieces), here=partial(_make_piece, job, opened=reader))
    with tqdm(total=job.bounds[-1], desc="reading taus", unit=" taus", unit_scale=True, mininterval=1) as progress:
        for number, found in enumerate(made):
            statistics.append(found)
            taken += found["taken"]
            progress.update(job.bounds[number + 1] - job.bounds[number])
            if job.settings.max_taus is not None and taken >= job.settings.max_taus:
                break
    if taken == 0:
        losses = sum((Counter(found["losses"]) for found in statistics), Counter())
        reasons = "; ".join(f"{reason}: {count}" for reason, count in losses.items())
        msg = (
            f"no tau is left of {job.bounds[-1]} entries in {len(job.files)} files ({reasons}); check the selection settings"
        )
        raise InputError(msg)
    _require_enough(taken, "taus that can be taken", job.settings)
    return statistics


def _require_enough(found: int, of_what: str, settings: ShardSettings) -> None:
    if settings.max_taus is not None and found < settings.max_taus and not settings.allow_fewer:
        msg = (
            f"n_batches = {settings.n_batches} of n_tau = {settings.n_tau} ask for {settings.max_taus} taus, but the inputs "
            f"have {found} {of_what}; lower n_batches, leave it out to take all, or say allow_fewer=true"
        )
        raise InputError(msg)


def _make_piece(job: _Job, number: int, opened: TupleSource | None = None) -> dict[str, Any]:
    """Read a range of entries, and write its taus by bucket; return counts.

    A worker process opens the files that it needs; in the main process all are ``opened`` already.
    """
    if (note := job.dealer.piece(number)) is not None:
        return dict(note["statistics"])
    reader, start, stop = job.reader(number) if opened is None else (opened, job.bounds[number], job.bounds[number + 1])
    maker = job.maker
    packed, columns = [], []
    losses: Counter[str] = Counter()
    nonfinite: Counter[str] = Counter()
    for arrays in reader.iterate(maker.branches, _STEP_ENTRIES, start, stop):
        with errors_of(reader):
            taus, values, lost, bad = maker(arrays)
        packed.append(taus)
        columns.append(values)
        losses.update(lost)
        nonfinite.update(bad)
    statistics = {"taken": sum(map(len, packed)), "losses": losses, "nonfinite": nonfinite}
    job.dealer.write_piece(number, PackedTaus.concatenate(packed), merge_columns(columns), statistics=statistics)
    return statistics


def _piece_limits(statistics: list[dict[str, Any]], settings: ShardSettings) -> list[int]:
    """Return how many taus of each piece are wanted."""
    taken = np.array([found["taken"] for found in statistics], np.int64)
    if settings.max_taus is None:
        return [int(count) for count in taken]
    before = np.cumsum(taken) - taken
    return [int(count) for count in np.clip(settings.max_taus - before, 0, taken)]


def _make_parts(job: _Job, run: OrderedMap, limits: list[int]) -> list[dict[str, Any]]:
    made = run(partial(_make_part, job, limits), range(job.num_parts))
    progress = tqdm(made, total=job.num_parts, desc="writing shards", unit=" part", mininterval=1)
    return [part for part in progress if part["chunks"]]


def _make_part(job: _Job, limits: list[int], number: int) -> dict[str, Any]:
    return job.dealer.write_part(number, limits)
