"""Reading of ``.keras`` files, without running any code that they may hold."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from TauAdv.errors import InputError

__all__ = ["read_keras_file"]

_CONFIGURATION, _WEIGHTS = "config.json", "model.weights.h5"


def read_keras_file(path: Path | str) -> keras.Model:
    """Return the model of a ``.keras`` file; the classes of its own layers must be registered.

    Raises:
        InputError: if the file is missing, cut short, damaged, no Keras model, or holds code of its own.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"{path}: no such model file; expected a .keras file such as artifacts/model/model.keras of a run"
        raise InputError(msg)
    _refuse_code(path, _configuration(path))
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError, zipfile.BadZipFile) as error:
        msg = f"{path}: not a .keras model that can be read safely: {error}"
        raise InputError(msg) from error


def _configuration(path: Path) -> Any:
    """Return the content of ``config.json``, after a check that the archive is whole."""
    if not zipfile.is_zipfile(path):
        msg = (
            f"{path}: no .keras file or one cut short: expected a zip archive, received {path.stat().st_size:,} bytes "
            "without its table of contents; copy it again, or save the model again"
        )
        raise InputError(msg)
    try:
        with zipfile.ZipFile(path) as archive:
            absent = {_CONFIGURATION, _WEIGHTS} - set(archive.namelist())
            if absent:
                msg = f"{path}: not a .keras model: the archive has no {' and no '.join(sorted(absent))}"
                raise InputError(msg)
            if damaged := archive.testzip():
                msg = f"{path}: damaged: the checksum of {damaged} does not match; copy it again, or save the model again"
                raise InputError(msg)
            return json.loads(archive.read(_CONFIGURATION))
    except (zipfile.BadZipFile, ValueError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path}: damaged ({error}); copy it again, or save the model again"
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
