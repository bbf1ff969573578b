"""Folders whose unfinished work waits for the next run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from TauAdv.errors import OutputExistsError, TauAdvError, WriteError
from TauAdv.io.atomic import replace_folder, require_no_file, write_text
from TauAdv.io.full_disk import naming_output
from TauAdv.io.leftovers import remove_leftovers
from TauAdv.io.manifests.manifest import PLAN, as_json
from TauAdv.io.ownership import require_own_files
from TauAdv.io.processes.pool import WorkerKilledError

__all__ = ["resumable_folder"]


@contextmanager
def resumable_folder(
    path: Path | str, plan: Mapping[str, Any], *, own: Sequence[str], overwrite: bool = False
) -> Iterator[Path]:
    """Yield a folder beside ``path`` where a killed run's work waits for the next; rename it to ``path`` at the end.

    The folder is removed if the block raises a :class:`TauAdvError`: then the input is at fault, or the work. A full disk
    and a killed worker are interruptions, which keep it. The output must be locked.

    Args:
        path: final name.
        plan: everything that decides the content; only the work of a run with an equal plan is continued.
        own: patterns of the names that the block writes (see :func:`TauAdv.io.ownership.foreign_files`).
        overwrite: discard the work of a run with another plan.

    Raises:
        OutputExistsError: if there is unfinished work with another plan and ``overwrite`` is false, ``path`` is a file, or
            one of both folders holds files that are not ours.
    """
    path = Path(os.path.abspath(path))
    own = (PLAN, *own)
    work = path.with_name(f".{path.name}.unfinished")
    for folder in (path, work):
        require_no_file(folder)
    require_own_files(path)
    require_own_files(work, own, by_manifest=False)
    with naming_output(path, work):
        _begin(work, json.dumps(as_json(plan), sort_keys=True, indent=1), overwrite=overwrite)
        try:
            yield work
        except (WriteError, WorkerKilledError):
            raise
        except TauAdvError:
            _discard(work, own)
            raise
        require_own_files(work, own, by_manifest=False)
        (work / PLAN).unlink()
        replace_folder(work, path)


def _begin(work: Path, plan: str, *, overwrite: bool) -> None:
    before = _plan_of(work)
    if before is not None and before != plan and not overwrite:
        msg = (
            f"{work}: unfinished work of a run with other settings or inputs; repeat that run, or --overwrite to discard it"
        )
        raise OutputExistsError(msg)
    if before != plan:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_text(work / PLAN, plan)
    remove_leftovers(work)


def _plan_of(work: Path) -> str | None:
    """Return the plan of unfinished work; ``None`` if it cannot be read: then it cannot be continued."""
    try:
        return (work / PLAN).read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return None


def _discard(work: Path, own: Sequence[str]) -> None:
    """Remove the work, unless somebody put a file of his own there."""
    try:
        require_own_files(work, own, by_manifest=False)
    except OutputExistsError:
        return
    shutil.rmtree(work, ignore_errors=True)
