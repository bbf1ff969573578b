"""What a result in a run was made of, as its manifest says: which set of taus, and which model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.runs import Run
from TauAdv.runs.layout import MODEL, PREDICTIONS

__all__ = ["require_current", "set_of"]


def require_current(run: Run, manifest: Mapping[str, Any], path: Path, remedy: str) -> None:
    """Refuse a result that was made of another model or prediction table than the run has now.

    A training that is resumed writes a new model; what was made of the one before stays in the run.

    Args:
        run: whose result it is.
        manifest: of the result; empty: it says nothing.
        path: of the result.
        remedy: how to make it again.

    Raises:
        InputError: names the file that changed.
    """
    for entry in manifest.get("inputs", []):
        file = _in_run(run, entry)
        if file is not None and describe_input(file)["digest"] != entry["digest"]:
            msg = f"{path}: it was made of another {entry['name']} than {run.title} has now; {remedy}"
            raise InputError(msg)


def set_of(manifest: Mapping[str, Any]) -> str:
    """Return what tells apart the sets that predictions are of, empty if it is not known.

    Args:
        manifest: of a prediction table.
    """
    names = [entry["digest"] for entry in manifest.get("inputs", []) if entry["name"] != Path(MODEL).name]
    if len(names) != 1:
        return ""
    counts = manifest.get("counts", {})
    read, whole = counts.get("taus"), counts.get("in set")
    return names[0] if read == whole else f"{names[0]}, first {read}"


def _in_run(run: Run, entry: Mapping[str, Any]) -> Path | None:
    """Return the file of the run that an input of a manifest names, if it is there."""
    is_model = entry["name"] == Path(MODEL).name
    file = run.artifacts / MODEL if is_model else run.artifacts / PREDICTIONS / entry["name"]
    return file if file.is_file() else None
