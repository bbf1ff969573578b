"""Which inputs an attack may change, and how far: one object for all input tensors of a tagger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from TauAdv.attacks.constraints.amplitude import Eps, amplitudes, unit_size
from TauAdv.attacks.constraints.box import Box, capped, exists, limited
from TauAdv.attacks.constraints.covariance import led_back, required_positive
from TauAdv.attacks.constraints.followers import Copies, copy_moves, recompute
from TauAdv.attacks.constraints.groups import SharedSteps
from TauAdv.attacks.constraints.input_columns import InputColumns
from TauAdv.attacks.options import CovarianceRule, Unit
from TauAdv.errors import InputError

__all__ = ["Batch", "Constraints"]

Batch = Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class Constraints:
    """What an attack may do to a batch. Tensors that are not named here are never touched.

    Attributes:
        tensors: facts about the columns of every tensor that may be attacked, by the tensor's key in a batch.
        copies: columns that repeat those of another tensor.
        relative_cap: largest |change| / |value| in physical units; 0: no cap. A value of 0 cannot move under a cap.
        unit: what eps counts in: the spread of a feature, or its resolution.
        protect: ``False`` drops everything but eps: integers, defaults, ranges, all move. For studies only.
        ranges: ``False`` drops the allowed ranges of columns.
        recompute: whether significances follow their values; if not, they move on their own.
        covariance: matrices that an attack makes non-positive: ``ignore`` them, ``check`` (the compiled function raises; see
            :func:`TauAdv.attacks.constraints.covariance.clear_errors`), or ``project``: shorten the step of their entries.

    Example:
        >>> constraints = Constraints({"x": InputColumns.of(["pt", "tracks"], integer=[False, True])})
        >>> attacked = fgsm(label_loss(model, loss), batch, constraints, eps=0.01)
    """

    tensors: Mapping[str, InputColumns]
    copies: tuple[Copies, ...] = ()
    relative_cap: float = 0.0
    unit: Unit = "spread"
    protect: bool = True
    ranges: bool = True
    recompute: bool = False
    covariance: CovarianceRule = "ignore"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.relative_cap) and self.relative_cap >= 0):
            msg = f"relative_cap: expected a number >= 0 (0: no cap), received {self.relative_cap}"
            raise InputError(msg)

    @cached_property
    def columns(self) -> dict[str, InputColumns]:
        """Facts by tensor, as these constraints use them."""
        if not self.protect:
            return {name: _unprotected(columns) for name, columns in self.tensors.items()}
        found = dict(self.tensors)
        if not self.recompute:
            found = {name: replace(columns, followers=()) for name, columns in found.items()}
        return found if self.ranges else {name: columns.without_ranges() for name, columns in found.items()}

    @cached_property
    def units(self) -> dict[str, Any]:
        """Size of one unit of eps of every column in scaled space [f], by tensor."""
        return {name: unit_size(columns, self.unit) for name, columns in self.columns.items()}

    @cached_property
    def _shared(self) -> dict[str, SharedSteps | None]:
        return {name: SharedSteps.of(columns) for name, columns in self.columns.items()}

    def amplitudes(self, eps: Eps, batch: Batch, strength: tf.Tensor | float | None = None) -> dict[str, tf.Tensor]:
        """Return the largest change of every column by tensor, float32 [f], or [rows, f] for a strength per example.

        Args:
            eps: number, or tensor name -> number or one per column.
            batch: whose rows a strength per example belongs to.
            strength: multiplies eps: a number, or one per example [n] (0 leaves an example as it is).

        Raises:
            InputError: eps negative or not matching the inputs.
        """
        found = amplitudes(eps, self.columns, self.units)
        if strength is None:
            return found
        factor = tf.convert_to_tensor(strength, tf.float32)
        if factor.shape.rank == 0:
            return {name: amplitude * factor for name, amplitude in found.items()}
        return {name: amplitude * self.per_row(name, factor, batch)[:, None] for name, amplitude in found.items()}

    def per_row(self, tensor: str, values: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Return values per example [n] as values per row of a tensor."""
        rows = self.columns[tensor].rows
        return values if rows is None else tf.gather(values, batch[rows][:, 0])

    def checked(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Return the batch as tensors, after checking that it has the tensors and masks that are named here.

        Raises:
            InputError: a tensor or mask is missing, or has another width or number type.
        """
        for name, columns in self.columns.items():
            wanted = [key for key in (name, columns.rows, columns.mask) if key is not None]
            if missing := [key for key in wanted if key not in batch]:
                msg = f"the batch has no '{missing[0]}', which attacks on '{name}' need; it has {', '.join(sorted(batch))}"
                raise InputError(msg)
            for key, kind in ((name, tf.float32), (columns.mask, tf.bool)):
                if key is not None and ((found := tf.convert_to_tensor(batch[key])).dtype, found.shape[-1]) != (
                    kind,
                    len(columns),
                ):
                    msg = f"'{key}': expected {kind.name} [rows, {len(columns)}], received {found.dtype.name} {found.shape}"
                    raise InputError(msg)
        return {key: tf.convert_to_tensor(values) for key, values in batch.items()}

    def boxes(self, batch: Batch, amplitude: Mapping[str, tf.Tensor]) -> dict[str, Box]:
        """Return how far every element may move around the clean batch."""
        return {name: self._box(name, batch, amplitude[name]) for name in self.columns}

    def directions(self, gradients: Batch, amplitude: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the directions in which the loss grows, those of a group's members from their common step."""
        return {
            name: gradient if (steps := self._shared[name]) is None else steps.direction(gradient, amplitude[name])
            for name, gradient in gradients.items()
        }

    def slopes(self, gradients: Batch) -> dict[str, tf.Tensor]:
        """Return by how much the loss grows per unit of eps; that of a group's members is that of their common step."""
        found = self.directions(gradients, self.units)
        for name, gradient in gradients.items():
            alone = True if (steps := self._shared[name]) is None else ~steps.members
            found[name] = tf.where(alone, gradient * self.units[name], found[name])
        return found

    def common(self, numbers: Batch) -> dict[str, tf.Tensor]:
        """Return random numbers that are symmetric around 0, the same for all members of a group."""
        return {
            name: values if (steps := self._shared[name]) is None else steps.common(values)
            for name, values in numbers.items()
        }

    def place(self, batch: Batch, displacements: Batch, boxes: Mapping[str, Box]) -> dict[str, tf.Tensor]:
        """Return the attacked tensors at clean + displacement; what must not move keeps every bit."""
        placed = {}
        for name, columns in self.columns.items():
            moved = boxes[name].place(batch[name], displacements[name], columns)
            placed[name] = self._with_positive_covariances(columns, batch[name], moved)
        return placed

    def complete(self, batch: Batch, placed: Batch) -> dict[str, tf.Tensor]:
        """Return the whole batch with the attacked tensors in it, and everything that follows them."""
        moved = {**batch, **placed}
        for name, columns in self.columns.items():
            moved[name] = recompute(columns, batch[name], moved[name], _mask(columns, batch))
        for copies in self.copies if self.protect else ():
            moved[copies.target] = copy_moves(copies, self.columns, batch, moved)
        return moved

    def _box(self, name: str, batch: Batch, amplitude: tf.Tensor) -> Box:
        columns, clean, steps = self.columns[name], batch[name], self._shared[name]
        present = exists(columns, clean, _mask(columns, batch))
        largest = capped(columns, clean, amplitude, self._cap)
        free = (amplitude != 0) & columns.movable
        if steps is None:  # Box.place sees to the range
            return Box(present & free, largest)
        return steps.narrowed(Box(steps.present(present) & free, *limited(columns, clean, largest)), amplitude)

    @property
    def _cap(self) -> float:
        return self.relative_cap if self.protect else 0.0

    def _with_positive_covariances(self, columns: InputColumns, clean: tf.Tensor, moved: tf.Tensor) -> tf.Tensor:
        if self.covariance == "ignore" or not len(columns.covariances):
            return moved
        if self.covariance == "project":
            return led_back(columns, clean, moved)
        return required_positive(columns, clean, moved)


def _mask(columns: InputColumns, batch: Batch) -> tf.Tensor | None:
    return None if columns.mask is None else batch[columns.mask]


def _unprotected(columns: InputColumns) -> InputColumns:
    """Return columns that may all move, everywhere and without limit; those that never move get the spread as unit."""
    unit = np.where(columns.perturbation > 0, columns.perturbation, 1)
    return InputColumns.of(columns.names, perturbation=unit, mean=columns.mean, std=columns.std, factor=columns.factor,
                      resolution=columns.resolution, rows=columns.rows)  # fmt: skip
