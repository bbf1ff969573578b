"""TensorFlow, imported when it is first used: an attack's file holds its settings too, and these are read without it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["tf"]


class _Lazy:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


tf: Any = _Lazy("tensorflow")
"""Use as ``import tensorflow as tf``, within functions."""
