"""Number types of a training, and what the half-precision one costs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

__all__ = ["MIXED_BFLOAT16_SCORE_SHIFT", "Precision", "precision_note"]

MIXED_BFLOAT16_SCORE_SHIFT = 0.013
"""Largest change of a class score of the public DeepTau v2p5 when evaluated in mixed_bfloat16 (see docs/training.md)."""


def _not_float16(value: Any) -> Any:
    if value in ("float16", "mixed_float16"):
        msg = (
            f"'{value}' is not offered: activations in the grids of DeepTau reach 4,460 and sums of their products pass "
            "65,504, the largest float16, and small gradients would vanish; take mixed_bfloat16, which has the range of "
            "float32"
        )
        raise ValueError(msg)
    return value


Precision = Annotated[Literal["float32", "mixed_bfloat16", "float64"], BeforeValidator(_not_float16)]
"""float32; mixed_bfloat16: products in half precision, weights, batch statistics, softmax and losses in float32; float64."""


def precision_note(precision: str) -> str | None:
    """Return what to say about the precision of a training; nothing about float32."""
    if precision == "mixed_bfloat16":
        return (
            f"mixed_bfloat16: scores move by up to ~{MIXED_BFLOAT16_SCORE_SHIFT:.2g}, measured with the public DeepTau v2p5 "
            "on random inputs; the model is saved with float32 weights and evaluated in float32"
        )
    return "float64: a reference for tests, several times slower" if precision == "float64" else None
