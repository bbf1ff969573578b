"""Quantities in settings: counts, numbers that are not negative, durations (``HH:MM:SS``, or a number in their unit)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from TauAdv.errors import shortened

__all__ = ["Count", "Hours", "NotNegative", "Seconds"]

Count = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

#: Ten years, in hours: what is longer is a slip, and no batch system takes it.
_LONGEST = 87_600
_CLOCK = re.compile(r"(?:(?P<days>[0-9]{1,5})-)?(?P<hours>[0-9]{1,5}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9]))?")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,20})?(e[-+]?[0-9]{1,2})?")


def _duration(value: Any, unit: float, name: str) -> Any:
    """Return a number as it is, and HH:MM:SS in units of ``unit`` seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    found = _CLOCK.fullmatch(text)
    if found is None or (found["days"] and int(found["hours"]) > 23):
        msg = f"expected HH:MM, HH:MM:SS, d-HH:MM:SS or a number of {name}; received {shortened(value)!r}"
        raise ValueError(msg)
    days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    return (3600 * (24 * days + hours) + 60 * minutes + seconds) / unit


def _as_hours(value: Any) -> Any:
    return _duration(value, 3600.0, "hours")


def _as_seconds(value: Any) -> Any:
    return _duration(value, 1.0, "seconds")


Hours = Annotated[float, BeforeValidator(_as_hours), Field(gt=0, le=_LONGEST, allow_inf_nan=False)]
"""A duration in hours: ``12``, ``1.5``, ``12:30``, ``12:00:00``, ``1-06:00:00``."""
Seconds = Annotated[int, BeforeValidator(_as_seconds), Field(ge=1, le=3600 * _LONGEST)]
"""A duration in seconds: ``300``, ``0:05:00``."""
