"""What the rows that are evaluated are: from the manifests of sets and prediction tables, never by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from TauAdv.domain.contributions.agreement import Statement, require_agreement
from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.domain.contributions.control_region import load_control_region
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.tables import PREDICTION_FILES
from TauAdv.io.manifests.manifest import manifest_path
from TauAdv.io.manifests.verified import verified_manifest
from TauAdv.runs import Run
from TauAdv.runs.layout import INPUTS, PREDICTIONS, SHARDS
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.contributions import contributions_in

__all__ = ["Given", "contributions_of_set", "contributions_of_tables"]

#: A file of the control region, or its contributions; ``None``: what the manifests say.
Given = Path | str | Sequence[Contribution] | None


def contributions_of_set(shards: ShardSet, given: Given = None) -> list[Contribution]:
    """Return what a set of a control region is made of, in the order of the stack of plots.

    Args:
        shards: adversarial set; its manifest says it.
        given: what is said by hand, for sets whose manifest does not say it; colours and order may be others.

    Raises:
        InputError: if the set is of another kind, nothing says it, or the two disagree (names the dataset ids and what
            differs).
    """
    shards.require_kind("adversarial")
    return _agreed([(str(shards.folder), contributions_in(shards.manifest, shards.folder))], given)


def contributions_of_tables(runs: Mapping[str, Run], given: Given = None) -> list[Contribution]:
    """Return what the taus of the prediction tables of some runs are, in the order of the stack of plots.

    Args:
        runs: label -> run with a table; its manifest, or that of the set in the run's record, says it.
        given: what is said by hand, as for :func:`contributions_of_set`.

    Raises:
        InputError: as :func:`contributions_of_set`, or if the tables are of sets with different contributions.
    """
    return _agreed([(_name(run), _table(run)) for run in runs.values()], given)


def _agreed(stated: Sequence[tuple[str, Statement | None]], given: Given) -> list[Contribution]:
    by_hand = _by_hand(given)
    statements = [*([] if by_hand is None else [by_hand]), *(found for _, found in stated if found is not None)]
    require_agreement(statements, "Leave --contributions out where the manifest says it; do not compare different regions.")
    silent = [name for name, found in stated if found is None or found.complete is None]
    if by_hand is None and silent:
        msg = (
            f"{silent[0]}: made before manifests said what dataset ids stand for (labels, which taus are genuine); "
            "make it again, or give the file of the control region, --contributions (contributions_file of the notebook)"
        )
        raise InputError(msg)
    return statements[0].require_complete()


def _by_hand(given: Given) -> Statement | None:
    if given is None:
        return None
    if isinstance(given, str | Path):
        return load_control_region(given).statement
    return Statement("the contributions given", given)


def _name(run: Run) -> str:
    return f"the predictions of run {run.id}"


def _table(run: Run) -> Statement | None:
    """Return what the manifest of a run's predictions says, or else the run's record of the set that they are of."""
    source = _name(run)
    paths = [run.artifacts / PREDICTIONS / name for name in PREDICTION_FILES]
    path = next((path for path in paths if path.is_file() and manifest_path(path).is_file()), None)
    if path is None:
        return None
    manifest = verified_manifest(path)
    return contributions_in(manifest, source) or contributions_in(_recorded_set(run, manifest), source)


def _recorded_set(run: Run, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of the set that predictions are of, if the run was trained or validated with it; else empty."""
    digests = {entry["digest"] for entry in manifest["inputs"]}
    for role, entry in _read(run, INPUTS).items():
        if entry["digest"] in digests:
            return _read(run, f"{SHARDS}/{role.replace(' ', '_')}.json")
    return {}


def _read(run: Run, path: str) -> dict[str, Any]:
    return run.read_json(path, "put a copy of it back") if (run.artifacts / path).is_file() else {}
