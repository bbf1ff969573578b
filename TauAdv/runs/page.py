"""MLflow's page of the runs in a folder, in the browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from TauAdv.errors import InputError
from TauAdv.runs.database import DATABASE, copy_database, has_moved, repair_locations, require_database
from TauAdv.runs.file_store import is_file_store, migration
from TauAdv.runs.records import database_address

__all__ = ["show_runs"]


def show_runs(mlruns: Path | str, port: int = 5000) -> int:
    """Open MLflow's page on this computer and wait until it is closed (Ctrl-C); return its exit status.

    After a move or a copy of the folder, the addresses of the files in it are mended first. Where that is not possible,
    because it cannot be written or somebody trains in it, the page is made from a copy of the database.

    Args:
        mlruns: folder of the runs.
        port: of the page.

    Raises:
        InputError: if there is no such port, no store, it is damaged, or one of earlier versions of MLflow.
    """
    if not 1 <= port <= 65535:
        msg = f"port of the page: expected a number from 1 to 65535, such as 5000; received {port}"
        raise InputError(msg)
    folder = Path(mlruns).resolve()
    if not (folder / DATABASE).is_file():
        older = f"; it is a file store, as TauMLTools has: {migration(folder)}" if is_file_store(folder) else ""
        msg = f"{mlruns}: expected a folder of runs with {DATABASE}, found none there{older}"
        raise InputError(msg)
    require_database(folder / DATABASE)
    with _database_of_page(folder) as address:
        print(f"Ctrl-C ends the page http://127.0.0.1:{port}/#/experiments/1?workflowType=machine_learning", flush=True)
        options = ["--backend-store-uri", address, "--host", "127.0.0.1", "--port", str(port)]
        page = subprocess.Popen([sys.executable, "-m", "mlflow", "ui", *options])
        try:
            return page.wait()
        except KeyboardInterrupt:
            page.terminate()
            page.wait()
            return 0


@contextmanager
def _database_of_page(mlruns: Path) -> Iterator[str]:
    """Yield the address of a database that leads to the files where they are."""
    repair_locations(mlruns)
    if not has_moved(mlruns):
        yield database_address(mlruns)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / DATABASE
        copy_database(mlruns / DATABASE, copy)
        repair_locations(mlruns, lock=False, database_file=copy)
        yield database_address(copy.parent)
