"""Projected gradient descent: many small steps within the limits, from several starts; the worst of each example counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from TauAdv.attacks.lazy import tf
from TauAdv.attacks.options import AttackSettings
from TauAdv.config.quantities import Count
from TauAdv.errors import InputError

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.amplitude import Eps
    from TauAdv.attacks.constraints.box import Box
    from TauAdv.attacks.constraints.constraints import Batch, Constraints
    from TauAdv.attacks.objectives import Objective
    from TauAdv.attacks.randomness import Seed
    from TauAdv.attacks.target import Target, Tensors

__all__ = ["Pgd", "pgd"]


class Pgd(AttackSettings):
    """Every free input where, of all points visited, the objective of its example is largest.

    (A. Madry et al., arXiv:1706.06083.) All points lie within eps and the other limits around the clean inputs.

    Attributes:
        steps: gradient steps of each start.
        step_size: of a step, as a share of eps; ``null``: 2.5 / steps.
        restarts: number of starts; the worst of each example counts.
        random_start: start anywhere within the limits, instead of at the clean inputs.
    """

    needs_gradient: ClassVar[bool] = True

    kind: Literal["pgd"] = "pgd"
    steps: Count = 10
    step_size: Annotated[float, Field(gt=0)] | None = None
    restarts: Count = 1
    random_start: bool = True

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        yield from super().contradictions()
        if self.restarts > 1 and not self.random_start:
            yield ("restarts", "random_start"), f"restarts={self.restarts} without random_start are all the same"

    @property
    def color(self) -> str:
        """Colour in plots."""
        return "#832db6"

    @property
    def starts_at_clean_inputs(self) -> bool:
        """Whether there is no random start."""
        return not self.random_start

    def attacked(self, target: Target) -> Any:
        """Return the batch at the worst points."""
        walk = _Walk(target, target.boxes())
        share = 2.5 / self.steps if self.step_size is None else self.step_size

        def one_start(number: tf.Tensor, best: tuple[tf.Tensor, Tensors]) -> tuple[tf.Tensor, Tensors]:
            placed = walk.start(number) if self.random_start else target.clean
            placed, best = _repeat(self.steps, lambda _, state: walk.step(state[0], state[1], share), (placed, best))
            return walk.better(target.objective(target.complete(placed)), placed, best)

        nothing = (tf.fill([target.n_examples], tf.float32.min), target.clean)
        _, worst = _repeat(self.restarts, one_start, nothing)
        return target.complete(worst)


def pgd(
    objective: Objective,
    batch: Batch,
    constraints: Constraints,
    eps: Eps,
    *,
    steps: int = 10,
    step_size: float | None = None,
    restarts: int = 1,
    random_start: bool = True,
    seed: Seed = 0,
    strength: Any = None,
) -> Batch:
    """Return the batch after the attack; see :class:`Pgd`, and :func:`TauAdv.attacks.target.apply_attack`.

    Raises:
        InputError: as there; no steps or starts, or several starts that are all the same.
    """
    from TauAdv.attacks.target import apply_attack

    _check(steps, step_size, restarts, random_start)
    attack = Pgd(steps=steps, step_size=step_size, restarts=restarts, random_start=random_start)
    return apply_attack(attack, objective, batch, constraints, eps, seed=seed, strength=strength)


@dataclass(frozen=True)
class _Walk:
    target: Target
    boxes: Mapping[str, Box]

    def start(self, number: tf.Tensor) -> Tensors:
        from TauAdv.attacks.randomness import uniform

        positions = self.target.constraints.common(uniform(self.target.clean, self.target.seed, number))
        steps = {name: box.inside(positions[name]) for name, box in self.boxes.items()}
        return self.target.place(steps, self.boxes)

    def step(self, placed: Tensors, best: tuple[tf.Tensor, Tensors], share: float) -> tuple[Tensors, Any]:
        """Return the tensors after one more step, and the worst points so far, those before the step among them."""
        value, gradients = self.target.objective_and_gradients(placed)
        best = self.better(value, placed, best)
        directions = self.target.directions(gradients)
        moved = {}
        for name, box in self.boxes.items():
            step = share * self.target.amplitude[name] * tf.sign(directions[name])
            moved[name] = box.clip(placed[name] - self.target.batch[name] + step)
        return self.target.place(moved, self.boxes), best

    def better(self, value: tf.Tensor, placed: Tensors, best: tuple[tf.Tensor, Tensors]) -> tuple[tf.Tensor, Tensors]:
        """Return the larger objectives and the tensors that give them, example by example."""
        highest, worst = best
        value = tf.cast(value, highest.dtype)
        larger = value > highest
        chosen = {
            name: tf.where(self.target.per_row(name, larger)[:, None], tensor, worst[name])
            for name, tensor in placed.items()
        }
        return tf.where(larger, value, highest), chosen


def _repeat(times: int, body: Callable[[tf.Tensor, Any], Any], state: Any) -> Any:
    """Return the state after ``times`` turns of ``body(number, state)``, in a loop that is compiled once."""
    _, final = tf.while_loop(
        lambda number, _: number < times,
        lambda number, present: (number + 1, body(number, present)),
        (tf.constant(0), state),
    )
    return final


def _check(steps: int, step_size: float | None, restarts: int, random_start: bool) -> None:
    if steps < 1 or restarts < 1 or (step_size is not None and step_size <= 0):
        msg = f"expected steps >= 1, restarts >= 1, step_size > 0; received {steps}, {restarts}, {step_size}"
        raise InputError(msg)
    if restarts > 1 and not random_start:
        msg = f"{restarts} restarts without random_start are all the same; set random_start: true or restarts: 1"
        raise InputError(msg)
