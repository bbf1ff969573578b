"""Gaussian noise on the inputs: a change that nobody chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from TauAdv.attacks.options import AttackSettings

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.amplitude import Eps
    from TauAdv.attacks.constraints.constraints import Batch, Constraints
    from TauAdv.attacks.randomness import Seed
    from TauAdv.attacks.target import Target

__all__ = ["Noise", "gaussian_noise"]

#: In standard deviations.
_NEVER_REACHED = 1e3


class Noise(AttackSettings):
    """Every free input at x + N(0, eps), within range and cap."""

    needs_gradient: ClassVar[bool] = False

    kind: Literal["noise"] = "noise"

    @property
    def color(self) -> str:
        """Colour in plots."""
        return "#3f90da"

    def attacked(self, target: Target) -> Any:
        """Return the batch with noise."""
        from TauAdv.attacks.randomness import normal

        numbers = target.constraints.common(normal(target.clean, target.seed))
        # noise has no largest step: it is limited by ranges and cap only
        boxes = target.boxes({name: _NEVER_REACHED * value for name, value in target.amplitude.items()})
        steps = {name: box.clip(target.amplitude[name] * numbers[name]) for name, box in boxes.items()}
        return target.moved(steps, boxes)


def gaussian_noise(batch: Batch, constraints: Constraints, sigma: Eps, *, seed: Seed, strength: Any = None) -> Batch:
    """Return the batch with noise; see :func:`TauAdv.attacks.target.apply_attack` for what is passed and raised."""
    from TauAdv.attacks.target import apply_attack

    return apply_attack(Noise(), None, batch, constraints, sigma, seed=seed, strength=strength)
