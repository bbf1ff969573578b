"""Whether a run was trained on taus or jets of a set that it is to be judged on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.config import load_settings, read_yaml
from TauAdv.errors import TauAdvError
from TauAdv.outputs import describe_input
from TauAdv.shards.store import ShardSet
from TauAdv.shards.taus import IDENTITY
from TauAdv.tracking import Run
from TauAdv.training.common_settings import TrainingSettings
from TauAdv.training.inputs import open_inputs
from TauAdv.training.jet_settings import jet_settings
from TauAdv.training.settings import AdversarialSettings, ClassifierSettings

__all__ = ["trained_on"]

_WEIGHT_FILES = ("input_spectrum", "target_spectrum", "adversarial_weights")


def trained_on(run: Run, shards: ShardSet) -> str | None:
    """Return what a user should know if a run was trained on taus of a set, otherwise ``None``.

    If the training sets are still where the run read them, taus are compared by run, lumi, event, data set, pt, eta and
    decay mode, jets by their content; if not, the manifests in the run tell whether the set is the same, or was made of the
    same files by another split. A run that was not trained by TauAdv, such as an imported network, says nothing.
    """
    folder = run.artifacts / "input_cfg"
    recorded = _json(folder / "inputs.json")
    reasons = []
    for role in (role for role in recorded if "training" in role):
        used = _training_set(folder, recorded[role], role)
        if used is not None:
            count = _common_taus(used, shards) if used.rows_name == shards.rows_name else 0
            if count:
                reasons.append(f"{count} of its {shards.num_rows} {shards.rows_name} are in the {role} set {used.folder}")
            continue
        manifest = _json(folder / "shards" / f"{role.replace(' ', '_')}.json")
        if recorded[role]["digest"] == describe_input(shards.folder)["digest"]:
            reasons.append(f"it is the {role} set")
        elif (common := _tuples(manifest) & _tuples(shards.manifest)) and not _same_split(manifest, shards.manifest):
            reasons.append(f"it and the {role} set were made of the same tuples ({len(common)} files)")
    return f"run {run.id} was trained on {shards.rows_name} of {shards.folder}: {'; '.join(reasons)}" if reasons else None


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _training_set(folder: Path, recorded: Mapping[str, Any], role: str) -> ShardSet | None:
    """Return the taus of a role as the run saw them, if they are still there and unchanged."""
    path = folder / "training.yaml"
    try:
        used = open_inputs(_settings(path)).sets[role]
    except (TauAdvError, OSError, KeyError):
        return None
    return used if describe_input(used.folder)["digest"] == recorded["digest"] else None


def _settings(path: Path) -> TrainingSettings:
    content = read_yaml(path)
    if "method" in content:
        return jet_settings(path)
    return load_settings(AdversarialSettings if "adv_shards" in content else ClassifierSettings, path)


def _common_taus(used: ShardSet, shards: ShardSet) -> int:
    return int(np.isin(_identities(shards), _identities(used)).sum())


def _identities(shards: ShardSet) -> np.ndarray:
    """Return one number per tau; equal identities have equal numbers."""
    identity = IDENTITY if shards.rows_name == "taus" else shards.layout.key
    return pd.util.hash_pandas_object(pd.DataFrame(shards.columns(identity)), index=False).to_numpy()


def _same_split(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two sets of jets are parts of one preparation: they have no jet in common."""
    parts = [{**manifest.get("settings", {}), "set": None} for manifest in (one, other)]
    return one.get("rows") == "jets" and parts[0] == parts[1] and one["inputs"] == other["inputs"]


def _tuples(manifest: Mapping[str, Any]) -> set[str]:
    """Return the digests of the tuples that a set was made of; files of weights may serve any number of sets."""
    return set(_digests(manifest))


def _digests(manifest: Mapping[str, Any]) -> Iterator[str]:
    settings = manifest.get("settings", {})
    weights = {Path(settings[name]).name for name in _WEIGHT_FILES if settings.get(name)}
    for entry in manifest.get("inputs", []):
        if entry["name"] not in weights:
            yield entry["digest"]
