"""Which kind of training is meant: of a classifier of taus, of an adversarial model of taus, or of a tagger of jets."""

from __future__ import annotations

from pathlib import Path

from TauAdv.config import read_yaml
from TauAdv.config.overrides import Overrides, override_pairs
from TauAdv.config.shipped import config_file
from TauAdv.runs import find_run
from TauAdv.taggers.registry import taggers
from TauAdv.training.settings.taus import settings_file

__all__ = ["kind_of_run", "kind_of_settings"]


def kind_of_settings(path: Path | str, overrides: Overrides = ()) -> str:
    """Return the kind of training whose settings have most of the keys of a file and of ``key=value`` words.

    Of two that have equally many, it is the one with fewer keys of its own.

    Args:
        path: YAML file.
        overrides: words of the command line, or a mapping.

    Raises:
        ConfigError: if the file is missing or not accepted, or a word is not ``key=value``.
    """
    pairs = override_pairs(overrides)
    return _kind_of({*read_yaml(config_file(path)), *(key.partition(".")[0] for key, _ in pairs)})


def kind_of_run(mlpath: Path | str, run_id: str) -> str:
    """Return the kind of training that a run is of.

    Raises:
        InputError: if there is no such run, or its settings are damaged.
        ConfigError: if the run is no training.
    """
    return _kind_of(set(read_yaml(settings_file(find_run(mlpath, run_id)))))


def _kind_of(keys: set[str]) -> str:
    trainings = [training for spec in taggers().values() for training in spec.trainings]
    chosen = min(trainings, key=lambda training: len(keys - set(training.settings_type().model_fields)))
    return chosen.commands[0].removeprefix("train ")
