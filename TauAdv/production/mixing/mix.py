"""Mixing of data and simulation, batch by batch, into files with disjoint events (TauMLTools)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from TauAdv.domain.contributions.agreement import KEY, as_record
from TauAdv.io.atomic import new_file, scratch_folder
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.production.mixing.buckets import Buckets
from TauAdv.production.mixing.plan import MixPlan, interleave
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.mixing.sources import (
    STEP,
    Source,
    check_momenta,
    check_not_mixed,
    choose,
    common_branches,
    common_dtypes,
    open_sources,
)
from TauAdv.production.outputs import check_distinct, check_no_input, check_root_names
from TauAdv.tuples.branches.records import contents_of, of_columns
from TauAdv.tuples.matching import TauType
from TauAdv.tuples.writer import TupleWriter

__all__ = ["mix_events"]


def _outputs(arguments: Mapping[str, Any]) -> list[Path]:
    """Return the outputs, before they are locked: one file under two names would lock itself out."""
    folder, outputs = Path(arguments["output_dir"]), arguments["settings"].outputs
    check_distinct({f"{name} ({output.file})": folder / output.file for name, output in outputs.items()})
    return [folder / output.file for output in outputs.values()]


@locking(_outputs)
def mix_events(
    settings: MixingSettings, input_dir: Path | str = ".", output_dir: Path | str = ".", *, overwrite: bool = False
) -> dict[str, dict[str, Any]]:
    """Write the mixed files and return the manifest of each, by the name of the output.

    In a mixed file ``dataset_id`` is that of the contribution and ``tauType`` is 8 for data and mytauType for all else;
    a data file without ``mytauType`` gets 0 there. Each source is read once; rows wait in a scratch folder beside the
    outputs (uncompressed), so that memory holds one segment and the entry numbers, whatever the size of the files.

    Args:
        settings: contributions and outputs.
        input_dir: folder that relative names of contributions start from.
        output_dir: folder of the outputs.
        overwrite: replace outputs that were made otherwise.

    Raises:
        InputError: for outputs that are one file, an input or the configuration; for a missing file or branch (all are
            listed), a tau_pt that is not finite, taus that were mixed before as something else, data that are simulation or
            the other way round, or contributions that run out (says which and by how much); nothing is written then.
        OutputExistsError: if an output exists, made otherwise, and ``overwrite`` is false.
        OutputLockedError: if another process writes an output.
    """
    sources = open_sources(settings, Path(input_dir))
    paths = {name: Path(output_dir) / output.file for name, output in settings.outputs.items()}
    inputs = [path for source in sources for path in source.reader.files]
    check_no_input(paths.values(), [*inputs, *settings.files_read()])
    check_root_names(paths.values())
    check_not_mixed(sources, settings)
    record = settings.record()
    records = {name: record | {"output": name} for name in paths}
    found = [
        finished(path, step=STEP, settings=records[name], inputs=inputs, overwrite=overwrite) for name, path in paths.items()
    ]
    if all(found):
        return {name: manifest for name, manifest in zip(paths, found, strict=True) if manifest}
    branches, left_out = common_branches(sources, settings.branches)
    wider = common_dtypes(sources, branches)
    chosen, events_in_two = choose(sources, settings)
    negative = check_momenta(sources)
    per_batch = [contribution.per_batch for contribution in settings.contributions]
    plans = {name: interleave([source[name] for source in chosen], per_batch) for name in paths}
    region = settings.control_region
    carried = {} if region is None else {KEY: as_record(region.contributions)}
    with ExitStack() as stack:
        temporary = {name: stack.enter_context(new_file(path)) for name, path in paths.items()}
        _write(sources, branches, wider, plans, temporary, settings, next(iter(paths.values())))
        manifests = {}
        for name, path in paths.items():
            manifests[name] = write_manifest(
                path,
                step=STEP,
                settings=records[name],
                inputs=inputs,
                counts=_counts(sources, plans[name]),
                seed=settings.seed if settings.shuffle else None,
                content=temporary[name],
                branches_left_out=left_out,
                **carried,
                events_in_two_outputs=events_in_two,
                negative_tau_pt=negative,
            )
    return manifests


def _counts(sources: Sequence[Source], plan: MixPlan) -> dict[str, Any]:
    entries = [plan.entry[plan.source == number] for number in range(len(sources))]
    return {
        "rows": plan.source.size,
        "rows_per_contribution": {source.name: rows.size for source, rows in zip(sources, entries, strict=True)},
        "distinct_entries": {source.name: np.unique(rows).size for source, rows in zip(sources, entries, strict=True)},
        "entries_available": {source.name: source.reader.num_entries for source in sources},
    }


def _write(
    sources: Sequence[Source],
    branches: Sequence[str],
    wider: Mapping[str, np.dtype],
    plans: Mapping[str, MixPlan],
    paths: Mapping[str, Path],
    settings: MixingSettings,
    scratch: Path,
) -> None:
    with scratch_folder(scratch) as folder, ExitStack() as stack:
        starts = _segment_starts(plans, settings.segment_size)
        buckets = Buckets(folder, settings.segment_size)
        for number, source in enumerate(sources):
            rows = [np.flatnonzero(plan.source == number) for plan in plans.values()]
            entries = np.concatenate([plan.entry[at] for plan, at in zip(plans.values(), rows, strict=True)])
            targets = np.concatenate([start + at for start, at in zip(starts[:-1], rows, strict=True)])
            last = int(entries.max()) + 1
            with tqdm(total=last, desc=f"read {source.name}", unit="tau", mininterval=1) as progress:
                chunks = _chunks(source, branches, wider, last, settings.segment_size)
                for read in buckets.add_source(source.name, chunks, entries, targets):
                    progress.update(read)
        segments = buckets.segments(starts[-1])
        for name, plan in plans.items():
            writer = stack.enter_context(TupleWriter(paths[name], settings.tree, counters=sources[0].reader.counters))
            with tqdm(total=plan.source.size, desc=f"write {name}", unit="tau", mininterval=1) as progress:
                while writer.num_entries < plan.source.size:
                    records = next(segments)
                    writer.extend(records)
                    progress.update(len(records))


def _segment_starts(plans: Mapping[str, MixPlan], segment_size: int) -> list[int]:
    """Return the first row of each output, rounded up to whole segments, so that no segment spans two outputs."""
    starts = [0]
    for plan in plans.values():
        starts.append(starts[-1] + -(-plan.source.size // segment_size) * segment_size)
    return starts


def _chunks(
    source: Source, branches: Sequence[str], wider: Mapping[str, np.dtype], stop: int, step_size: int
) -> Iterator[tuple[int, ak.Array]]:
    first = 0
    present = set(source.reader.branches)
    for taus in source.reader.iterate([name for name in branches if name in present], step_size, entry_stop=stop):
        columns = contents_of(taus) | {name: ak.values_astype(taus[name], dtype) for name, dtype in wider.items()}
        columns |= _labels(taus, source.dataset_id)
        yield first, of_columns({name: columns[name] for name in branches})
        first += len(taus)


def _labels(taus: ak.Array, dataset_id: int) -> dict[str, np.ndarray]:
    sample = ak.to_numpy(taus["sampleType"])
    stored = ak.to_numpy(taus["mytauType"]) if "mytauType" in taus.fields else np.zeros(len(taus), np.int32)
    return {
        "mytauType": stored.astype(np.int32),
        "tauType": np.where(sample == 0, np.int32(TauType.DATA), stored).astype(np.int32),
        "dataset_id": np.full(len(taus), dataset_id, np.uint64),
    }
