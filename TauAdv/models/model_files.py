"""Reading of ``.keras`` files, without running any code that they may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from TauAdv.errors import InputError, first_line
from TauAdv.models.keras_archive import SAVE_AGAIN, archive_configuration

__all__ = ["read_keras_file"]


def read_keras_file(path: Path | str) -> keras.Model:
    """Return the model of a ``.keras`` file; the classes of its own layers must be registered.

    Raises:
        InputError: if the file is missing, cut short, damaged, no Keras model, or holds code of its own.
    """
    path = Path(path)
    try:
        _refuse_code(path, archive_configuration(path))
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except InputError:
        raise
    except Exception as error:  # a description that was changed makes Keras fail anywhere
        msg = f"{path}: not a .keras model that can be read safely: {first_line(error)}; {SAVE_AGAIN}"
        raise InputError(msg) from error


def _refuse_code(path: Path, configuration: Any) -> None:
    found = list(dict.fromkeys(_foreign(configuration)))
    if found:
        msg = (
            f"{path}: holds code of its own, which is never run: {', '.join(found)}; rebuild the model from layers of Keras "
            "and TauAdv"
        )
        raise InputError(msg)


def _foreign(node: Any, layer: str = "") -> Iterator[str]:
    """Yield the layers of a configuration that neither Keras nor TauAdv knows, and all Python functions in it."""
    if isinstance(node, list):
        for entry in node:
            yield from _foreign(entry, layer)
    elif isinstance(node, dict):
        kind, inner = node.get("class_name"), node.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            layer = inner["name"]
        if kind in {"Lambda", "__lambda__", "function"}:
            yield f"layer '{layer}' (a Python function)"
            return
        if kind is not None and not _known(node):
            yield f"layer '{layer}' (class {kind})"
        for value in node.values():
            yield from _foreign(value, layer)


def _known(node: dict[str, Any]) -> bool:
    module = str(node.get("module") or "builtins")
    if module.split(".")[0] == "keras" or (module == "builtins" and not node.get("registered_name")):
        return True
    return keras.saving.get_registered_object(str(node.get("registered_name"))) is not None
