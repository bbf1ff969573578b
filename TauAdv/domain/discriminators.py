"""Discriminators: scores made of class probabilities that tell one class from another, or from all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.domain.classes import JET_CLASSES, class_word
from TauAdv.errors import InputError, nearest

__all__ = ["Discriminator", "choose_discriminators", "discriminators_of"]


@dataclass(frozen=True)
class Discriminator:
    """A score that is high for ``signal``: P_signal / (P_signal + P_background), or P_signal alone against the rest.

    Attributes:
        name: for example ``BvsL``.
        signal: name of a class.
        background: name of the other class; ``None``: all others.
        classes: names of all classes, in the order of the probabilities.
    """

    name: str
    signal: str
    background: str | None
    classes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Signal and background in words."""
        return (
            f"{class_word(self.signal)} against {'all others' if self.background is None else class_word(self.background)}"
        )

    @property
    def labels(self) -> tuple[int, tuple[int, ...]]:
        """Label of the signal, and labels of the background."""
        signal = self.classes.index(self.signal)
        if self.background is not None:
            return signal, (self.classes.index(self.background),)
        return signal, tuple(number for number in range(len(self.classes)) if number != signal)

    def score(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Return the score [n] of class probabilities [n, classes], in float64; 0 where both probabilities are 0.

        Raises:
            InputError: another shape.
        """
        values = np.asarray(probabilities, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.classes):
            expected = f"[n, {len(self.classes)}] ({', '.join(self.classes)})"
            msg = f"class probabilities: expected shape {expected}, received {list(values.shape)}"
            raise InputError(msg)
        signal = values[:, self.classes.index(self.signal)]
        if self.background is None:
            return signal
        total = signal + values[:, self.classes.index(self.background)]
        return np.divide(signal, total, out=np.zeros_like(signal), where=total != 0)

    def sides(self, label: ArrayLike, source: object = "the set") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of signal and of background; rows of other classes are in neither.

        Raises:
            InputError: a side is empty; ``source`` goes into the message.
        """
        label = np.asarray(label)
        signal, background = self.labels
        rows = np.flatnonzero(label == signal), np.flatnonzero(np.isin(label, background))
        for found, name in zip(rows, (self.signal, self.background or "other classes"), strict=True):
            if len(found) == 0:
                msg = (
                    f"{source}: no rows of {name} among {len(label)}, which {self.name} needs; give a set that has them,"
                    " or leave it out (discriminators=[...])"
                )
                raise InputError(msg)
        return rows


def discriminators_of(classes: Sequence[str]) -> list[Discriminator]:
    """Return the discriminators of a tagger: of jets (b, c, udsg), of taus, or of any other classes each against the rest.

    (arXiv:2203.13890; TauMLTools.)
    """
    names = tuple(classes)
    rest: list[tuple[str, str, str | None]] = [(f"{name}_vs_rest", name, None) for name in names]
    if names == JET_CLASSES:
        chosen = [("BvsL", "b", "udsg"), ("BvsC", "b", "c"), ("CvsB", "c", "b"), ("CvsL", "c", "udsg"), *rest]
    elif "tau" in names:
        others = [name for name in names if name != "tau"]
        chosen = [(f"tau_vs_{name}", "tau", name) for name in reversed(others)] + [("tau_vs_rest", "tau", None)]
    else:
        chosen = rest
    return [Discriminator(name, signal, background, names) for name, signal, background in chosen]


def choose_discriminators(classes: Sequence[str], wanted: Sequence[str] | None) -> list[Discriminator]:
    """Return some discriminators by name, or all.

    Raises:
        InputError: there is none of a name.
    """
    known = {entry.name: entry for entry in discriminators_of(classes)}
    if wanted is None:
        return list(known.values())
    for name in wanted:
        if name not in known:
            msg = f"discriminator '{name}'{nearest(name, list(known))}: of {', '.join(classes)} there are {', '.join(known)}"
            raise InputError(msg)
    return [known[name] for name in wanted]
