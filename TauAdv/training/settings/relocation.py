"""Where the inputs of a run are after its folder, or they, were moved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from TauAdv.runs import Run
from TauAdv.runs.layout import FEATURES, NETWORK
from TauAdv.training.settings.common import SETS, TrainingSettings

__all__ = ["moved"]

Kind = TypeVar("Kind", bound=TrainingSettings)


def moved(settings: Kind, mlruns: Path, run: Run) -> Kind:
    """Return the settings of a run to resume with the places where things are now.

    What is not where it was is looked for at the same place relative to the folder of the runs: as when a project is moved
    as a whole. Of network and feature table the run keeps copies.

    Args:
        settings: of the run.
        mlruns: folder of the runs when it was started.
        run: as it is found now.
    """
    here = run.mlpath.parent
    update: dict[str, object] = {"mlruns": here}
    for key in SETS:
        if (path := getattr(settings, key, None)) is not None:
            update[key] = _place(path, mlruns, here)
    if settings.pretrained is not None:
        paths = {key: getattr(settings.pretrained, key) for key in ("mlpath", "file")}
        places = {key: _place(path, mlruns, here) for key, path in paths.items() if path is not None}
        update["pretrained"] = settings.pretrained.model_copy(update=places)
    return settings.model_copy(update={**update, **_own_copies(settings, run)})


def _place(path: Path, mlruns: Path, here: Path) -> Path:
    if path.exists() or not path.is_absolute() or not mlruns.is_absolute():
        return path
    candidate = Path(os.path.normpath(here / os.path.relpath(path, mlruns)))
    return candidate if candidate.exists() else path


def _own_copies(settings: TrainingSettings, run: Run) -> Mapping[str, str]:
    found = {}
    for key, copy in (("network", NETWORK), ("features", FEATURES)):
        name = getattr(settings, key, None)
        if name is None or Path(name).suffix not in {".yaml", ".yml"} or Path(name).exists():
            continue
        if (run.artifacts / copy).is_file():
            found[key] = str(run.artifacts / copy)
    return found
