"""No attack: the inputs as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from TauAdv.attacks.options import AttackSettings

if TYPE_CHECKING:
    from TauAdv.attacks.target import Target

__all__ = ["NoAttack"]


class NoAttack(AttackSettings):
    """The batch unchanged."""

    needs_gradient: ClassVar[bool] = False

    kind: Literal["none"] = "none"

    @property
    def acts(self) -> bool:
        """Nothing is moved, whatever eps is."""
        return False

    def attacked(self, target: Target) -> Any:
        """Return the batch."""
        return target.batch
