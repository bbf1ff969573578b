"""What all production steps check of their outputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from TauAdv.errors import InputError

__all__ = ["check_no_input"]


def check_no_input(outputs: Iterable[Path | str], inputs: Iterable[Path | str]) -> None:
    """Refuse to write over what is read.

    Raises:
        InputError: if an output is one of the inputs.
    """
    read = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if Path(path).resolve() in read:
            msg = f"{path}: is also an input; give another output name"
            raise InputError(msg)
