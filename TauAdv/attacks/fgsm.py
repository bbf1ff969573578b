"""The fast gradient sign method: one step as large as allowed, along the sign of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from TauAdv.attacks.options import AttackSettings

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.amplitude import Eps
    from TauAdv.attacks.constraints.constraints import Batch, Constraints
    from TauAdv.attacks.objectives import Objective
    from TauAdv.attacks.target import Target

__all__ = ["Fgsm", "fgsm"]


class Fgsm(AttackSettings):
    """Every free input at x + eps sign(dL/dx) (I. Goodfellow et al., arXiv:1412.6572)."""

    needs_gradient: ClassVar[bool] = True

    kind: Literal["fgsm"] = "fgsm"

    @property
    def color(self) -> str:
        """Colour in plots."""
        return "#bd1f01"

    def attacked(self, target: Target) -> Any:
        """Return the batch after one step."""
        _, gradients = target.objective_and_gradients()
        boxes, directions = target.boxes(), target.directions(gradients)
        return target.moved({name: box.corner(directions[name]) for name, box in boxes.items()}, boxes)


def fgsm(objective: Objective, batch: Batch, constraints: Constraints, eps: Eps, *, strength: Any = None) -> Batch:
    """Return the batch after the attack; see :func:`TauAdv.attacks.target.apply_attack` for what is passed and raised."""
    from TauAdv.attacks.target import apply_attack

    return apply_attack(Fgsm(), objective, batch, constraints, eps, strength=strength)
