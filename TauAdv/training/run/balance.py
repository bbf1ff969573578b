"""Whether a set has what a loss compares: two domains, genuine taus and background, all flavours of jets."""

from __future__ import annotations

from functools import cache

import numpy as np

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.shards.store import ShardSet

__all__ = ["absent_classes", "classes_of_loss", "require_both_sides"]

_GENUINE = "tau"


def require_both_sides(role: str, shards: ShardSet, loss: str | None) -> None:
    """Check that there is something to tell apart.

    Args:
        role: what the set is for, for the message.
        shards: set of either kind.
        loss: name of the class loss of taus; ``None``: one that needs every class.

    Raises:
        InputError: if an adversarial set has no data or no simulation of non-zero weight; if a classification set has no
            genuine taus, or nothing else, and the loss compares them; if a class of jets is absent.
    """
    if shards.kind == "adversarial":
        _require_domains(role, shards)
        return
    if loss is None:
        if absent := absent_classes(shards, loss):
            rows = shards.rows_name
            msg = (
                f"{role} set {shards.folder}: no {rows} of class {' or '.join(absent)} of non-zero weight among "
                f"{shards.num_rows:,}; what tells them from the others cannot be learned: add them, or take more {rows}"
            )
            raise InputError(msg)
        return
    needed, absent = classes_of_loss(loss), absent_classes(shards, loss)
    background = [name for name in needed if name != _GENUINE]
    for group in ([_GENUINE] if _GENUINE in needed else [], background):
        if group and set(group) <= set(absent):
            msg = (
                f"{role} set {shards.folder}: no {' or '.join(group)} of non-zero weight among {shards.num_taus:,}; the "
                f"loss '{loss}' compares {', '.join(needed)}: add them, or choose a loss that does without"
            )
            raise InputError(msg)


def _require_domains(role: str, shards: ShardSet) -> None:
    present, rows = _labels(shards), shards.row_type
    for label, name in reversed(list(enumerate(rows.domains))):
        if label not in present:
            msg = (
                f"{role} set {shards.folder}: no {name} {rows.name} of non-zero weight among {shards.num_rows:,}; "
                f"adaptation compares {rows.both_domains}: add them, or take another validation part"
            )
            raise InputError(msg)


def absent_classes(shards: ShardSet, loss: str | None) -> list[str]:
    """Return the classes that a loss looks at (``None``: all) and a set lacks; none for an adversarial set."""
    if shards.kind == "adversarial":
        return []
    present, names = _labels(shards), list(shards.classes)
    return [name for name in (names if loss is None else classes_of_loss(loss)) if names.index(name) not in present]


@cache
def classes_of_loss(loss: str) -> tuple[str, ...]:
    """Return the true classes for which a loss of the TauLosses family is not zero."""
    import tensorflow as tf

    from TauAdv.models.deeptau.losses import loss_function

    labels = tf.eye(len(TAU_CLASSES))
    values = loss_function(loss)(labels, tf.ones_like(labels) / len(TAU_CLASSES)).numpy()
    return tuple(name for name, value in zip(TAU_CLASSES, values, strict=True) if value != 0)


def _labels(shards: ShardSet) -> set[int]:
    """Return the labels of taus that count."""
    columns = shards.columns(["label", "weight"])
    return set(np.unique(columns["label"][columns["weight"] != 0]).tolist())
