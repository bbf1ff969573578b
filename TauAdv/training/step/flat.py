"""Several tensors as one flat vector: what is done element by element then takes one operation, not one for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["Joined", "Layout", "Slice", "present_values", "with_shapes"]


class Layout:
    """The places of tensors of one number type in a flat vector: one after the other, rows first.

    Args:
        shapes: of the tensors.
    """

    def __init__(self, shapes: Sequence[Any]) -> None:
        self.shapes = [tuple(shape) for shape in shapes]
        self._sizes = [math.prod(shape) for shape in self.shapes]
        self._starts = np.cumsum([0, *self._sizes]).tolist()

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self._starts[-1]

    def join(self, tensors: Sequence[Any]) -> tf.Tensor:
        """Return the vector of some tensors."""
        line = tf.constant([-1])
        flat = [
            tensor if len(shape) == 1 else tf.reshape(tensor, line)
            for tensor, shape in zip(tensors, self.shapes, strict=True)
        ]
        return tf.concat(flat, axis=0)

    def split(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Return the tensors of a vector."""
        parts = tf.split(vector, self._sizes)
        return [part if len(shape) == 1 else tf.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def slices(self, variable: Any) -> list[Slice]:
        """Return the parts of a flat variable."""
        places = zip(self._starts, self._sizes, self.shapes, strict=False)
        return [Slice(variable, slice(start, start + size), shape) for start, size, shape in places]


class Slice:
    """A part of a flat variable, to be read and written like a variable of its own; not in a compiled function.

    Args:
        variable: the whole, one-dimensional.
        place: of the part.
        shape: of the part.
    """

    def __init__(self, variable: Any, place: slice, shape: tuple[int, ...]) -> None:
        self._variable, self._place, self.shape = variable, place, shape

    @property
    def dtype(self) -> str:
        """Number type."""
        return self._variable.dtype

    @property
    def value(self) -> tf.Tensor:
        """The present values."""
        return self.copies[0]

    @property
    def copies(self) -> list[tf.Tensor]:
        """The present values on each replica of this process."""
        return [tf.reshape(copy[self._place], self.shape) for copy in self._wholes()]

    def numpy(self) -> NDArray[Any]:
        """Return the present values."""
        return self.value.numpy()

    def part_of(self, wholes: dict[int, NDArray[Any]]) -> NDArray[Any]:
        """Return the present values; ``wholes`` keeps what was read of flat variables, by their id."""
        if id(self._variable) not in wholes:
            wholes[id(self._variable)] = self._wholes()[0].numpy()
        return wholes[id(self._variable)][self._place].reshape(self.shape)

    def assign(self, value: Any) -> None:
        """Replace the values, on every replica."""
        flat = tf.reshape(tf.broadcast_to(tf.cast(value, self.dtype), self.shape), [-1])
        for copy in self._wholes():
            copy[self._place].assign(flat)

    def _wholes(self) -> Sequence[tf.Variable]:
        whole = self._variable.value
        return getattr(whole, "values", (whole,))


def present_values(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Return the values of variables and slices; a flat variable is read once for all its slices."""
    wholes: dict[int, NDArray[Any]] = {}
    return [
        variable.part_of(wholes) if isinstance(variable, Slice) else keras.ops.convert_to_numpy(variable.value)
        for variable in variables
    ]


def with_shapes(tensors: Sequence[Any], shaped: Sequence[Any]) -> list[tf.Tensor]:
    """Return tensors that are known to have the shapes of others: TensorFlow loses those of some gradients."""
    found = [tf.convert_to_tensor(tensor) for tensor in tensors]
    for tensor, other in zip(found, shaped, strict=True):
        tensor.set_shape(other.shape)
    return found


class Joined:
    """Tensors as flat vectors, one for each number type.

    Args:
        tensors: of known shapes.

    Attributes:
        vectors: in the order in which their number types come first.
    """

    def __init__(self, tensors: Sequence[tf.Tensor]) -> None:
        by_type: dict[Any, list[int]] = {}
        for place, tensor in enumerate(tensors):
            by_type.setdefault(tensor.dtype, []).append(place)
        self._places = list(by_type.values())
        self._layouts = [Layout([tensors[place].shape for place in places]) for places in self._places]
        parts = zip(self._layouts, self._places, strict=True)
        self.vectors = [layout.join([tensors[place] for place in places]) for layout, places in parts]

    def split(self, vectors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Return the tensors, in their order, of vectors like :attr:`vectors`."""
        found: dict[int, tf.Tensor] = {}
        for layout, places, vector in zip(self._layouts, self._places, vectors, strict=True):
            found |= dict(zip(places, layout.split(vector), strict=True))
        return [found[place] for place in sorted(found)]
