"""Scores made of the class probabilities: the discriminants of a tau against e, mu or jet."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError

__all__ = ["BACKGROUNDS", "djet", "score_against"]

#: What taus are told from: e, mu, jet.
BACKGROUNDS = tuple(name for name in TAU_CLASSES if name != "tau")


def score_against(probabilities: ArrayLike, background: str) -> NDArray[np.float64]:
    """Return p_tau / (p_tau + p_background) (TauMLTools).

    Args:
        probabilities: class probabilities in the order e, mu, tau, jet, shape ``[n, 4]``.
        background: ``"e"``, ``"mu"`` or ``"jet"``.

    Returns:
        Scores in [0, 1], shape ``[n]``, in float64 so that values close to 1 stay apart; 0 where both probabilities are 0.

    Raises:
        InputError: unknown background, or another shape.
    """
    if background not in TAU_CLASSES or background == "tau":
        msg = f"score against '{background}': expected e, mu or jet"
        raise InputError(msg)
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(TAU_CLASSES):
        msg = f"class probabilities: expected shape [n, 4] ({', '.join(TAU_CLASSES)}), received {list(values.shape)}"
        raise InputError(msg)
    tau = values[:, TAU_CLASSES.index("tau")]
    total = tau + values[:, TAU_CLASSES.index(background)]
    return np.divide(tau, total, out=np.zeros_like(tau), where=total != 0)


def djet(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the tau-against-jet score Djet = p_tau / (p_tau + p_jet), shape ``[n]`` (see :func:`score_against`)."""
    return score_against(probabilities, "jet")
