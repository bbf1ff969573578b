"""Runs of training and evaluation, kept with MLflow: the only module that imports it.

A folder ``mlruns`` holds the SQLite store ``mlflow.db`` and, per run, ``<experiment id>/<run id>/artifacts``. Artifacts are
found by their place relative to that folder, so it can be moved or copied as a whole. To look at the runs in a browser::

    mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db

and then http://127.0.0.1:5000/#/experiments/1?workflowType=machine_learning (experiment 1; the first page of MLflow 3 is for
language models and hides trainings until "Model training" is chosen).
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file

__all__ = ["DATABASE", "Run", "experiment_of", "find_run", "list_runs", "resume_run", "start_run"]

DATABASE = "mlflow.db"
_LONGEST_PARAMETER = 6000  # characters; MLflow refuses longer ones
_LARGEST_BATCH = 1000  # metrics in one call
_FLUSH_AFTER_SECONDS = 5.0
_SHOWN_FILES = 12


class Run:
    """One run: where its artifacts are, and what can be logged to it.

    Attributes:
        id: identifier (32 hexadecimal digits).
        name: readable name.
        experiment_id: identifier of the experiment it belongs to.
        mlpath: folder of the experiment, ``.../mlruns/<experiment id>``.
        artifacts: folder of its files.
    """

    def __init__(self, store: Any, mlruns: Path, info: Any) -> None:
        self._store = store
        self._waiting: list[Any] = []
        self._last_flush = time.monotonic()
        self.id: str = info.run_id
        self.name: str = info.run_name
        self.experiment_id: str = str(info.experiment_id)
        self.mlpath = mlruns / self.experiment_id
        self.artifacts = self.mlpath / self.id / "artifacts"

    @property
    def status(self) -> str:
        """``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``."""
        return self._store.get_run(self.id).info.status

    @property
    def params(self) -> dict[str, str]:
        """Parameters, as MLflow keeps them: text."""
        return dict(self._store.get_run(self.id).data.params)

    @property
    def metrics(self) -> dict[str, float]:
        """Latest value of every metric."""
        self.flush()
        return dict(self._store.get_run(self.id).data.metrics)

    @property
    def tags(self) -> dict[str, str]:
        """Tags."""
        return dict(self._store.get_run(self.id).data.tags)

    def metric_history(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric, in order of steps."""
        self.flush()
        return sorted((entry.step, entry.value) for entry in self._store.get_metric_history(self.id, name))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Add parameters; groups of settings become dotted keys, long values are cut. Known keys keep their value."""
        from mlflow.entities import Param

        known = self.params
        flat = {key: str(value)[:_LONGEST_PARAMETER] for key, value in _flatten(params)}
        entries = [Param(key, value) for key, value in flat.items() if key not in known]
        for start in range(0, len(entries), 100):
            self._store.log_batch(self.id, [], entries[start : start + 100], [])

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self._store.log_batch(self.id, [], [], [RunTag(key, str(value)) for key, value in tags.items()])

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Add values of metrics at a step; they reach the store in batches (see :meth:`flush`)."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting.extend(Metric(name, float(value), now, int(step)) for name, value in metrics.items())
        if len(self._waiting) >= _LARGEST_BATCH or time.monotonic() - self._last_flush > _FLUSH_AFTER_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write metrics that wait."""
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _LARGEST_BATCH):
            self._store.log_batch(self.id, waiting[start : start + _LARGEST_BATCH], [], [])
        self._last_flush = time.monotonic()

    def drop_metrics(self, after_step: int, prefix: str = "", *, except_prefix: str | Sequence[str] = ()) -> None:
        """Remove values of metrics after a step: a resumed run logs them again.

        Args:
            after_step: last step to keep.
            prefix: only of metrics whose names start so.
            except_prefix: and not so, or so.
        """
        self.flush()
        condition = "run_uuid = ? AND step > ? AND substr(key, 1, ?) = ?"
        values: list[Any] = [self.id, after_step, len(prefix), prefix]
        for kept in [except_prefix] if isinstance(except_prefix, str) else except_prefix:
            condition += " AND substr(key, 1, ?) != ?"
            values += [len(kept), kept]
        with closing(sqlite3.connect(self.mlpath.parent / DATABASE)) as database, database:
            for table in ("metrics", "latest_metrics"):
                database.execute(f"DELETE FROM {table} WHERE {condition}", values)

    def log_text(self, text: str, path: str) -> Path:
        """Write ``text`` to ``path`` within the artifacts, replacing a file there; return the file."""
        target = self.artifacts / path
        with new_file(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return target

    def require_file(self, path: str, way_out: str) -> Path:
        """Return a file of the artifacts.

        Args:
            path: within the artifacts, for example ``model/model.keras``.
            way_out: what to do if it is not there.

        Raises:
            InputError: if it is not there; names what the run has instead.
        """
        file = self.artifacts / path
        if file.is_file():
            return file
        found = sorted(entry.relative_to(self.artifacts) for entry in self.artifacts.glob("*/*") if entry.name[0] != ".")
        shown = ", ".join(str(entry) for entry in found[:_SHOWN_FILES]) or "no files at all"
        more = f" and {len(found) - _SHOWN_FILES} more" if len(found) > _SHOWN_FILES else ""
        msg = f"run {self.id} ({self.name}, {self.status}) has no {path}: {way_out}; it has {shown}{more}"
        raise InputError(msg)

    def end(self, status: str) -> None:
        """Close the run with a status (``FINISHED``, ``FAILED``, ``KILLED``)."""
        self.flush()
        self._set_status(status, int(time.time() * 1000))

    def _set_status(self, status: str, end_time: int | None) -> None:
        from mlflow.entities import RunStatus

        self._store.update_run_info(self.id, RunStatus.from_string(status), end_time, None)


@contextmanager
def start_run(
    mlruns: Path | str, experiment: str, run_name: str | None = None, tags: Mapping[str, str] | None = None
) -> Iterator[Run]:
    """Open a new run of ``experiment`` (made if needed); at the end of the block it is closed with the fitting status.

    Args:
        mlruns: folder of the store, made if needed.
        experiment: name of the experiment.
        run_name: readable name; ``None`` lets MLflow invent one.
        tags: texts that describe the run.

    Raises:
        InputError: if the experiment was deleted.
    """
    folder = Path(mlruns).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _repair_locations(folder)
        store = _open_store(folder)
        created = store.create_run(_experiment_id(store, experiment, folder), "", int(time.time() * 1000), [], run_name)
    run = Run(store, folder, created.info)
    run.log_tags(tags or {})
    run.artifacts.mkdir(parents=True, exist_ok=True)
    with _closing(run):
        yield run


@contextmanager
def resume_run(mlpath: Path | str, run_id: str) -> Iterator[Run]:
    """Open a run that exists, to go on with it (same closing as :func:`start_run`).

    Raises:
        InputError: as :func:`find_run`.
    """
    run = find_run(mlpath, run_id)
    _repair_locations(run.mlpath.parent)
    run._set_status("RUNNING", None)
    with _closing(run):
        yield run


def find_run(mlpath: Path | str, run_id: str) -> Run:
    """Return a run that exists.

    Args:
        mlpath: folder of its experiment, ``.../mlruns/<experiment id>``, or the folder ``mlruns``.
        run_id: identifier of the run.

    Raises:
        InputError: if there is no store at ``mlpath`` or no such run (the message lists the known ones).
    """
    mlruns, experiment_id = _locate(mlpath)
    store = _open_store(mlruns)
    known = _runs(store, experiment_id)
    for info in known:
        if info.run_id == run_id:
            return Run(store, mlruns, info)
    elsewhere = [info for info in _runs(store, None) if info.run_id == run_id]
    if elsewhere:
        place = mlruns / str(elsewhere[0].experiment_id)
        msg = f"run {run_id} is not in {mlpath}: it belongs to {place}; give that as --mlpath"
        raise InputError(msg)
    listed = "\n".join(f"  {info.run_id}  {info.run_name}" for info in known) or "  (none)"
    msg = f"{mlpath}: no run {run_id!r}; known runs there:\n{listed}"
    raise InputError(msg)


def list_runs(mlpath: Path | str) -> list[Run]:
    """Return all runs of an experiment (or of all, if ``mlpath`` is the folder ``mlruns``), newest first.

    Raises:
        InputError: if there is no store at ``mlpath``.
    """
    mlruns, experiment_id = _locate(mlpath)
    store = _open_store(mlruns)
    return [Run(store, mlruns, info) for info in _runs(store, experiment_id)]


def experiment_of(mlpath: Path | str, default: str) -> tuple[Path, str]:
    """Return the folder ``mlruns`` and the name of the experiment for a new run at ``mlpath``.

    Args:
        mlpath: the folder ``mlruns``, which need not exist, or an experiment in it, ``.../mlruns/<experiment id>``.
        default: name of the experiment if ``mlpath`` does not tell one.

    Raises:
        InputError: if there is no experiment of that identifier.
    """
    path = Path(mlpath).resolve()
    if (path / DATABASE).is_file() or not (path.parent / DATABASE).is_file():
        return path, default
    known = {experiment.experiment_id: experiment.name for experiment in _open_store(path.parent).search_experiments()}
    if path.name not in known:
        listed = ", ".join(f"{identifier} ({name})" for identifier, name in known.items())
        msg = f"{mlpath}: no such experiment in {path.parent}; known: {listed}; or give the folder mlruns itself"
        raise InputError(msg)
    return path.parent, known[path.name]


@contextmanager
def _alone(mlruns: Path) -> Iterator[None]:
    """Wait until no other process starts a run: of two that make the store at the same time, one would fail."""
    with (mlruns / ".starting").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _closing(run: Run) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        run.end("KILLED")
        raise
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")


def _locate(mlpath: Path | str) -> tuple[Path, str | None]:
    """Return the folder of the store and the experiment's identifier (``None``: any)."""
    path = Path(mlpath).resolve()
    if (path / DATABASE).is_file():
        return path, None
    if (path.parent / DATABASE).is_file():
        return path.parent, path.name
    msg = (
        f"{mlpath}: expected .../mlruns/EXPERIMENT_ID with {DATABASE} in mlruns, found no {DATABASE} there nor one folder up"
    )
    raise InputError(msg)


def _open_store(mlruns: Path) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported
    with warnings.catch_warnings():
        # mlflow's table definitions use what its SQLAlchemy deprecates: nothing that we could mend
        warnings.simplefilter("ignore", DeprecationWarning)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        # the explicit root makes artifacts lie at <mlruns>/<experiment>/<run>/artifacts whatever the working folder is
        return SqlAlchemyStore(f"sqlite:///{mlruns / DATABASE}", mlruns.as_uri())


def _experiment_id(store: Any, name: str, mlruns: Path) -> str:
    experiment = store.get_experiment_by_name(name)
    if experiment is None:
        return store.create_experiment(name)
    if experiment.lifecycle_stage != "active":
        msg = f"{mlruns}: experiment {name!r} was deleted; choose another name ('mlflow experiments restore' brings it back)"
        raise InputError(msg)
    return experiment.experiment_id


def _runs(store: Any, experiment_id: str | None) -> list[Any]:
    from mlflow.entities import ViewType

    if experiment_id is None:
        wanted = [experiment.experiment_id for experiment in store.search_experiments()]
    else:
        wanted = [experiment_id] if experiment_id.isdecimal() else []
    infos: list[Any] = []
    page: str | None = None
    while wanted:
        found = store.search_runs(wanted, "", ViewType.ACTIVE_ONLY, 1000, None, page)
        infos.extend(run.info for run in found)
        page = found.token
        if not page:
            break
    return infos


def _repair_locations(mlruns: Path) -> None:
    """After a move of ``mlruns``, mend the absolute addresses that the store keeps (MLflow's own page reads them)."""
    if not (mlruns / DATABASE).is_file():
        return
    with closing(sqlite3.connect(mlruns / DATABASE)) as database, database:
        for identifier, location in database.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall():
            here = mlruns / str(identifier)
            stored = Path(unquote(urlparse(location).path))
            if stored == here or stored.name != here.name or not here.is_dir():
                continue
            database.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (here.as_uri(), identifier)
            )
            database.execute(
                "UPDATE runs SET artifact_uri = ? || '/' || run_uuid || '/artifacts' WHERE experiment_id = ?",
                (here.as_uri(), identifier),
            )


#: What the store takes as part of a name; a mapping from patterns, say, is logged as one value instead.
_NAME = re.compile(r"[\w\-. :/]+")


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and all(_NAME.fullmatch(str(name)) for name in value):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
