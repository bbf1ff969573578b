"""The loss functions of DeepTau: per tau, from true labels and class probabilities [n, 4] in the order e, mu, tau, jet.

(TauMLTools, arXiv:2201.08458.) Probabilities are clipped in their own number type, float32 in training, so that
-ln(1 - p) is at most 15.942; gradients vanish where the clip is active.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

import tensorflow as tf

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import ConfigError, nearest

__all__ = [
    "LOSS_NAMES",
    "LossFunction",
    "TauLosses",
    "adversarial_crossentropy",
    "focal_adversarial_crossentropy",
    "loss_function",
    "shared_parts",
]

LossFunction = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

E, MU, TAU, JET = range(len(TAU_CLASSES))
_CLASS = {name: number for number, name in enumerate(TAU_CLASSES) if number != TAU}
_EPSILON = 1e-7

#: Focal losses: strength and exponent, normalised to the cross entropy (TauMLTools, arXiv:2201.08458).
_FOCAL_COMBINED_SCALE, _FOCAL_COMBINED_EXPONENT = 1.17153, 0.5
_FOCAL_SCALE, _FOCAL_EXPONENT = 1.63636, 2.0
_FOCAL_STRENGTH = 5.0
#: The smooth step that switches on losses among backgrounds for taus that look genuine.
_STEP_SLOPE, _STEP_POSITION = 70.0, 0.1


_parts: ContextVar[dict[Any, Any] | None] = ContextVar("parts", default=None)


@contextmanager
def shared_parts() -> Iterator[None]:
    """Work out but once, in the block, what losses of the same labels and scores have in common.

    Only for losses whose gradient nobody takes: shared parts would add up their gradients in another order.
    """
    token = _parts.set({})
    try:
        yield
    finally:
        _parts.reset(token)


def _shared(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Let a function of tensors and numbers be evaluated once for the same arguments within :func:`shared_parts`."""

    @wraps(function)
    def wrapped(*arguments: Any) -> tf.Tensor:
        if (found := _parts.get()) is None:
            return function(*arguments)
        key = (function, *(argument if isinstance(argument, int) else id(argument) for argument in arguments))
        if key not in found:
            found[key] = (function(*arguments), arguments)  # they must outlive the key, which has their addresses
        return found[key][0]

    return wrapped


@_shared
def _column(tensor: tf.Tensor, k: int) -> tf.Tensor:
    return tensor[:, k]


@_shared
def _probability(scores: tf.Tensor, k: int) -> tf.Tensor:
    return _clip(_column(scores, k))


@_shared
def _log_probability(scores: tf.Tensor, k: int) -> tf.Tensor:
    return tf.math.log(_probability(scores, k))


