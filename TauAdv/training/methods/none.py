"""No method: the class loss alone, of clean or of attacked inputs."""

from __future__ import annotations

from typing import Literal

from TauAdv.training.methods.acting import Acting, Surroundings
from TauAdv.training.methods.method import Method

__all__ = ["NoMethod"]


class NoMethod(Method):
    """The class loss alone; with an attack, that of the attacked inputs (arXiv:2203.13890)."""

    former_names = ("nominal", "adversarial")

    kind: Literal["none"] = "none"

    def begin(self, training: Surroundings) -> Acting:
        """Return what adds nothing."""
        return Acting()
