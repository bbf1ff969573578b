"""The manifest that says how an output was made.

Beside every output file lies ``<name>.manifest.json`` (inside it, ``manifest.json``, for a folder).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.atomic import require_no_file, require_no_folder
from TauAdv.io.checksums import describe_file
from TauAdv.io.manifests.reading import FOLDER_MANIFEST, manifest_path, read_manifest
from TauAdv.io.ownership import files_in, require_own_file, require_own_files, require_own_manifest, suggestion
from TauAdv.io.records import CHECKSUM, write_record
from TauAdv.io.verified_files import VerifiedFile
from TauAdv.version import __version__

__all__ = [
    "PLAN",
    "describe_input",
    "finished",
    "manifest_path",
    "read_manifest",
    "require_checksums",
    "write_manifest",
]

_VERSIONED = (
    "numpy",
    "awkward",
    "uproot",
    "pyarrow",
    "keras",
    "tensorflow-cpu",
    "tensorflow",
    "mlflow",
    "pythia8mc",
    "fastjet",
)
_SAMPLED_BYTES = 1 << 20
#: File that says what the work in an unfinished folder is for; no part of the output.
PLAN = "plan.json"


def describe_input(path: Path | str) -> dict[str, Any]:
    """Return name, size and a digest (size, first and last MiB) that identify an input file or a folder with a manifest.

    Raises:
        InputError: if the path does not exist.
    """
    path = Path(path)
    if not path.exists():
        msg = f"{path}: no such file or folder"
        raise InputError(msg)
    target = manifest_path(path) if path.is_dir() else path
    if not target.exists():
        msg = f"{path}: folder without manifest.json; it is not an output of TauAdv or was not finished"
        raise InputError(msg)
    size = target.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with target.open("rb") as stream:
        digest.update(stream.read(_SAMPLED_BYTES))
        if size > _SAMPLED_BYTES:
            stream.seek(max(_SAMPLED_BYTES, size - _SAMPLED_BYTES))
            digest.update(stream.read())
    return {"name": path.name, "size": size, "digest": digest.hexdigest()[:32]}


def _described_inputs(inputs: Iterable[Path | str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(path) if isinstance(path, Mapping) else describe_input(path) for path in inputs]


def versions() -> dict[str, str]:
    """Return the versions of Python, TauAdv and the libraries that can change an output."""
    found = {"python": platform.python_version(), "TauAdv": __version__}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    """Turn numpy scalars, arrays, paths and sets into what JSON can hold."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    msg = f"cannot write a {type(value).__name__} into a manifest"
    raise TypeError(msg)


def as_json(value: Any) -> Any:
    """Return ``value`` as it reads back from JSON (for comparisons with a stored manifest)."""
    return json.loads(json.dumps(value, default=_plain))


