"""Kinds of numbers that settings of trainings take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Factor", "Rate"]

#: times a loss or a gradient it still fits into single precision
_LARGEST = 1e30
Rate = Annotated[float, Field(gt=0, le=_LARGEST, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=_LARGEST, allow_inf_nan=False)]
