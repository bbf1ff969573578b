"""Where the inputs of a run are after its folder, or they, were moved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from TauAdv.config import replaced, value_of
from TauAdv.config.paths import is_yaml
from TauAdv.runs import Run
from TauAdv.runs.layout import FEATURES, NETWORK
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.data import SETS

__all__ = ["PLACES", "moved"]

Kind = TypeVar("Kind", bound=TrainingSettings)

#: Settings that say where something is: they may change, what is found there may not.
PLACES = (*(f"data.{name}" for name in SETS), "model.pretrained.file", "model.pretrained.mlpath", "output.mlruns")
_COPIES = {"model.network": NETWORK, "data.features": FEATURES}


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
    places = {key: path for key in PLACES if (path := value_of(settings, key)) is not None}
    update: dict[str, object] = {key: _place(path, mlruns, here) for key, path in places.items()}
    return replaced(settings, {**update, "output.mlruns": here, **_own_copies(settings, run)})


def _place(path: Path, mlruns: Path, here: Path) -> Path:
    if path.exists() or not path.is_absolute() or not mlruns.is_absolute():
        return path
    candidate = Path(os.path.normpath(here / os.path.relpath(path, mlruns)))
    return candidate if candidate.exists() else path


def _own_copies(settings: TrainingSettings, run: Run) -> Mapping[str, str]:
    found = {}
    for key, copy in _COPIES.items():
        name = value_of(settings, key)
        if name is None or not is_yaml(name) or Path(name).exists():
            continue
        if (run.artifacts / copy).is_file():
            found[key] = str(run.artifacts / copy)
    return found
