"""The normed gradient method: one step, or a few, along the gradient itself instead of its sign.

The length of the step is given, not that of each change: most of it goes to the inputs on which the loss depends most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from TauAdv.attacks.lazy import tf
from TauAdv.attacks.options import AttackSettings
from TauAdv.config.quantities import Count

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.box import Box
    from TauAdv.attacks.target import Target, Tensors

__all__ = ["Ngm"]

# below this norm an example is moved by less than eps; that of the original is reached by confident ones
_SMALLEST_NORM, _SMALLEST_NORM_OF_MEAN = 1e-12, 1e-6


class Ngm(AttackSettings):
    """Every free input at x + eps s g / |g|, with s its unit, and g the gradient of its example in its tensor.

    (As in the training of CMS's RobustParTAK4, DeepJet's branch ``adversarial_training``.) Each tensor has its own step:
    that of jets; of taus the flat features, and the cells of each grid, all cells of a tau together.

    Attributes:
        normalise: ``all``: |g| is that of all inputs of the tensor. ``reference``: the same, of the mean loss of the batch
            and at least 1e-6, so that examples of large batches that are classified well are hardly moved. ``masked``
            (experimental): the step is eps s (M s g) / |M s g|, with M = 1 for inputs that may move and 0 for all others:
            of all steps of its length the one along which the loss grows most.
        length: ``l2``: eps is the root of the summed squares of all changes, each over its unit; ``rms``: of their mean over
            the inputs that may move, as for FGSM.
        steps: number of steps; several have 2.5 / steps of the length each (1 at most), and stay within it together.
    """

    needs_gradient: ClassVar[bool] = True

    kind: Literal["ngm"] = "ngm"
    normalise: Literal["all", "reference", "masked"] = "all"
    length: Literal["l2", "rms"] = "l2"
    steps: Count = 1

    @property
    def color(self) -> str:
        """Colour in plots."""
        return "#2e8b57"

    def attacked(self, target: Target) -> Any:
        """Return the batch after the steps."""
        path = _Path(self, target, self._amplitude(target))
        boxes = target.boxes(path.amplitude)
        displacements = {name: tf.zeros_like(tensor) for name, tensor in target.clean.items()}
        for number in range(self.steps):
            placed = target.place(displacements, boxes) if number else target.clean
            displacements = path.further(displacements, placed, boxes)
        return target.moved(displacements, boxes)

    def _amplitude(self, target: Target) -> Mapping[str, tf.Tensor]:
        """Return the length of the step times the unit of every column, by tensor."""
        if self.length == "l2":
            return target.amplitude
        found = {}
        for name, box in target.boxes().items():
            found[name] = target.amplitude[name] * _norms(target, name, tf.cast(box.free, tf.float32))
        return found


@dataclass(frozen=True)
class _Path:
    attack: Ngm
    target: Target
    amplitude: Mapping[str, tf.Tensor]

    def further(self, displacements: Tensors, placed: Tensors, boxes: Mapping[str, Box]) -> Tensors:
        """Return the displacements after one more step."""
        _, gradients = self.target.objective_and_gradients(placed)
        # not a number: no direction
        gradients = {name: tf.where(tf.math.is_finite(g), g, tf.zeros_like(g)) for name, g in gradients.items()}
        share = min(1.0, 2.5 / self.attack.steps)
        found = {}
        for name, box in boxes.items():
            step = share * self.amplitude[name] * self._direction(name, gradients[name], box)
            found[name] = self._within(name, box.clip(displacements[name] + step))
        return found

    def _direction(self, name: str, gradient: tf.Tensor, box: Box) -> tf.Tensor:
        """Return the direction of a step [rows, f], of norm 1 per example; 0 where the gradient is."""
        constraints, floor = self.target.constraints, _SMALLEST_NORM
        if self.attack.normalise == "masked":
            direction = constraints.slopes({name: gradient})[name]
            direction = tf.where(box.free, direction, tf.zeros_like(direction))
            return direction / _norms(self.target, name, direction, floor)
        if self.attack.normalise == "reference":
            gradient, floor = gradient / tf.cast(self.target.n_examples, gradient.dtype), _SMALLEST_NORM_OF_MEAN
        norms = _norms(self.target, name, gradient, floor)
        return constraints.directions({name: gradient}, constraints.units)[name] / norms

    def _within(self, name: str, displacement: tf.Tensor) -> tf.Tensor:
        """Return a displacement after several steps, scaled back to the length."""
        if self.attack.steps == 1:
            return displacement
        norms = _norms(self.target, name, tf.math.divide_no_nan(displacement, self.amplitude[name]), 1.0)
        return displacement / norms


def _norms(target: Target, name: str, values: tf.Tensor, smallest: float = 0.0) -> tf.Tensor:
    """Return the norm of each example over all its values in a tensor, by row [rows, 1]."""
    squares = tf.reduce_sum(tf.square(values), axis=1)
    return tf.maximum(tf.sqrt(target.sums(name, squares)), smallest)[:, None]
