"""Systematic variations: every free input up, or down, by eps times its own factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from TauAdv.attacks.options import AttackSettings

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.amplitude import Eps
    from TauAdv.attacks.constraints.constraints import Batch, Constraints
    from TauAdv.attacks.target import Target

__all__ = ["Direction", "Systematic", "systematic"]

Direction = Literal["up", "down"]


class Systematic(AttackSettings):
    """Every free input at x + eps f (up) or x - eps f (down), f the factor of its column.

    (arXiv:2203.13890.)

    Attributes:
        direction: ``up`` or ``down``.
    """

    needs_gradient: ClassVar[bool] = False

    kind: Literal["systematic"] = "systematic"
    direction: Direction = "up"

    @property
    def color(self) -> str:
        """Colour in plots."""
        return {"up": "#ffa90e", "down": "#a96b59"}[self.direction]

    def attacked(self, target: Target) -> Any:
        """Return the varied batch."""
        columns = target.constraints.columns
        amplitude = {name: value * columns[name].factor for name, value in target.amplitude.items()}
        boxes = target.boxes(amplitude)
        sign = 1.0 if self.direction == "up" else -1.0
        return target.moved({name: box.clip(sign * amplitude[name]) for name, box in boxes.items()}, boxes)


def systematic(
    batch: Batch, constraints: Constraints, eps: Eps, *, direction: Direction = "up", strength: Any = None
) -> Batch:
    """Return the varied batch; see :func:`TauAdv.attacks.target.apply_attack` for what is passed and raised."""
    from TauAdv.attacks.target import apply_attack

    attack = Systematic(direction=direction)
    return apply_attack(attack, None, batch, constraints, eps, strength=strength)
