"""The configuration of an attack, in a module that needs no TensorFlow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from TauAdv.config import Settings

__all__ = ["AttackSettings", "CovarianceRule", "Direction", "Unit"]

Unit = Literal["spread", "resolution"]
CovarianceRule = Literal["ignore", "check", "project"]
Direction = Literal["up", "down"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class AttackSettings(Settings):
    """Which attack, how strong, and within which limits.

    Attributes:
        kind: ``none``, ``fgsm``, ``pgd``, ``noise`` (Gaussian, of standard deviation eps) or ``systematic``.
        eps: strength, in ``unit``: a number for all columns, or names and patterns -> number; the last that fits a column
            counts, and columns that none fits stay.
        unit: ``spread`` of a feature, or ``resolution`` of its measurement.
        steps: gradient steps of ``pgd``.
        step_size: of a step of ``pgd``, as a share of eps; ``null``: 2.5 / steps.
        restarts: starts of ``pgd``; the worst of each example counts.
        random_start: start ``pgd`` anywhere within eps, instead of at the clean inputs.
        direction: of ``systematic``: ``up`` or ``down``.
        training: whether dropout acts while the attack is made (in code: whoever makes the objective passes it on).
        protect: ``false``: integers, defaults, ranges and all else move, too.
        ranges: whether values stay within the ranges that the feature table allows (the original jet code knows none).
        relative_cap: largest |change| / |value| in physical units; 0: no cap.
        recompute: whether significances follow their values.
        groups: title -> names or patterns of columns that make one common step (``-`` in front: the other way round).
        frozen: names or patterns of columns that do not move.
        covariance: ``ignore``, ``check`` or ``project`` matrices that become non-positive.
    """

    kind: Literal["none", "fgsm", "pgd", "noise", "systematic"] = "fgsm"
    eps: NotNegative | dict[str, NotNegative] = 0.01
    unit: Unit = "spread"
    steps: Count = 10
    step_size: Annotated[float, Field(gt=0)] | None = None
    restarts: Count = 1
    random_start: bool = True
    direction: Direction = "up"
    training: bool = False
    protect: bool = True
    ranges: bool = True
    relative_cap: NotNegative = 0.0
    recompute: bool = False
    groups: dict[str, tuple[str, ...]] = {}
    frozen: tuple[str, ...] = ()
    covariance: CovarianceRule = "ignore"

    @model_validator(mode="after")
    def _starts_differ(self) -> AttackSettings:
        if self.kind == "pgd" and self.restarts > 1 and not self.random_start:
            msg = f"restarts={self.restarts} without random_start are all the same"
            raise ValueError(msg)
        return self
