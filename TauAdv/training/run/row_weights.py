"""Whether the weights that a set of shards brings can weight a loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.shards.store import ShardSet

__all__ = ["require_weights", "weight_note"]

_ADVICE = "make the set again from weight files that are right"


def require_weights(role: str, shards: ShardSet) -> None:
    """Check the weights of a set before a training begins.

    Negative ones are taken if the set was made with ``allow_negative``; those of a class or domain must still sum to more
    than 0, or its loss would be turned around.

    Args:
        role: what the set is for, for the message.
        shards: set of taus or jets.

    Raises:
        InputError: if weights are not finite, negative, all 0, or too large to be summed in single precision.
    """
    columns = shards.columns(["weight", "label"])
    weight = columns["weight"].astype(np.float64)
    problem = _problem(weight, shards) or _sums_below_zero(weight, columns["label"])
    if problem:
        msg = f"{role} set {shards.folder}: {problem}"
        raise InputError(msg)


def weight_note(weights: NDArray[np.floating]) -> str:
    """Return what is to be known of the weights of a class or contribution, nothing if all is well."""
    if not weights.any():
        return "; WARNING: all weights are 0, nothing is learned from them"
    negative = int((weights < 0).sum())
    return f"; {negative:,} weights are negative" if negative else ""


def _problem(weight: NDArray[np.float64], shards: ShardSet) -> str | None:
    size = f"of {len(weight):,} {shards.rows_name} have"
    if bad := int((~np.isfinite(weight)).sum()):
        shown = ", ".join(f"{value:g}" for value in weight[~np.isfinite(weight)][:3])
        return f"{bad:,} {size} a weight that is not finite ({shown}); {_ADVICE}"
    if np.abs(weight).sum() > np.finfo(np.float32).max:
        return f"weights up to {np.abs(weight).max():.3g}, whose sum does not fit into single precision; {_ADVICE}"
    negative = int((weight < 0).sum())
    if negative and not shards.manifest["settings"].get("allow_negative"):
        return f"{negative:,} {size} a negative weight (smallest: {weight.min():g}); {_ADVICE}, or with --allow-negative"
    if not weight.any():
        return f"all weights of its {len(weight):,} {shards.rows_name} are 0, nothing can be learned; {_ADVICE}"
    return None


def _sums_below_zero(weight: NDArray[np.float64], label: NDArray[np.integer]) -> str | None:
    sums = {int(number): float(weight[label == number].sum()) for number in np.unique(label[weight < 0])}
    below = [f"label {number}: {total:g}" for number, total in sums.items() if total <= 0]
    return f"negative weights outweigh the others ({', '.join(below)}); {_ADVICE}" if below else None
