"""Whether a run was trained on taus or jets of a set that it is to be judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from TauAdv.errors import TauAdvError
from TauAdv.runs import Run
from TauAdv.runs.layout import INPUTS, SHARDS, TRAINING
from TauAdv.shards.overlap import common_rows, of_one_split
from TauAdv.shards.store import ShardSet
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.settings.of_run import stored_settings

__all__ = ["trained_on"]

_WEIGHT_FILES = ("input_spectrum", "target_spectrum", "adversarial_weights")


def trained_on(run: Run, shards: ShardSet) -> str | None:
    """Return what a user should know if a run was trained on taus of a set, otherwise ``None``.

    If the training sets are still where the run read them, taus are compared by run, lumi, event, data set, pt, eta and
    decay mode, jets by their content; if not, the manifests in the run tell whether the set is the same, or was made of the
    same files by another split. A run that was not trained by TauAdv, such as an imported network, says nothing.
    """
    recorded = _recorded(run, INPUTS)
    reasons = []
    for role in (role for role in recorded if "training" in role):
        used = _training_set(run, recorded[role], role)
        if used is not None:
            if count := common_rows(shards, used):
                reasons.append(f"{count} of its {shards.num_rows} {shards.rows_name} are in the {role} set {used.folder}")
            continue
        manifest = _recorded(run, f"{SHARDS}/{role.replace(' ', '_')}.json")
        if recorded[role]["digest"] == shards.description["digest"]:
            reasons.append(f"it is the {role} set")
        elif (common := _tuples(manifest) & _tuples(shards.manifest)) and not of_one_split(manifest, shards.manifest):
            reasons.append(f"it and the {role} set were made of the same tuples ({len(common)} files)")
    return f"run {run.id} was trained on {shards.rows_name} of {shards.folder}: {'; '.join(reasons)}" if reasons else None


def _recorded(run: Run, path: str) -> dict[str, Any]:
    return run.read_json(path, "put a copy of it back") if (run.artifacts / path).is_file() else {}


def _training_set(run: Run, recorded: Mapping[str, Any], role: str) -> ShardSet | None:
    """Return the taus of a role as the run saw them, if they are still there and unchanged."""
    try:
        used = open_inputs(stored_settings(run.artifacts / TRAINING)).sets[role]
    except (TauAdvError, OSError, KeyError):
        return None
    return used if used.description["digest"] == recorded["digest"] else None


def _tuples(manifest: Mapping[str, Any]) -> set[str]:
    """Return the digests of the tuples that a set was made of; files of weights may serve any number of sets."""
    return set(_digests(manifest))


def _digests(manifest: Mapping[str, Any]) -> Iterator[str]:
    settings = manifest.get("settings", {})
    weights = {Path(settings[name]).name for name in _WEIGHT_FILES if settings.get(name)}
    for entry in manifest.get("inputs", []):
        if entry["name"] not in weights:
            yield entry["digest"]
