"""The function that an attack's configuration stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Batch, Constraints
from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.attacks.objectives import Objective
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.randomness import Seed
from TauAdv.attacks.target import apply_attack
from TauAdv.errors import ConfigError, InputError

__all__ = ["Attack", "AttackSettings", "make_attack"]


class Attack(Protocol):
    """A function that attacks a batch; see :func:`make_attack`."""

    def __call__(
        self, objective: Objective, batch: Batch, seed: Seed = 0, strength: tf.Tensor | float | None = None
    ) -> Batch:
        """Return the attacked batch."""


def make_attack(settings: AttackSettings, constraints: Constraints) -> Attack:
    """Return the attack that the settings describe: a function of objective, batch, seed and strength.

    It may be used within a compiled function. ``seed`` decides all random numbers. ``strength`` multiplies eps: a number,
    or one per example (0: this one stays clean). Attacks without ``needs_gradient`` do not evaluate the objective.

    Args:
        settings: kind, strength, limits.
        constraints: facts about the inputs; the settings' own options take the place of theirs.

    Raises:
        ConfigError: a name or pattern that fits no column, a resolution that is not known, a group that cannot move.

    Example:
        >>> attack = make_attack(AttackSettings(kind="pgd", eps=0.05), constraints)
        >>> attacked = attack(label_loss(model, loss), batch, seed=1)
    """
    try:
        eps = _eps_by_tensor(settings.eps, constraints)
        if settings.unit == "resolution" and isinstance(settings.eps, Mapping):
            constraints = _frozen_where_zero(eps, constraints)  # the resolution of what does not move need not be known
        constraints = _with_options(settings, constraints)
        constraints.amplitudes(eps, {})
    except InputError as error:
        msg = f"attack {settings.kind}: {error}"
        raise ConfigError(msg) from error

    def attack(objective: Objective, batch: Batch, seed: Seed = 0, strength: tf.Tensor | float | None = None) -> Batch:
        return apply_attack(settings, objective, batch, constraints, eps, seed=seed, strength=strength)

    return attack


def _frozen_where_zero(eps: Mapping[str, Any], constraints: Constraints) -> Constraints:
    tensors = {name: columns.freeze(eps[name] == 0) for name, columns in constraints.tensors.items()}
    return replace(constraints, tensors=tensors)


def _with_options(settings: AttackSettings, constraints: Constraints) -> Constraints:
    tensors = {}
    for name, columns in constraints.tensors.items():
        frozen = columns.freeze(_of_tensor(settings.frozen, columns, constraints))
        groups = {title: _of_tensor(patterns, columns, constraints) for title, patterns in settings.groups.items()}
        tensors[name] = frozen.with_groups({title: patterns for title, patterns in groups.items() if patterns})
    keys = ("unit", "protect", "ranges", "relative_cap", "recompute", "covariance")
    return replace(constraints, tensors=tensors, **{key: getattr(settings, key) for key in keys})


def _of_tensor(patterns: tuple[str, ...], columns: InputColumns, constraints: Constraints) -> list[str]:
    """Return the patterns that fit columns of one tensor, after checking that each fits some column of some tensor."""
    return [pattern for pattern in patterns if _fits(pattern.removeprefix("-"), columns, constraints)]


def _fits(pattern: str, columns: InputColumns, constraints: Constraints) -> bool:
    if not any(others.fits(pattern) for others in constraints.tensors.values()):
        columns.find(pattern)  # raises, with the nearest name
    return columns.fits(pattern)


def _eps_by_tensor(eps: float | Mapping[str, float], constraints: Constraints) -> Any:
    if not isinstance(eps, Mapping):
        return eps
    values = {name: np.zeros(len(columns), np.float32) for name, columns in constraints.tensors.items()}
    for pattern, value in eps.items():
        for name, columns in constraints.tensors.items():
            if _fits(pattern, columns, constraints):
                values[name][columns.find(pattern)] = value
    return values
