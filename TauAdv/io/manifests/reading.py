"""Manifests as they are read back: where they lie, and what they must look like to be believed."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from TauAdv.errors import InputError
from TauAdv.io.record_reader import read_record

__all__ = ["CHECKSUMS", "FOLDER_MANIFEST", "manifest_path", "read_manifest", "read_manifest_at"]

#: Name of the manifest in a folder.
FOLDER_MANIFEST = "manifest.json"
#: Name of the list of files that are made one by one in a folder, each with its checksum.
CHECKSUMS = "checksums.json"


def manifest_path(output: Path | str) -> Path:
    """Return where the manifest of ``output`` (a file, or a folder that exists) is kept."""
    output = Path(output)
    return output / FOLDER_MANIFEST if output.is_dir() else output.with_name(f"{output.name}.manifest.json")


def read_manifest(output: Path | str) -> dict[str, Any]:
    """Return the manifest of ``output``.

    Raises:
        InputError: if there is none, not even an output, or it is damaged.
    """
    path = manifest_path(output)
    try:
        return read_manifest_at(path)
    except InputError as error:
        what = "the folder" if path.name == FOLDER_MANIFEST else f"{path.name} and its file"
        remedy = f"remove {what} and make it again"
        msg = f"{error}; {remedy}"
        raise InputError(msg) from error
    except FileNotFoundError as error:
        if not Path(output).exists():
            msg = f"{output}: no such file or folder"
            raise InputError(msg) from error
        msg = f"{output}: no manifest ({path.name}) found; it is not an output of TauAdv or was not finished"
        raise InputError(msg) from error


def read_manifest_at(path: Path) -> dict[str, Any]:
    """Return the manifest in this file.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it is damaged, or no manifest.
    """
    return _checked(path, read_record(path))


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        msg = "expected a path inside of the folder"
        raise ValueError(msg)
    return name


_Name = Annotated[str, AfterValidator(_inside)]
_Count = Annotated[int, Field(ge=0)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Input(_Shape):
    name: str
    size: _Count
    digest: str


class _File(_Shape):
    size: _Count
    checksum: str


class _Part(_Shape):
    name: _Name = "-"
    file: _Name = "-"
    first_line: _Count = 0
    lines: _Count = 0
    jets: _Count = 0
    chunks: list[_Count] = []


class _FeatureTable(_Shape):
    name: str
    digest: str = ""
    text: str = ""


class _Run(_Shape):
    id: str
    mlpath: str


def _by_name(files: Any) -> Any:
    """Names without checksums are allowed, too."""
    return dict.fromkeys(files) if isinstance(files, list) and all(isinstance(name, str) for name in files) else files


class _Manifest(_Shape):
    """What all manifests have, and the further entries that are read back; each step adds its own."""

    step: str
    settings: dict[str, Any] = {}
    inputs: list[_Input] = []
    counts: dict[str, Any] = {}
    seed: int | None = None
    versions: dict[str, str] = {}
    created: str = ""
    files: Annotated[dict[_Name, _File | None], BeforeValidator(_by_name)] = {}
    parts: list[_Part] = []
    sets: dict[str, Any] = {}
    kind: str = ""
    rows: str = ""
    feature_table: _FeatureTable | None = None
    run: _Run | None = None
    earlier: list[dict[str, Any]] = []
    found_there: list[str] = []


def _checked(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of the right shape: also one without a checksum, made by an earlier version or by hand.

    Raises:
        InputError: if a part of it is missing or of another type.
    """
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        received = "" if first["type"] == "missing" else f", received {str(first['input'])[:60]!r}"
        msg = f"{path}: damaged: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}{received}"
        raise InputError(msg) from error
    return manifest
