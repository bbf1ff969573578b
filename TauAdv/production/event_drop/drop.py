"""Event drop: thin out a sample until its tau pt spectrum has the shape of a target (TauMLTools)."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
from pydantic import Field
from tqdm import tqdm

from TauAdv.config import Settings
from TauAdv.domain.contributions.agreement import carried_on
from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.production.event_drop.keep_probability import KeepTable, MaximumRule, check_target, keep_table
from TauAdv.production.outputs import check_no_input, check_root_names, errors_of
from TauAdv.production.spectrum import EVENT_DROP_EDGES, Spectrum
from TauAdv.production.target_spectra import read_target
from TauAdv.production.uniforms import ROOT_SEED, RandomSource, uniform_numbers
from TauAdv.tuples.branches.records import joined, rows_of
from TauAdv.tuples.branches.writable import require_writable
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.weights import check_event_weights, check_finite
from TauAdv.tuples.writer import TupleWriter

__all__ = ["EventDropSettings", "drop_events", "tau_pt_spectrum"]

STEP = "event_drop"


class EventDropSettings(Settings):
    """Settings of the event drop.

    Attributes:
        target_histogram: path of the target in its ROOT file, for example ``mt_inclusive/EMB``.
        n_tau: entries to read, from the first one on; all if ``None``. Counts taus read, not kept.
        tree: name of the tree.
        edges: pt bins in GeV.
        rebin: sum finer bins of the target into ``edges`` where the edges allow it, instead of refusing them.
        rng: where the uniform numbers come from.
        seed: their seed.
        maximum: what scales the ratio, see :func:`~TauAdv.production.event_drop.keep_probability.keep_table`.
        max_relative_error: largest relative error of a bin that may be the robust maximum.
        weights: branch of event weights for the observed spectrum; every tau counts 1 if ``None``.
        allow_negative: take negative event weights and negative bins of the target (which count as 0); bins whose weights
            sum to 0 or less keep all their taus.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        step_size: most taus in memory at once.
    """

    target_histogram: str
    n_tau: int | None = Field(default=None, ge=1)
    tree: str = "taus"
    edges: tuple[float, ...] = EVENT_DROP_EDGES
    rebin: bool = False
    rng: RandomSource = "numpy"
    seed: int = ROOT_SEED
    maximum: MaximumRule = "max"
    max_relative_error: float = Field(default=0.2, gt=0)
    weights: str | None = None
    allow_negative: bool = False
    allow_duplicates: bool = False
    step_size: int = Field(default=10_000, ge=1)


def tau_pt_spectrum(
    reader: TupleSource,
    edges: npt.ArrayLike,
    weights: str | None = None,
    step_size: int = 1_000_000,
    *,
    allow_negative: bool = False,
) -> tuple[Spectrum, Spectrum, dict[str, int]]:
    """Return the tau_pt spectrum of all entries, that without weights, and what is negative: weights, momenta.

    Args:
        reader: the tuples.
        edges: bins in GeV.
        weights: branch of event weights.
        step_size: most entries in memory at once.
        allow_negative: take negative weights.

    Raises:
        InputError: if a branch is missing, a weight is not finite or negative, or a tau_pt is not finite.
    """
    weighted = counts = Spectrum.empty(edges)
    negative = {"negative_event_weights": 0, "negative_tau_pt": 0}
    branches = ["tau_pt"] if weights is None else ["tau_pt", weights]
    with errors_of(reader):
        for taus in reader.iterate(branches, step_size):
            pt = check_finite(taus["tau_pt"], "tau_pt")
            counts = counts.filled(pt)
            negative["negative_tau_pt"] += int((pt < 0).sum())
            if weights is not None:
                weight = check_event_weights(taus[weights], weights, allow_negative=allow_negative)
                weighted = weighted.filled(pt, weight)
                negative["negative_event_weights"] += int((weight < 0).sum())
    return (counts if weights is None else weighted), counts, negative


@locking("save_path")
def drop_events(
    input_file: Path | str,
    target_file: Path | str,
    save_path: Path | str,
    settings: EventDropSettings,
    *,
    uniforms: npt.ArrayLike | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the taus that the drop keeps and return the manifest (ratio, keep probabilities, seed, counts).

    The observed spectrum is that of the whole input, also where fewer taus are read.

    Args:
        input_file: tuples to thin out (file, folder, glob or list).
        target_file: ROOT file with the target histogram in tau pt.
        save_path: ROOT file to write.
        settings: see :class:`EventDropSettings`.
        uniforms: one number in [0, 1) a tau read; drawn by ``settings.rng`` and ``settings.seed`` if not given.
        overwrite: replace an output that was made otherwise.

    Raises:
        InputError: for fewer entries than ``n_tau``, a target that is missing, has other bins or is zero or not finite,
            too few uniform numbers, or if no tau is kept; nothing is written then.
        OutputExistsError: if the output exists, made otherwise, and ``overwrite`` is false.
        OutputLockedError: if another process writes the output.
    """
    reader = open_tuples(input_file, settings.tree, allow_duplicates=settings.allow_duplicates)
    branches = require_writable(reader, reader.branches)
    reader.require(branches)
    inputs = [*reader.files, Path(target_file)]
    check_no_input([save_path], [*inputs, *settings.files_read()])
    check_root_names([save_path])
    record = settings.model_dump(mode="json", exclude={"step_size"})
    if uniforms is not None:
        uniforms = np.asarray(uniforms, dtype=np.float64)
        record |= {"rng": "given", "seed": None, "uniforms": sha256(uniforms.tobytes()).hexdigest()[:32]}
    if manifest := finished(save_path, step=STEP, settings=record, inputs=inputs, overwrite=overwrite):
        return manifest
    entries = _entries_to_read(reader, settings.n_tau)
    numbers = uniform_numbers(settings.rng, settings.seed, entries) if uniforms is None else uniforms
    if numbers.size < entries:
        msg = f"{entries} taus are read, but only {numbers.size} uniform numbers given; give one a tau"
        raise InputError(msg)
    table, negative = _table(reader, target_file, settings)
    carried = carried_on(reader.files)
    with new_file(save_path) as temporary:
        kept = _write_survivors(reader, temporary, table, numbers[:entries], settings)
        counts = {"entries": reader.num_entries, "read": entries, "kept": kept, "dropped": entries - kept}
        return write_manifest(
            save_path,
            step=STEP,
            settings=record,
            inputs=inputs,
            counts=counts,
            seed=record["seed"],
            content=temporary,
            drop=table.as_manifest() | negative,
            **carried,
        )


