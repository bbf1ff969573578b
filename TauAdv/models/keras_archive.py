"""What a ``.keras`` file says of its model, read without Keras: a zip archive of ``config.json`` and weights."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from TauAdv.commands import command
from TauAdv.errors import InputError, first_line
from TauAdv.io.checked_files import require_undamaged

__all__ = ["SAVE_AGAIN", "archive_configuration", "has_adversarial_head"]

_CONFIGURATION, _WEIGHTS = "config.json", "model.weights.h5"
SAVE_AGAIN = "copy it again, or save the model again"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def _other_formats() -> str:
    return (
        "open it with the program and the version of TensorFlow that made it; a network of CMS (TauMLTools) is frozen there "
        f"to graphs, which {command('import-cms')} reads; any other is saved there with model.save('model.keras')"
    )


def archive_configuration(path: Path | str) -> dict[str, Any]:
    """Return the content of ``config.json`` of a model, after a check that the file is whole.

    Raises:
        InputError: if the file is missing, of another format, cut short or damaged.
    """
    path = Path(path)
    _require_format(path)
    require_undamaged(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if absent := {_CONFIGURATION, _WEIGHTS} - set(archive.namelist()):
                msg = f"{path}: not a .keras model: the archive has no {' and no '.join(sorted(absent))}"
                raise InputError(msg)
            if damaged := archive.testzip():
                msg = f"{path}: damaged: the checksum of {damaged} does not match; {SAVE_AGAIN}"
                raise InputError(msg)
            content = json.loads(archive.read(_CONFIGURATION))
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and json raise a dozen kinds
        msg = f"{path}: damaged ({first_line(error)}); {SAVE_AGAIN}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path}: damaged: {_CONFIGURATION} is no description of a model, but a {type(content).__name__}; {SAVE_AGAIN}"
        raise InputError(msg)
    return content


def has_adversarial_head(configuration: dict[str, Any]) -> bool:
    """Return whether a configuration is that of a model with an adversarial head."""
    inner = configuration.get("config")
    outputs = inner.get("output_layers") if isinstance(inner, dict) else None
    return isinstance(outputs, dict) and "adv_output" in outputs


def _require_format(path: Path) -> None:
    if (path / "saved_model.pb").is_file():
        msg = f"{path}: expected a .keras file, received a SavedModel of TensorFlow; {_other_formats()}"
        raise InputError(msg)
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "no such model file"
        msg = f"{path}: {found}; expected a .keras file such as artifacts/model/model.keras of a run"
        raise InputError(msg)
    if path.suffix == ".pb":
        msg = f"{path}: expected a .keras file, received a frozen graph; {command('import-cms')} reads those of CMS"
        raise InputError(msg)
    with path.open("rb") as file:
        start = file.read(len(_HDF5))
    if start == _HDF5:
        msg = f"{path}: expected a .keras file, received a HDF5 file (.h5 model or weights); {_other_formats()}"
        raise InputError(msg)
    if not zipfile.is_zipfile(path):
        msg = (
            f"{path}: no .keras file or one cut short: expected a zip archive, received {path.stat().st_size:,} bytes "
            f"without its table of contents; {SAVE_AGAIN}"
        )
        raise InputError(msg)