@dataclass(frozen=True)
class TauLosses:
    """The family of class losses for one choice of class importance.

    Attributes:
        class_importance: importance of e, mu, tau, jet; only ratios matter, they are scaled to a sum of four.

    Example:
        >>> losses = TauLosses()
        >>> losses.tau_crossentropy_v2(labels, probabilities)  # [n]
    """

    class_importance: tuple[float, float, float, float] = (1.0, 2.5, 5.0, 1.5)

    @property
    def kappa(self) -> tuple[float, ...]:
        """Class importance scaled to a sum of four."""
        total = sum(self.class_importance)
        return tuple(value * 4 / total for value in self.class_importance)

    @_shared
    def crossentropy(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return H_k: the cross entropy of class ``k``."""
        return -_column(labels, k) * _log_probability(scores, k)

    def binary_crossentropy(self, labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """Return H_bin: the cross entropy of not being a tau."""
        return -(1 - _column(labels, TAU)) * tf.math.log(1 - _probability(scores, TAU))

    @_shared
    def pair(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return L_k: the cross entropy of telling a tau from class ``k``."""
        genuine = _clip(_column(scores, TAU) / (_column(scores, TAU) + _column(scores, k) + _EPSILON))
        return -_column(labels, TAU) * tf.math.log(genuine) - _column(labels, k) * tf.math.log(1 - genuine)

    def scaled_pair(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return kappa_k L_k."""
        return self.kappa[k] * self.pair(labels, scores, k)

    def accepted_crossentropy(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return theta H_k: the cross entropy of class ``k`` where the tau score is high."""
        return _tau_like(scores) * self.crossentropy(labels, scores, k)

    def rejected_crossentropy(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return (1 - theta) H_k: the cross entropy of class ``k`` where the tau score is low."""
        return (1 - _tau_like(scores)) * self.crossentropy(labels, scores, k)

    @_shared
    def focal(self, labels: tf.Tensor, scores: tf.Tensor, k: int) -> tf.Tensor:
        """Return F_k: the focal loss of class ``k`` where the tau score is high."""
        p = _probability(scores, k)
        focal = _column(labels, k) * tf.pow(1 - p, _FOCAL_EXPONENT) * tf.math.log(p)
        return -_FOCAL_SCALE * _tau_like(scores) * focal

    @_shared
    def focal_combined(self, labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """Return F_cmb: the focal loss of not being a tau."""
        p = _probability(scores, TAU)
        focal = (1 - _column(labels, TAU)) * tf.pow(p, _FOCAL_COMBINED_EXPONENT) * tf.math.log(1 - p)
        return -_FOCAL_COMBINED_SCALE * focal

    def tau_crossentropy(self, labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """Return the loss of the first DeepTau networks: the sum of kappa_k L_k."""
        return tf.add_n([self.scaled_pair(labels, scores, k) for k in (E, MU, JET)])

    def tau_crossentropy_v2(self, labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        """Return the loss of DeepTau v2p1 and v2p5."""
        kappa = self.kappa
        separate = kappa[TAU] * self.crossentropy(labels, scores, TAU)
        combined = (kappa[E] + kappa[MU] + kappa[JET]) * self.focal_combined(labels, scores)
        classes = tf.add_n([kappa[k] * self.focal(labels, scores, k) for k in (E, MU, JET)])
        return separate + combined + _FOCAL_STRENGTH * classes

    def functions(self) -> dict[str, LossFunction]:
        """Return every loss of the family under the name that DeepTau's metrics give it."""
        functions: dict[str, LossFunction] = {
            "tau_crossentropy": self.tau_crossentropy,
            "tau_crossentropy_v2": self.tau_crossentropy_v2,
            "Hbin": self.binary_crossentropy,
            "Fcmb": self.focal_combined,
            "Htau": _of_class(self.crossentropy, TAU),
        }
        for name, k in _CLASS.items():
            functions[f"L{name}"] = _of_class(self.pair, k)
            functions[f"sL{name}"] = _of_class(self.scaled_pair, k)
            functions[f"H{name}"] = _of_class(self.crossentropy, k)
            functions[f"Hcat_{name}"] = _of_class(self.accepted_crossentropy, k)
            functions[f"Hcat_{name}Inv"] = _of_class(self.rejected_crossentropy, k)
            functions[f"F{name}"] = _of_class(self.focal, k)
        return functions


def loss_function(name: str, class_importance: tuple[float, float, float, float] = (1.0, 2.5, 5.0, 1.5)) -> LossFunction:
    """Return a loss of the family by name.

    Raises:
        ConfigError: if there is no such loss.
    """
    functions = TauLosses(class_importance).functions()
    if name not in functions:
        known = sorted(functions)
        msg = f"loss '{name}' is not known{nearest(name, known)}; known: {', '.join(known)}"
        raise ConfigError(msg)
    return functions[name]


def adversarial_crossentropy(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """Return the cross entropy [n] of telling data (label 1) from simulation (0), for labels and scores [n, 1]."""
    p = _clip(scores[:, 0])
    return -labels[:, 0] * tf.math.log(p) - (1 - labels[:, 0]) * tf.math.log(1 - p)


def focal_adversarial_crossentropy(gamma: float = 2.0) -> LossFunction:
    """Return the cross entropy of data against simulation, each tau times (1 - probability of its truth)^gamma."""

    def focal(labels: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
        p, y = _clip(scores[:, 0]), labels[:, 0]
        data = -y * tf.pow(1 - p, gamma) * tf.math.log(p)
        return data - (1 - y) * tf.pow(p, gamma) * tf.math.log(1 - p)

    return focal


def _clip(scores: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(scores, _EPSILON, 1 - _EPSILON)


@_shared
def _tau_like(scores: tf.Tensor) -> tf.Tensor:
    """Return theta: a smooth step in the tau score, which is not clipped here."""
    return (tf.math.tanh(_STEP_SLOPE * (_column(scores, TAU) - _STEP_POSITION)) + 1) / 2


def _of_class(function: Any, k: int) -> LossFunction:
    return lambda labels, scores: function(labels, scores, k)


LOSS_NAMES = tuple(sorted(TauLosses().functions()))
