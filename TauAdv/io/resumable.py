"""Folders whose unfinished work waits for the next run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from TauAdv.errors import OutputExistsError, TauAdvError
from TauAdv.io.atomic import replace_folder, require_no_file, write_text
from TauAdv.io.leftovers import remove_leftovers
from TauAdv.io.manifests import as_json

__all__ = ["resumable_folder"]


@contextmanager
def resumable_folder(path: Path | str, plan: Mapping[str, Any], *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a folder beside ``path`` where a killed run's work waits for the next; rename it to ``path`` at the end.

    The folder is removed if the block raises a :class:`TauAdvError`: then the input is at fault, not the interruption.

    Args:
        path: final name.
        plan: everything that decides the content; only the work of a run with an equal plan is continued.
        overwrite: discard the work of a run with another plan.

    Raises:
        OutputExistsError: if there is unfinished work with another plan and ``overwrite`` is false, or ``path`` is a file.
    """
    path = Path(path)
    require_no_file(path)
    work = path.with_name(f".{path.name}.unfinished")
    record, text = work / "plan.json", json.dumps(as_json(plan), sort_keys=True, indent=1)
    if record.exists() and record.read_text(encoding="utf-8") != text and not overwrite:
        msg = (
            f"{work}: unfinished work of a run with other settings or inputs; repeat that run, or --overwrite to discard it"
        )
        raise OutputExistsError(msg)
    if not record.exists() or record.read_text(encoding="utf-8") != text:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_text(record, text)
    remove_leftovers(work)
    try:
        yield work
    except TauAdvError:
        shutil.rmtree(work, ignore_errors=True)
        raise
    record.unlink()
    replace_folder(work, path)
