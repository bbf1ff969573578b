"""The contributions of the control region: names, dataset ids, labels and colours, read from one YAML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TauAdv.config import Settings, parse_yaml, validate_settings
from TauAdv.config.yaml_files import read_text
from TauAdv.errors import ConfigError, InputError

__all__ = ["Contribution", "check_dataset_ids", "genuine_ids", "load_contributions"]

DEFAULT = Path(__file__).with_name("contributions.yaml")


class Contribution(Settings):
    """One contribution: a process and the kind of object that was taken for a tau.

    Attributes:
        name: short name, also the key of its histogram in the weights file.
        dataset_id: number that its rows carry (0 is data).
        label: text of the legend (LaTeX allowed).
        color: any matplotlib colour.
        data: recorded data (drawn as points) rather than simulation.
        genuine: the candidates are genuine hadronic taus.
    """

    name: str
    dataset_id: int
    label: str
    color: str
    data: bool = False
    genuine: bool = False


def load_contributions(path: Path | str | None = None) -> list[Contribution]:
    """Return the contributions of a YAML list, in the order of the stack; ``None`` gives those of the specification.

    Raises:
        ConfigError: if the file is not such a list, a name or dataset_id occurs twice, or not exactly one is data.
    """
    path = Path(path) if path is not None else DEFAULT
    content = parse_yaml(read_text(path), path, written=True)
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        msg = f"{path}: not a list of contributions (name, dataset_id, label, color[, data][, genuine])"
        raise ConfigError(msg)
    found = [
        validate_settings(Contribution, entry, f"{path}: contribution {number}") for number, entry in enumerate(content)
    ]
    for key in ("name", "dataset_id"):
        values = [getattr(entry, key) for entry in found]
        if len(set(values)) != len(values):
            msg = f"{path}: every {key} must occur once; received {values}"
            raise ConfigError(msg)
    if sum(entry.data for entry in found) != 1:
        msg = f"{path}: exactly one contribution must have 'data: true'"
        raise ConfigError(msg)
    return found


def genuine_ids(contributions: list[Contribution]) -> list[int]:
    """Return the dataset ids of genuine taus."""
    return [entry.dataset_id for entry in contributions if entry.genuine]


def check_dataset_ids(dataset_id: NDArray, contributions: list[Contribution]) -> None:
    """Refuse rows of a contribution that is not listed.

    Raises:
        InputError: names the unknown dataset ids and their number of rows.
    """
    known = [entry.dataset_id for entry in contributions]
    ids, counts = np.unique(dataset_id, return_counts=True)
    unknown = {int(i): int(n) for i, n in zip(ids, counts, strict=True) if i not in known}
    if unknown:
        msg = f"dataset_id: expected one of {sorted(known)}, received {unknown} (id: rows); see the contributions YAML"
        raise InputError(msg)
