"""What a training was, apart from its seed: two that are equal in it differ by chance alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from TauAdv.config import value_of
from TauAdv.errors import ConfigError
from TauAdv.runs import Run
from TauAdv.runs.layout import FEATURES, INPUTS, NETWORK, TRAINING
from TauAdv.training.settings.data import SETS
from TauAdv.training.settings.of_run import stored_settings

__all__ = ["differing", "k2_of", "seed_of", "training_of"]

_FILES = {"network": NETWORK, "feature table": FEATURES}
# places, which differ between machines; what lies there is known by its digests
_PLACES = {"seed": True, "output": True, "data": {*SETS, "features"}, "model": {"network", "pretrained"}}


def training_of(run: Run) -> dict[str, Any] | None:
    """Return the settings, network and inputs of a run, without its seed and places; ``None`` if it does not say them."""
    settings = _settings(run)
    if settings is None:
        return None
    texts = {name: run.artifacts / path for name, path in _FILES.items()}
    files = {name: path.read_text(errors="replace") for name, path in texts.items() if path.is_file()}
    inputs = run.read_json(INPUTS, "put a copy of it back") if (run.artifacts / INPUTS).is_file() else {}
    read = {role: entry.get("digest") for role, entry in inputs.items() if isinstance(entry, Mapping)}
    return {**settings.model_dump(mode="json", exclude=_PLACES), **files, "inputs": read}


def differing(trainings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings in which trainings differ, as dotted keys."""
    flat = [dict(_flat(training)) for training in trainings]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [key for key in keys if any(one.get(key) != flat[0].get(key) for one in flat[1:])]


def seed_of(run: Run) -> int | None:
    """Return the seed of a training; ``None`` if the run does not say it."""
    found = value_of(_settings(run), "seed")
    return None if found is None else int(found)


def k2_of(run: Run) -> float | None:
    """Return the strength of the adversary; ``None`` if the run was not trained with one."""
    found = value_of(_settings(run), "method.adv_parameter")
    return None if found is None else float(found[1])


def _settings(run: Run) -> Any:
    path = run.artifacts / TRAINING
    try:
        return stored_settings(path) if path.is_file() else None
    except ConfigError:
        return None  # of another version: what it says is not understood


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value, sort_keys=True)
