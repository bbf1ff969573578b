"""What ``--processing-module`` may name: functions that add branches before the selection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import ConfigError, nearest
from TauAdv.tuples.matching import MATCHING_BRANCHES, recompute_tau_type

__all__ = ["MODULES", "ProcessingModule", "processing_module"]


@dataclass(frozen=True)
class ProcessingModule:
    """A function that adds one branch.

    Attributes:
        adds: name of the branch.
        branches: what the function reads.
        compute: from records with these branches to the values.
    """

    adds: str
    branches: tuple[str, ...]
    compute: Callable[[ak.Array | dict[str, Any]], np.ndarray]


#: The processing modules there are, under the names they have in the commands of the original.
MODULES = {"recompute_tautype.py:compute": ProcessingModule("mytauType", MATCHING_BRANCHES, recompute_tau_type)}


def processing_module(name: str) -> ProcessingModule:
    """Return a built-in processing module; a folder before its name is ignored.

    Raises:
        ConfigError: if it is not a built-in one. The files of users are not executed.
    """
    file, _, function = name.rpartition(":")
    key = f"{PurePath(file).name}:{function}"
    if key not in MODULES:
        known = list(MODULES)
        msg = (
            f"processing module '{name}'{nearest(key, known)}: not a built-in one ({', '.join(known)}); "
            "code from files is not executed: add a function to TauAdv/production/skim/modules.py"
        )
        raise ConfigError(msg)
    return MODULES[key]
