"""What all production steps check of their outputs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from TauAdv.errors import InputError
from TauAdv.tuples.sources import TupleSource

__all__ = ["check_distinct", "check_no_input", "check_root_names", "errors_of"]


def check_no_input(outputs: Iterable[Path | str], inputs: Iterable[Path | str]) -> None:
    """Refuse to write over what is read.

    Raises:
        InputError: if an output is one of the inputs.
    """
    read = {_identity(Path(path)) for path in inputs}
    for path in outputs:
        if _identity(Path(path)) in read:
            msg = f"{path}: is also an input; give another output name"
            raise InputError(msg)


def check_root_names(outputs: Iterable[Path | str]) -> None:
    """Refuse names of ROOT files that do not end in ``.root``: a folder that is given as input would be read without them.

    Raises:
        InputError: names the output.
    """
    for path in map(Path, outputs):
        if path.suffix.lower() != ".root":
            msg = f"{path}: a ROOT file is written; give it a name that ends in .root"
            raise InputError(msg)


def check_distinct(outputs: Mapping[str, Path]) -> None:
    """Refuse outputs that are one file under different names: the later would replace the earlier.

    Args:
        outputs: what messages call an output -> its file.

    Raises:
        InputError: names both.
    """
    seen: dict[Path, str] = {}
    for name, path in outputs.items():
        first = seen.setdefault(path.resolve(), name)
        if first != name:
            msg = f"outputs {first} and {name} are the same file; give each output a name of its own"
            raise InputError(msg)


def _identity(path: Path) -> Hashable:
    """Return what two names of one file have in common, links of both kinds included."""
    if not path.exists():
        return path.resolve()
    status = path.stat()
    return status.st_dev, status.st_ino


@contextmanager
def errors_of(reader: TupleSource) -> Iterator[None]:
    """Put the name of the input before the message of an :class:`InputError` about the values of its branches."""
    try:
        yield
    except InputError as error:
        if any(str(path) in str(error) for path in reader.files):
            raise
        more = f" and {len(reader.files) - 1} more" if len(reader.files) > 1 else ""
        msg = f"{reader.files[0]}{more}: {error}"
        raise InputError(msg) from error
