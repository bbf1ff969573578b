"""The words of ``tauadv submit``: what the batch system is asked for, ``--``, and a training as it is started by hand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

from TauAdv.errors import ConfigError

__all__ = ["TRAINING_COMMANDS", "is_script", "split_command", "starts_training", "without_interpreter"]

TRAINING_COMMANDS = ("train", "resume")
"""The commands of ``tauadv`` that train."""

# options of Python that change nothing of a training: a job starts it in its own way
_INTERPRETER = ("-B", "-E", "-I", "-P", "-s", "-u")
_WITH_VALUE = ("--config", "--run")  # of tauadv submit: a file may be called train


def is_script(word: str) -> bool:
    """Return whether a word names a training script."""
    return Path(word).name.startswith("train_") and word.endswith(".py")


def without_interpreter(words: Sequence[str]) -> list[str]:
    """Return the words of a training without ``python``, ``python -m TauAdv`` or ``tauadv`` before it."""
    words = list(words)
    if words and Path(words[0]).name.startswith("python"):
        words = list(dropwhile(lambda word: word in _INTERPRETER, words[1:]))
        words = words[2:] if words[:2] == ["-m", "TauAdv"] else words
    return words[1:] if words and Path(words[0]).name == "tauadv" else words


def starts_training(words: Sequence[str]) -> bool:
    """Return whether words, the interpreter left out, start with a training."""
    return bool(words) and (words[0] in TRAINING_COMMANDS or is_script(words[0]))


def split_command(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before and behind ``--``.

    Raises:
        ConfigError: if a training is named without ``--`` before it.
    """
    words = list(words)
    if "--" in words:
        end = words.index("--")
        return words[:end], words[end + 1 :]
    for place in range(len(words)):
        rest = without_interpreter(words[place:])
        if starts_training(rest) and (not place or words[place - 1] not in _WITH_VALUE):
            asked = shlex.join([*words[:place], "--", *words[place:]])
            msg = f"-- is missing: put it before the training, so that what follows is the training's: {asked}"
            raise ConfigError(msg)
    return words, []
