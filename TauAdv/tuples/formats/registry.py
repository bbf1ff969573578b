"""All formats of tau tuples by their name: those of TauAdv, and those that other packages bring.

A format is one file with one class, see docs/own_input.md. Another package names its class among its entry points::

    [project.entry-points."TauAdv.tuples"]
    hdf5 = "my_package.hdf5:Hdf5"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path

from TauAdv.config.plugins import known_plugins, load_plugin
from TauAdv.errors import ConfigError, InputError
from TauAdv.tuples.formats.tuple_file import TupleFormat

__all__ = ["common_format", "format_of", "formats", "suffixes"]

GROUP = "TauAdv.tuples"
"""Group of entry points of packages that bring formats."""

_OWN = {
    "root": "TauAdv.tuples.formats.root:Root",
    "parquet": "TauAdv.tuples.formats.parquet:Parquet",
}
_BYTES = 64


@cache
def formats() -> Mapping[str, TupleFormat]:
    """Return all formats by name.

    Raises:
        ConfigError: two formats have the same name, or another package's format cannot be imported, or is none.
    """
    return {name: _loaded(entry) for name, entry in known_plugins(GROUP, _OWN, "input formats").items()}


def _loaded(entry: EntryPoint) -> TupleFormat:
    found = load_plugin(entry, "input format")
    what = f"input format '{entry.name}' ({entry.value})"
    if not (isinstance(found, type) and issubclass(found, TupleFormat)):
        msg = f"{what}: expected a subclass of TupleFormat; received {found!r}"
        raise ConfigError(msg)
    try:
        return found()
    except TypeError as error:  # abstract methods that it lacks
        msg = f"{what}: {error}"
        raise ConfigError(msg) from error


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of the files of all formats."""
    return tuple(dict.fromkeys(suffix for found in formats().values() for suffix in found.suffixes))


def format_of(path: Path) -> TupleFormat:
    """Return the format of a file: by its first bytes, or else (it may be damaged) by its suffix, or else ROOT."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_BYTES)
    except OSError:  # the format's own reader says what is wrong
        start = b""
    known = list(formats().values())
    by_content = [found for found in known if start and found.recognises(start)]
    by_suffix = [found for found in known if path.suffix.lower() in found.suffixes]
    both = [found for found in by_content if found in by_suffix]
    return [*both, *by_content, *by_suffix, *known][0]


def common_format(paths: Sequence[Path]) -> TupleFormat:
    """Return the format that all files have.

    Raises:
        InputError: if they have several; names a file of each.
    """
    found: dict[str, tuple[Path, TupleFormat]] = {}
    for path in paths:
        own = format_of(path)
        found.setdefault(own.name, (path, own))
    if len(found) > 1:
        shown = ", ".join(f"{path} is {name}" for name, (path, _) in found.items())
        msg = f"one input has files of {len(found)} formats: {shown}; give files of one format"
        raise InputError(msg)
    return next(iter(found.values()))[1]