def write_manifest(
    output: Path | str,
    *,
    step: str,
    settings: Mapping[str, Any],
    inputs: Iterable[Path | str | Mapping[str, Any]] = (),
    counts: Mapping[str, Any] | None = None,
    seed: int | None = None,
    content: Path | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Write the manifest of ``output`` (atomically, with a checksum of its own) and return it.

    Args:
        output: the file or folder that it describes.
        step: name of the step, for example ``"skim"``.
        settings: everything that decides the content of the output.
        inputs: files and folders read; or descriptions of them (:func:`describe_input`) as they were when they were opened.
        counts: what went in and came out.
        seed: seed of the random numbers, where there are any.
        content: of a single file, the one that becomes ``output`` after this: its size and checksum are listed. A process
            that is killed in between leaves the earlier file, which then is not what the manifest says.
        more: further entries (JSON values, numpy arrays allowed). ``found_there``: what somebody else's file held
            before the step added to it. Of a checked output, ``files`` is what it consists of: name in its folder -> size
            and checksum (:func:`TauAdv.io.checksums.describe_file`). Of a folder, these are all files that are in it, if
            nothing else is given: no others are ever removed from it.

    Raises:
        OutputExistsError: if ``output`` is a file that is not ours, and that is not added to: it came there meanwhile.
    """
    if content is not None:
        if not more.get("found_there"):
            require_own_file(output)
        require_own_manifest(output)
        if (before := Path(output)).is_file():  # a process that is killed before the renaming leaves this one
            more["replaced"] = [describe_file(before)]
        more["files"] = {Path(output).name: describe_file(content)}
    elif Path(output).is_dir() and "files" not in more:
        more["files"] = _described(Path(output))
    manifest = {
        "step": step,
        "settings": settings,
        "inputs": _described_inputs(inputs),
        "counts": counts or {},
        "seed": seed,
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }
    return write_record(manifest_path(output), manifest, default=_plain)


def _described(folder: Path) -> dict[str, Any]:
    names = [name for name in files_in(folder) if name not in (FOLDER_MANIFEST, PLAN)]
    return {name: describe_file(folder / name) for name in names}


def require_checksums(output: Path | str, manifest: Mapping[str, Any], remedy: str) -> None:
    """Check that a manifest says what the files of an output must be.

    Raises:
        InputError: if it does not, as those that earlier versions made.
    """
    if CHECKSUM not in manifest or not manifest.get("files"):
        msg = f"{manifest_path(output)}: has no checksums: it was made by an earlier version of TauAdv; {remedy}"
        raise InputError(msg)


def finished(
    output: Path | str,
    *,
    step: str,
    settings: Mapping[str, Any],
    inputs: Iterable[Path | str | Mapping[str, Any]] = (),
    overwrite: bool = False,
    make_again: bool = False,
    checked: bool = False,
    folder: bool = False,
) -> dict[str, Any] | None:
    """Return the manifest of an output made before by the same step, settings and inputs; ``None`` if it is to be made.

    Says so on the console when there is nothing to do, or (``make_again``) that it is made anew. An output that is kept has
    the files that its manifest lists: their checksums are compared.

    Args:
        output: file or folder.
        step: see :func:`write_manifest`, as ``settings`` and ``inputs``.
        settings: the same.
        inputs: the same.
        overwrite: make it again in any case.
        make_again: the caller makes it again even if nothing differs.
        checked: the step lists its files with checksums; earlier versions did not.
        folder: the output is a folder.

    Raises:
        OutputExistsError: if the output exists but differs in any of these, or is damaged, and ``overwrite`` is false; if it
            is a file that is not ours, a folder that this step did not make, or one to be replaced with files that are not
            ours in it.
    """
    output, require_kind = Path(output), require_no_file if folder else require_no_folder
    if not output.exists():
        if not folder:  # whose manifest is inside of it
            require_own_manifest(output)
        return None
    if not (output.is_dir() if folder else output.is_file()):
        require_kind(output)
    if output.is_dir():
        _require_own_folder(output, step)
    require_own_file(output)
    if overwrite or make_again:
        require_own_files(output)
    if overwrite:
        require_kind(output)
        return None
    wanted = as_json({"step": step, "settings": settings, "inputs": _described_inputs(inputs)})
    manifest = read_manifest(output) if manifest_path(output).exists() else {}
    differing = [key for key, value in wanted.items() if manifest.get(key) != value]
    if not differing:
        if not make_again:
            _require_undamaged(output, manifest, checked)
        print(f"{output}: made before with the same settings and inputs, {'made again' if make_again else 'kept'}")
        return manifest
    reason = f"was made with other {' and '.join(differing)}" if manifest else "has no manifest"
    if manifest and "settings" in differing:
        reason += _changes(manifest.get("settings", {}), wanted["settings"])
    require_kind(output)  # what --overwrite would not replace
    what_to_do = suggestion(output, "--overwrite replaces it", "give another output name, or --overwrite to replace it")
    msg = f"{output}: exists and {reason}; {what_to_do}"
    raise OutputExistsError(msg)


def _require_undamaged(output: Path, manifest: Mapping[str, Any], checked: bool) -> None:
    """Check that an output that is to be kept is what its manifest says."""
    files = manifest.get("files")
    if checked and not files:
        msg = f"{output}: was made by an earlier version of TauAdv, without checksums; --overwrite makes it again"
        raise OutputExistsError(msg)
    folder = output if output.is_dir() else output.parent
    for name, expected in files.items() if isinstance(files, dict) else ():
        try:
            VerifiedFile(folder / name, expected, remedy="--overwrite makes it again", known=files).content()
        except InputError as error:
            raise OutputExistsError(str(error)) from error


def _require_own_folder(folder: Path, step: str) -> None:
    made_by = None
    if manifest_path(folder).exists():
        try:
            made_by = read_manifest(folder).get("step")
        except InputError as error:
            msg = f"{error}; a folder of which it is not known who made it is never replaced"
            raise OutputExistsError(msg) from error
    if made_by != step and any(folder.iterdir()):
        why = "it has no manifest" if made_by is None else f"made by {made_by}"
        msg = (
            f"{folder}: is a folder that this step ({step}) did not make ({why}), and is never replaced; "
            f"{suggestion(folder, 'move it away', 'give another output name')}"
        )
        raise OutputExistsError(msg)


_LONGEST = 60  # letters of a value in a message


def _changes(before: Any, after: Mapping[str, Any]) -> str:
    """Name the settings that differ, with the value before and the one asked for."""
    if not isinstance(before, Mapping):
        return ""
    found = list(_differences(before, after))
    shown = [f"{key}: {_short(old)} before, {_short(new)} now" for key, old, new in found[:3]]
    return f" ({'; '.join(shown)}{'; ...' if len(found) > 3 else ''})"


def _differences(before: Any, after: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield dotted name, old and new value of what differs, in groups and in long lists of the same length."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            yield from _differences(before.get(key), after.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after) and _is_long(before, after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, f"{name}.{number}")
    elif before != after:
        yield name, before, after


def _is_long(*values: Any) -> bool:
    return any(len(json.dumps(value)) > _LONGEST for value in values)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
