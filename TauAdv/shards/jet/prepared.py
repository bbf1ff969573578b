"""The folder of prepared jets, with its sets: what its manifest says of their inputs."""

from __future__ import annotations

from pathlib import Path

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import read_manifest, require_checksums
from TauAdv.io.verified_files import opened_at_once, read_verified
from TauAdv.jets.features import JetFeatures
from TauAdv.shards.jet.packing import JetLayout

__all__ = ["STEP", "read_features"]

STEP = "prepare_jets"


def read_features(folder: Path | str) -> JetFeatures:
    """Return the features of prepared jets: of the folder with the sets, or of one of them.

    Raises:
        InputError: if the folder does not hold prepared jets, or its manifest is damaged or does not belong to its sets.
    """
    return opened_at_once(Path(folder), lambda: _features_in(Path(folder)))


def _features_in(folder: Path) -> JetFeatures:
    manifest = read_manifest(folder)
    if manifest.get("step") != STEP and manifest.get("rows") != JetLayout.rows:
        msg = f"{folder}: made by step '{manifest.get('step')}'; expected jets made with {command('jets prepare')}"
        raise InputError(msg)
    remedy = f"prepare the jets again with {command('jets prepare')} --overwrite"
    require_checksums(folder, manifest, remedy)
    # the sets that lie in the folder must be those that were scaled so
    for name in (name for name in manifest["files"] if name.endswith("/manifest.json")):
        read_verified(folder / name, manifest["files"][name], remedy)
    return JetFeatures.from_text(manifest["feature_table"]["text"], f"{folder}: features")
