"""Commands load Keras without its wrappers of scikit-learn and its galleries of pictures, which nothing here uses.

Keras imports scikit-learn and matplotlib for these alone, if they are installed: a third of the time that TensorFlow and
Keras take to load. Without them it leaves the wrappers and the galleries out, as it does where they are not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import FrameType, ModuleType

__all__ = ["keras_without_extras"]

_EXTRAS = {"matplotlib", "sklearn"}


class _Refusal(MetaPathFinder):
    """Finds nothing, and refuses the extras where a module of Keras imports them."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in _EXTRAS and _importing_module().startswith("keras."):
            msg = f"Keras is loaded without {fullname}"
            raise ModuleNotFoundError(msg, name=fullname)


def _importing_module() -> str:
    """Return the name of the module whose import statement is at work."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""


@contextmanager
def keras_without_extras() -> Iterator[None]:
    """Let Keras, if it is first imported within the context, leave out what needs scikit-learn or matplotlib."""
    refusal = _Refusal()
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)
