"""A report as a folder that is replaced as a whole: text, tables and plots of one study, and of no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from TauAdv.errors import TauAdvError
from TauAdv.io.atomic import new_folder
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import finished, manifest_path, write_manifest
from TauAdv.io.ownership import require_own_files

__all__ = ["Drawing", "make_report_folder"]


class _Study(Protocol):
    @property
    def counts(self) -> Mapping[str, Any]:
        """What was studied."""


_Studied = TypeVar("_Studied", bound=_Study)
#: Puts plots of a study into a folder.
Drawing = Callable[[Any, Path], Any]


def make_report_folder(
    folder: Path | str,
    study: Callable[[], _Studied],
    write: Callable[[_Studied, Path], str],
    draw: Drawing | None,
    *,
    step: str,
    settings: Mapping[str, Any],
    inputs: Sequence[Path],
    overwrite: bool,
) -> _Studied:
    """Study, write the report into a folder and print its text; return the study.

    A report of the same settings and inputs is made again; another one is replaced only with ``overwrite``. It is replaced
    as a whole, plots included, or left as it was; a folder that holds anything else is never replaced. Only where a plot
    fails does the new report come without it: the tables took longer to make.

    Args:
        folder: of the report; of a link, the folder that it points to.
        study: what takes hours; it begins once the folder is known to be usable.
        write: puts text and tables into the folder that it is given; returns the text.
        draw: puts plots there.
        step: of the manifest, as ``settings`` and ``inputs``.
        settings: the same.
        inputs: the same.
        overwrite: replace another report.

    Raises:
        OutputExistsError: another report is in ``folder`` and ``overwrite`` is false; ``folder`` is a file, or holds files
            that are not of a report, at the start or at the end.
        OutputLockedError: another process writes it.
        WriteError: ``folder`` cannot be made; before anything is studied.
        TauAdvError: the report is there, but could not be drawn for want of space and the like.
        RuntimeError: the report is there, but a plot failed otherwise.
    """
    target = Path(folder).resolve()
    made: dict[str, Any] = {"step": step, "settings": settings, "inputs": inputs}
    with output_lock(target):
        if target.is_dir() and any(target.iterdir()):
            if manifest_path(target).exists():
                require_own_files(target, of="the report")
            finished(target, overwrite=overwrite, make_again=True, folder=True, **made)
        with new_folder(target) as temporary:
            result = study()
            print(write(result, temporary))
            failure = None if draw is None else _failure_of(draw, result, temporary)
            write_manifest(temporary, counts=result.counts, **made)
            require_own_files(target, of="the report")  # what was put there meanwhile
    if failure is not None:
        kind = TauAdvError if isinstance(failure, TauAdvError | OSError) else RuntimeError
        msg = f"{target}: tables are complete, but not all plots could be made ({type(failure).__name__}: {failure})"
        raise kind(msg) from failure
    return result


def _failure_of(draw: Drawing, study: Any, folder: Path) -> Exception | None:
    """Draw, and return what went wrong."""
    try:
        draw(study, folder)
    except Exception as error:  # whatever it is: it must not cost the tables
        return error
    return None
