"""What MLflow keeps of runs in a store of its own, the database ``mlflow.db``: the only module that opens it."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from TauAdv.errors import InputError
from TauAdv.runs.database import DATABASE
from TauAdv.runs.errors import StoreBusyError, StoreError, explained

__all__ = ["Experiment", "MlflowStore", "RunInfo", "database_address"]

_LARGEST_BATCH = 1000  # metrics in one call
_PARAMETERS_AT_ONCE = 100
_MINUTES_OF_PATIENCE = 10  # with a database that another process locks, while a training waits to log

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class RunInfo:
    """A run as a store lists it.

    Attributes:
        id: identifier.
        name: readable name.
        experiment_id: identifier of its experiment.
        deleted: whether it was deleted; it can be restored.
    """

    id: str
    name: str
    experiment_id: str
    deleted: bool = False


@dataclass(frozen=True)
class Experiment:
    """An experiment: identifier, name, and whether it was deleted."""

    id: str
    name: str
    deleted: bool


def database_address(mlruns: Path) -> str:
    """Return the address of the database in a folder, as MLflow takes it.

    Raises:
        InputError: if the path has characters that mean something else in an address.
    """
    from sqlalchemy import make_url

    path = mlruns / DATABASE
    address = f"sqlite:///{path}"
    if make_url(address).database != str(path):
        msg = (
            f"{mlruns}: MLflow cannot keep runs under a path with '?', or with '%' before two hexadecimal digits (as in "
            "'%20'): in the address of its database they stand for something else; give another folder as mlruns"
        )
        raise InputError(msg)
    return address


class MlflowStore:
    """The store in a folder ``mlruns``; its database must be there, or is made by :meth:`make`.

    Args:
        mlruns: the folder.
        database: its database.
    """

    def __init__(self, mlruns: Path, database: Path | None = None) -> None:
        self.mlruns, self.database = mlruns, database or mlruns / DATABASE
        address = database_address(mlruns).removesuffix(DATABASE) + self.database.name
        self._store = self._answer(lambda: _store_class()(address, mlruns.as_uri()))

    @classmethod
    def make(cls, mlruns: Path, database: Path) -> None:
        """Make a database with nothing in it, which is to be moved to its place in ``mlruns``."""
        cls(mlruns, database)

    def experiments(self) -> list[Experiment]:
        """Return all experiments, deleted ones too."""
        from mlflow.entities import ViewType

        found = _pages(lambda page: self._call("search_experiments", ViewType.ALL, 1000, page_token=page))
        return [_experiment(entry) for entry in found]

    def experiment_named(self, name: str) -> Experiment | None:
        """Return the experiment of a name; ``None`` if there is none."""
        found = self._call("get_experiment_by_name", name)
        return None if found is None else _experiment(found)

    def make_experiment(self, name: str) -> str:
        """Make an experiment and return its identifier."""
        return str(self._call("create_experiment", name))

    def make_run(self, experiment_id: str, name: str | None) -> RunInfo:
        """Make a run; without a name, MLflow invents one."""
        return _info(self._call("create_run", experiment_id, "", int(time.time() * 1000), [], name).info)

    def run(self, run_id: str) -> RunInfo | None:
        """Return a run, deleted or not; ``None`` if there is none of that identifier."""
        from mlflow.exceptions import MlflowException

        try:
            return _info(self._call("get_run", run_id).info)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def runs(self, experiment_id: str | None = None) -> list[RunInfo]:
        """Return the runs of an experiment, or of all, newest first, deleted ones too."""
        from mlflow.entities import ViewType

        wanted = [entry.id for entry in self.experiments() if experiment_id in {None, entry.id}]
        if not wanted:
            return []
        found = _pages(lambda page: self._call("search_runs", wanted, "", ViewType.ALL, 1000, None, page))
        return [_info(run.info) for run in found]

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        return str(self._call("get_run", run_id).info.status)

    def params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run."""
        return dict(self._call("get_run", run_id).data.params)

    def metrics(self, run_id: str) -> dict[str, float]:
        """Return the latest value of every metric of a run."""
        return dict(self._call("get_run", run_id).data.metrics)

    def tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run."""
        return dict(self._call("get_run", run_id).data.tags)

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric, in order of steps."""
        found = self._call("get_metric_history", run_id, metric)
        return sorted((entry.step, entry.value) for entry in found)

    def add_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Add parameters."""
        from mlflow.entities import Param

        entries = [Param(key, value) for key, value in params.items()]
        for start in range(0, len(entries), _PARAMETERS_AT_ONCE):
            self._log(run_id, params=entries[start : start + _PARAMETERS_AT_ONCE])

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self._log(run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def add_metrics(self, run_id: str, metrics: Sequence[tuple[str, float, int, int]]) -> None:
        """Add values of metrics: (name, value, time in ms, step)."""
        from mlflow.entities import Metric

        for start in range(0, len(metrics), _LARGEST_BATCH):
            self._log(run_id, metrics=[Metric(*entry) for entry in metrics[start : start + _LARGEST_BATCH]])

    def set_status(self, run_id: str, status: str, end_time: int | None) -> None:
        """Set the status of a run, and when it ended (in ms)."""
        from mlflow.entities import RunStatus

        self._patiently(lambda: self._call("update_run_info", run_id, RunStatus.from_string(status), end_time, None))

    def _log(
        self, run_id: str, *, metrics: Sequence[Any] = (), params: Sequence[Any] = (), tags: Sequence[Any] = ()
    ) -> None:
        self._patiently(lambda: self._call("log_batch", run_id, list(metrics), list(params), list(tags)))

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """Wait for a database that another process locks: no training of hours is lost to a backup of minutes."""
        give_up = time.monotonic() + 60 * _MINUTES_OF_PATIENCE
        while True:
            try:
                return call()
            except StoreBusyError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        return self._answer(lambda: getattr(self._store, name)(*arguments, **options))

    def _answer(self, call: Callable[[], Answer]) -> Answer:
        with _translated(self.database):
            return call()


@contextmanager
def _translated(database: Path) -> Iterator[None]:
    """Turn errors of the database, whatever MLflow made of them, into errors that say what to do."""
    import sqlite3

    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        causes = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and isinstance(cause, Exception):
            causes.append(cause)
        of_database = [cause for cause in causes if isinstance(cause, sqlite3.Error | SQLAlchemyError)]
        if not of_database:
            raise
        raise explained(database, of_database[-1]) from error


@cache
def _store_class() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
    # a connection is opened when it is needed: one that was kept would still lead to a folder that was moved away meanwhile
    os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    with warnings.catch_warnings():
        # mlflow's table definitions use what its SQLAlchemy deprecates: nothing that we could mend
        warnings.simplefilter("ignore", DeprecationWarning)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    for name, level in (("mlflow", logging.WARNING), ("alembic", logging.WARNING), ("mlflow.store.db", logging.CRITICAL)):
        logging.getLogger(name).setLevel(level)  # errors of the database are said in our words, without their traceback
    return SqlAlchemyStore


def _pages(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    page: str | None = None
    while True:
        found = fetch(page)
        yield from found
        page = found.token
        if not page:
            return


def _info(info: Any) -> RunInfo:
    return RunInfo(info.run_id, info.run_name or "", str(info.experiment_id), info.lifecycle_stage != "active")


def _experiment(entry: Any) -> Experiment:
    return Experiment(str(entry.experiment_id), entry.name, entry.lifecycle_stage != "active")
