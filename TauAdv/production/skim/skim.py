"""Skim: keep the taus that pass a selection, and the branches asked for (TauMLTools)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

import awkward as ak
from tqdm import tqdm

from TauAdv.domain.contributions.agreement import carried_on
from TauAdv.errors import InputError, InputWarning, OutputExistsError, shortened
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import as_json, describe_input, finished, write_manifest
from TauAdv.io.manifests.verified import verified_manifest
from TauAdv.production.outputs import check_no_input, check_root_names
from TauAdv.production.skim.plan import CutFlow, SkimPlan, SkimSettings
from TauAdv.tuples.branches.records import joined
from TauAdv.tuples.read_errors import reading
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.trees import open_root, tree_names
from TauAdv.tuples.writer import TupleWriter

__all__ = ["SkimSettings", "skim", "summary"]

STEP = "skim"
_BYTES_BEFORE_WRITING = 64_000_000  # passing taus are gathered up to this size, then written as one basket per branch


@locking("output")
def skim(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    settings: SkimSettings,
    *,
    prefix: str = "",
    threads: int = 1,
    update: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the taus of ``inputs`` that pass, and the manifest beside; return the manifest.

    Warns (:class:`InputWarning`) if fewer taus pass than the output range ends at.

    Order: input range, processing module, choice of columns (the selection may use the others), selection, output range.

    Args:
        inputs: ROOT or Parquet file, folder, glob pattern, ``.txt`` list or a sequence of these.
        output: ROOT file to write.
        settings: what to do.
        prefix: put before the names of ``inputs``.
        threads: threads that decompress.
        update: add the tree to ``output`` if that exists.
        overwrite: replace an output that was made with other settings.

    Raises:
        InputError: if an input, tree or branch is missing or damaged, the selection is wrong, the input range is outside of
            the files, no tau is left (unless ``allow_empty``), or the inputs are mixed tuples of different control regions.
        ConfigError: if a setting is wrong.
        OutputExistsError: if the output exists and was made otherwise, or (``update``) has the tree already.
        OutputLockedError: if another process writes the output.
    """
    output = Path(output)
    reader = open_tuples(
        inputs, settings.input_tree, prefix=prefix, threads=threads, allow_duplicates=settings.allow_duplicates
    )
    check_no_input([output], [*reader.files, *settings.files_read()])
    check_root_names([output])
    plan = SkimPlan.of(reader, settings)
    made = {"step": STEP, "settings": as_json(settings.model_dump()), "inputs": reader.files}
    adding = update and output.exists()
    earlier = _earlier_manifests(output) if adding else []
    found_there = _found_there(output, earlier) if adding else []
    done = (
        _added_before(output, plan.output_tree, earlier, made) if adding else finished(output, overwrite=overwrite, **made)
    )
    if done:
        return done
    carried = carried_on(reader.files)
    with new_file(output) as temporary:
        if adding:
            copyfile(output, temporary)
        counts = _write(plan, temporary, update=adding)
        more = {"left_out": plan.left_out_record, "earlier": earlier, "found_there": found_there, **carried}
        return write_manifest(output, counts=counts, content=temporary, **made, **more)


def summary(manifest: dict[str, Any], *, verbose: bool = False) -> str:
    """Return how many taus were read and written, and which branches not; with ``verbose`` also those after each cut."""
    counts = manifest["counts"]
    lines = [f"{counts['read']:>12} of {counts['entries']} read"]
    if verbose:
        lines += [f"{entry['passed']:>12} after {shortened(entry['cut'], 100)}" for entry in counts["cuts"]]
    lines += [f"{counts['passed']:>12} passed", f"{counts['written']:>12} written"]
    left_out = manifest.get("left_out", [])
    lines += [
        f"left out: {entry['branch']} ({entry['type']}) of tree {entry['tree']}: {entry['reason']}" for entry in left_out
    ]
    return "\n".join(lines)


def _write(plan: SkimPlan, path: Path, *, update: bool) -> dict[str, Any]:
    settings = plan.settings
    with TupleWriter(
        path,
        plan.output_tree,
        format=settings.format,
        compression=settings.comp_algo,
        level=settings.comp_level,
        update=update,
        schema_types=False,
        counters=plan.reader.counters,
    ) as writer:
        flow = _write_passing(plan, writer)
        others = {other.name: writer.copy_tree(other.reader, other.name, branches=other.columns) for other in plan.others}
    return flow.as_counts() | {"other_trees": others}


def _write_passing(plan: SkimPlan, writer: TupleWriter) -> CutFlow:
    flow = plan.cut_flow()
    gathered: list[ak.Array] = []
    with tqdm(total=plan.stop - plan.start, unit="tau", desc="skim", mininterval=1) as bar:
        for read, taus in plan.passing(flow):
            if taus is not None:
                gathered.append(taus)
            if sum(chunk.nbytes for chunk in gathered) > _BYTES_BEFORE_WRITING:
                writer.extend(joined(gathered))
                gathered = []
            bar.update(read)
    beyond = f"output range '{plan.settings.output_range}': only {flow.passed} taus passed"
    if not flow.written and not plan.settings.allow_empty:
        reason = f" ({beyond})" if 0 < flow.passed <= plan.output_start else ""
        msg = f"skim of {_names(plan)}: nothing to write{reason}:\n{flow}"
        raise InputError(f"{msg}\nnothing was written; --allow-empty writes an empty tree")
    if flow.written and flow.passed < (plan.output_stop or 0):
        warnings.warn(f"skim of {_names(plan)}: {beyond}; {flow.written} of them are written", InputWarning, stacklevel=2)
    if gathered or not flow.written:
        writer.extend(joined(gathered) if gathered else plan.empty())
    return flow


def _names(plan: SkimPlan) -> str:
    first, *others = [path.name for path in plan.reader.files]
    return f"{first} and {len(others)} more" if others else first


def _earlier_manifests(output: Path) -> list[dict[str, Any]]:
    """Return the manifest of a file to be added to, and those of the trees that were added before.

    Raises:
        InputError: if the manifest is damaged, or of another file.
    """
    if not (latest := verified_manifest(output)):
        return []
    return [{key: value for key, value in latest.items() if key != "earlier"}, *latest.get("earlier", [])]


def _found_there(output: Path, earlier: list[dict[str, Any]]) -> list[str]:
    """Return what a file to be added to holds that no step made: it is never replaced."""
    if earlier:
        return list(earlier[0].get("found_there", []))
    with open_root(output) as file, reading(output):
        return list(file.keys(recursive=False, cycle=False)) or ["nothing"]


def _added_before(output: Path, tree: str, earlier: list[dict[str, Any]], made: dict[str, Any]) -> dict[str, Any] | None:
    """Return the manifest if the file has the tree from the same step, settings and inputs.

    Raises:
        OutputExistsError: if it has the tree from others.
    """
    with open_root(output) as file:
        present = tree_names(file)
    if tree not in present:
        return None
    wanted = as_json(made | {"inputs": [describe_input(path) for path in made["inputs"]]})
    for manifest in earlier:
        if all(manifest.get(key) == value for key, value in wanted.items()):
            return manifest
    msg = f"{output}: already has a tree '{tree}', made otherwise; give another --output-tree or output"
    raise OutputExistsError(msg)
