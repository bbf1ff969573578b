"""The strength of an attack: eps per input tensor and column, checked and turned into scaled units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.attacks.options import Unit
from TauAdv.errors import InputError

__all__ = ["Eps", "amplitudes", "is_zero", "unit_size"]

#: A number for all columns, or tensor name -> a number or one number per column.
Eps: TypeAlias = Any


def amplitudes(
    eps: Eps, tensors: Mapping[str, InputColumns], units: Mapping[str, NDArray[np.float32]]
) -> dict[str, tf.Tensor]:
    """Return eps times the unit of every column, by tensor: float32 [f], in scaled units.

    Args:
        eps: strength; tensors (for a schedule) are not checked for their sign.
        tensors: facts by tensor.
        units: size of one unit of every column in scaled space, by tensor.

    Raises:
        InputError: eps negative or not finite, for an unknown tensor, or of a length that does not fit its columns.
    """
    by_tensor: Mapping[str, Any] = eps if isinstance(eps, Mapping) else dict.fromkeys(tensors, eps)
    if unknown := sorted(set(by_tensor) - set(tensors)):
        msg = f"eps: no input tensor '{unknown[0]}'; expected some of {', '.join(tensors)}"
        raise InputError(msg)
    found = {}
    for name, columns in tensors.items():
        value = by_tensor.get(name, 0.0)
        _check(name, value, len(columns))
        found[name] = tf.cast(value, tf.float32) * tf.constant(units[name])
    return found


def is_zero(eps: Eps) -> bool:
    """Return whether eps is known to be 0 everywhere; a tensor's value is not known."""
    values = eps.values() if isinstance(eps, Mapping) else [eps]
    return all(not tf.is_tensor(value) and not np.any(np.asarray(value)) for value in values)


def unit_size(columns: InputColumns, unit: Unit) -> NDArray[np.float32]:
    """Return the size of one unit of eps in scaled space [f]: the feature's spread, or its resolution.

    Raises:
        InputError: if the resolution of a column that may move is not known.
    """
    if unit == "spread":
        return columns.perturbation
    if not (known := np.isfinite(columns.resolution) | ~columns.movable).all():
        missing = [name for name, fine in zip(columns.names, known, strict=True) if not fine]
        msg = f"unit 'resolution': not known for {len(missing)} columns that may move, such as {missing[0]}; "
        raise InputError(msg + "give their resolution, freeze them, or use unit 'spread'")
    return np.nan_to_num(columns.resolution / columns.std).astype(np.float32)


def _check(tensor: str, value: Any, n_columns: int) -> None:
    shape = value.shape if tf.is_tensor(value) else np.shape(value)
    if tuple(shape) not in {(), (n_columns,)}:
        msg = f"eps of '{tensor}': expected one number, or one for each of its {n_columns} columns; received shape {shape}"
        raise InputError(msg)
    if not tf.is_tensor(value) and not (np.isfinite(value).all() and np.min(value) >= 0):
        msg = f"eps of '{tensor}': expected numbers >= 0, received {value}; 0 leaves the inputs as they are"
        raise InputError(msg)