def _entries_to_read(reader: TupleSource, n_tau: int | None) -> int:
    available = reader.num_entries
    where = f"{reader.files[0]}{f' and {len(reader.files) - 1} more' if len(reader.files) > 1 else ''}"
    if available == 0:
        msg = f"{where}: {reader.place} has no entries"
        raise InputError(msg)
    if n_tau is not None and n_tau > available:
        msg = f"{where}: n_tau asks for {n_tau} taus, but there are only {available}; lower it, or leave it out to read all"
        raise InputError(msg)
    return available if n_tau is None else n_tau


def _table(reader: TupleSource, target_file: Path | str, settings: EventDropSettings) -> tuple[KeepTable, dict[str, int]]:
    options = {"allow_negative": settings.allow_negative}
    target = read_target(target_file, settings.target_histogram, settings.edges, rebin=settings.rebin, **options)
    check_target(target, f"{target_file}: {settings.target_histogram}")
    observed, taus, negative = tau_pt_spectrum(reader, settings.edges, settings.weights, **options)
    with errors_of(reader):
        table = keep_table(
            observed,
            target,
            maximum=settings.maximum,
            max_relative_error=settings.max_relative_error,
            taus=taus.contents,
            allow_negative=settings.allow_negative,
        )
    return table, negative


def _write_survivors(
    reader: TupleSource,
    path: Path,
    table: KeepTable,
    uniforms: npt.NDArray[np.float64],
    settings: EventDropSettings,
) -> int:
    kept = done = 0
    gathered: list[ak.Array] = []  # a step of the file may leave few taus; small chunks make small baskets
    with (
        TupleWriter(path, settings.tree, counters=reader.counters) as writer,
        tqdm(total=uniforms.size, unit="tau", mininterval=1) as progress,
    ):
        for taus in reader.iterate(step_size=settings.step_size, entry_stop=uniforms.size):
            stays = table.keep(taus["tau_pt"], uniforms[done : done + len(taus)])
            done += len(taus)
            kept += int(stays.sum())
            gathered.append(rows_of(taus, stays))
            if sum(map(len, gathered)) >= settings.step_size or done == uniforms.size:
                writer.extend(joined(gathered))
                gathered = []
            progress.update(len(taus))
    if kept == 0:
        msg = (
            f"{reader.files[0]}: none of the {done} taus read is kept; largest keep probability of a bin with taus: "
            f"{table.keep_probability[table.observed.contents > 0].max():.3g}; read more taus or choose another target"
        )
        raise InputError(msg)
    return kept
