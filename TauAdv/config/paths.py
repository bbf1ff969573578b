"""Names of files and folders as users write them: ``~`` at the beginning is their home, all else is taken as it is.

The shell replaces ``~`` and ``$HOME`` in ``--input ~/x``, but not in ``--input=~/x``, in quotes, or in files of settings.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from TauAdv.errors import InputError

__all__ = ["FileName", "expanded", "hint_of_names", "is_yaml", "require_replaced"]

_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*|\{\w+\})")
_HOME = re.compile(r"~[\w.-]*(?=/)")


def expanded(name: Path | str) -> str:
    """Return a name with ``~`` or ``~user`` at its beginning replaced by that home, if there is one."""
    return os.path.expanduser(name)


FileName = Annotated[str, AfterValidator(expanded)]
"""Type of a setting that names a file."""


def is_yaml(name: Path | str) -> bool:
    """Return whether a name is that of a YAML file, by its ending; otherwise it may be one that comes with TauAdv."""
    return Path(name).suffix in {".yaml", ".yml"}


def require_replaced(path: Path | str) -> None:
    """Refuse to make files and folders whose names hold a variable of the shell, or are ``~``.

    Raises:
        InputError: names the part; not of files and folders that are there.
    """
    for part in (Path(path), *Path(path).parents):
        found = _VARIABLE.search(part.name)
        if (found or part.name == "~") and not part.exists():
            name = found[0] if found else "~"
            msg = f"{path}: {name} is not replaced here, and nothing of that name is made; write the whole path"
            raise InputError(msg)


def hint_of_names(message: str) -> str:
    """Return what to do about names in a message that hold a variable of the shell or ``~``, if nothing is there.

    Empty if there are none, or if the message says it itself.
    """
    if "is not replaced here" in message or "is the variable" in message:
        return ""
    for word in re.split(r"[\s'\"=]+", message):
        name = word.strip(":;,()")
        found = _VARIABLE.search(name) if "/" in name else None
        found = found or _HOME.match(name)
        if found and not os.path.exists(name):
            why = "there is no such home" if found[0][0] == "~" else "is not replaced in quotes, behind '=' and in files"
            return f" ({found[0]}: {why}; write the whole path)"
    return ""
