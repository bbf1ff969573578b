"""Open, find and list runs in a folder ``mlruns``.

Artifacts are found by their place relative to that folder, whatever addresses its database keeps, so it can be moved or
copied as a whole; the addresses, which MLflow's own page reads, are mended when somebody opens it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from TauAdv.config.paths import require_replaced
from TauAdv.config.scalars import is_blank
from TauAdv.errors import InputError, OutputLockedError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import output_lock
from TauAdv.runs.database import DATABASE, is_finished, repair_locations, require_database
from TauAdv.runs.file_store import FileStore, is_file_store
from TauAdv.runs.records import Experiment, MlflowStore, RunInfo, database_address
from TauAdv.runs.run import Run

__all__ = [
    "experiment_of",
    "find_run",
    "find_runs",
    "has_runs",
    "list_runs",
    "lock_run",
    "reopened",
    "require_place",
    "resume_run",
    "start_run",
]

_LISTED = 20  # runs, in a message


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
        InputError: if a name is empty, the experiment was deleted, or the store cannot be read or written.
    """
    require_place(mlruns)
    _require_names(experiment=experiment, run_name=run_name)
    folder = Path(mlruns).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with output_lock(folder / DATABASE, wait=True):  # of two that make the store at the same time, one waits
        store = _made_store(folder)
        info = store.make_run(_experiment_id(store, experiment), run_name)
    run = Run(store, info)
    with _locked(run):
        run.log_tags(tags or {})
        run.artifacts.mkdir(parents=True, exist_ok=True)
        with _closing(run):
            yield run


@contextmanager
def resume_run(mlpath: Path | str, run_id: str) -> Iterator[Run]:
    """Open a run that exists, to go on with it (same closing as :func:`start_run`).

    Raises:
        InputError: as :func:`find_run`.
        OutputLockedError: if another process trains it.
    """
    with lock_run(mlpath, run_id) as run, reopened(run):
        yield run


@contextmanager
def lock_run(mlpath: Path | str, run_id: str) -> Iterator[Run]:
    """Find a run and hold its lock, so that no other process trains it meanwhile; nothing is written to it.

    Raises:
        InputError: as :func:`find_run`.
        OutputLockedError: if another process trains it; says which.
    """
    run = find_run(mlpath, run_id)
    with _locked(run):
        yield run


@contextmanager
def reopened(run: Run) -> Iterator[Run]:
    """Give a run, whose lock is held, the status ``RUNNING`` for the block (same closing as :func:`start_run`)."""
    run.reopen()
    with _closing(run):
        yield run


def find_run(mlpath: Path | str, run_id: str) -> Run:
    """Return a run that exists.

    Args:
        mlpath: folder of its experiment, ``.../mlruns/<experiment id>``, or the folder ``mlruns``.
        run_id: identifier of the run.

    Raises:
        InputError: if there is no store at ``mlpath``, it is damaged, the run was deleted, or there is no such run (the
            message lists the known ones).
    """
    place = _Place.of(mlpath)
    for store in place.stores():
        if (info := store.run(run_id)) is None:
            continue
        if info.deleted:
            raise InputError(place.of_deleted(info))
        if place.experiment_id not in {None, info.experiment_id}:
            there = place.mlruns / info.experiment_id
            msg = f"run {run_id} is not in {mlpath}: it belongs to {there}; give that as --mlpath"
            raise InputError(msg)
        return Run(store, info)
    known = [info for _, info in place.runs()]
    lines = [f"  {info.id}  {info.name}" for info in known[:_LISTED]] or ["  (none)"]
    more = [f"  and {len(known) - _LISTED} more"] if len(known) > _LISTED else []
    msg = f"{mlpath}: no run {run_id!r}; known runs there:\n" + "\n".join(lines + more)
    raise InputError(msg)


def find_runs(mlpath: Path | str, run_ids: Mapping[str, str]) -> dict[str, Run]:
    """Return runs that are to be compared.

    Args:
        mlpath: as :func:`find_run` takes it.
        run_ids: label -> identifier.

    Raises:
        InputError: as :func:`find_run`, or one run has two labels: it would be compared with itself.
    """
    labels: dict[str, str] = {}
    for label, run_id in run_ids.items():
        first = labels.setdefault(run_id, label)
        if first != label:
            msg = f"run {run_id} is given as {first} and as {label}: it would be compared with itself; give another run"
            raise InputError(msg)
    return {label: find_run(mlpath, run_id) for label, run_id in run_ids.items()}


def list_runs(mlpath: Path | str) -> list[Run]:
    """Return all runs of an experiment (or of all, if ``mlpath`` is the folder ``mlruns``), newest first; no deleted ones.

    Raises:
        InputError: if there is no store at ``mlpath``, or it is damaged.
    """
    return [Run(store, info) for store, info in _Place.of(mlpath).runs()]


def has_runs(mlruns: Path | str) -> bool:
    """Return whether there is a store in a folder."""
    return (Path(mlruns) / DATABASE).is_file() or is_file_store(Path(mlruns))


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
    known = {entry.id: entry.name for entry in _opened_store(path.parent).experiments() if not entry.deleted}
    if path.name not in known:
        listed = ", ".join(f"{identifier} ({name})" for identifier, name in known.items())
        msg = f"{mlpath}: no such experiment in {path.parent}; known: {listed}; or give the folder mlruns itself"
        raise InputError(msg)
    return path.parent, known[path.name]


def _require_names(**names: str | None) -> None:
    for what, name in names.items():
        if name is not None and is_blank(name):
            msg = f"{what}: expected a name, received an empty text"
            raise InputError(msg)


def require_place(mlruns: Path | str) -> None:
    """Check, before anything is made, that MLflow can keep runs in a folder.

    Raises:
        InputError: if it has no name or that of a variable, is a file, its path cannot be part of an address, or there is a
            damaged database.
    """
    _require_names(mlruns=str(mlruns))  # without one, it would be the working folder
    require_replaced(mlruns)
    folder = Path(mlruns).resolve()
    if folder.exists() and not folder.is_dir():
        msg = f"{mlruns}: is a file, expected the folder of the runs, or nothing there; give another mlruns"
        raise InputError(msg)
    database_address(folder)
    if (folder / DATABASE).is_file():
        is_finished(folder / DATABASE)


@dataclass(frozen=True)
class _Place:
    """Where to look for runs: the folder ``mlruns``, and the experiment's identifier (``None``: any)."""

    mlruns: Path
    experiment_id: str | None

    @classmethod
    def of(cls, mlpath: Path | str) -> _Place:
        path = Path(mlpath).resolve()
        if path.is_file():
            msg = f"{mlpath}: is a file, expected the folder mlruns, or an experiment in it"
            raise InputError(msg)
        for is_store in (lambda folder: (folder / DATABASE).is_file(), is_file_store):
            if is_store(path):
                return cls(path, None)
            if is_store(path.parent):
                return cls(path.parent, path.name)
        msg = (
            f"{mlpath}: expected .../mlruns/EXPERIMENT_ID with {DATABASE} in mlruns, found no {DATABASE} there nor one "
            "folder up, nor runs in the file store of earlier versions of MLflow"
        )
        raise InputError(msg)

    def stores(self) -> Iterator[MlflowStore | FileStore]:
        """Yield the stores of the folder: the database first."""
        if (self.mlruns / DATABASE).is_file():
            yield _opened_store(self.mlruns)
        if is_file_store(self.mlruns):
            yield FileStore(self.mlruns)

    def runs(self) -> Iterator[tuple[MlflowStore | FileStore, RunInfo]]:
        """Yield the runs of the experiment; those that a file store has and the database, too, only once."""
        known: set[str] = set()
        for store in self.stores():
            found = store.runs(self.experiment_id)
            yield from ((store, info) for info in found if not info.deleted and info.id not in known)
            known |= {info.id for info in found}

    def of_deleted(self, info: RunInfo) -> str:
        """Return what to say of a run that was deleted."""
        if not (self.mlruns / DATABASE).is_file():
            how = f"restore it with 'lifecycle_stage: active' in {self.mlruns / info.experiment_id / info.id / 'meta.yaml'}"
            return f"run {info.id} ({info.name}) was deleted; {how}"
        gone = {entry.id: entry for entry in _opened_store(self.mlruns).experiments() if entry.deleted}
        if info.experiment_id in gone:
            experiment = gone[info.experiment_id]
            return f"run {info.id} ({info.name}): {_of_deleted_experiment(self.mlruns, experiment)}"
        how = _restoring(self.mlruns, f"runs restore --run-id {info.id}")
        return f"run {info.id} ({info.name}) was deleted; this brings it back: {how}"


def _restoring(mlruns: Path, command: str) -> str:
    return f"MLFLOW_TRACKING_URI={shlex.quote(database_address(mlruns))} mlflow {command}"


def _of_deleted_experiment(mlruns: Path, experiment: Experiment) -> str:
    how = _restoring(mlruns, f"experiments restore --experiment-id {experiment.id}")
    return f"experiment '{experiment.name}' in {mlruns} was deleted; this brings it back: {how}"


def _opened_store(mlruns: Path) -> MlflowStore:
    database_address(mlruns)
    require_database(mlruns / DATABASE)
    repair_locations(mlruns)
    return MlflowStore(mlruns)


def _made_store(mlruns: Path) -> MlflowStore:
    """Return the store of a folder, made if it is not there or its making was interrupted; its lock must be held."""
    path = mlruns / DATABASE
    for left in mlruns.glob(f".{path.stem}.*.tmp{path.suffix}*"):  # databases of killed processes, and SQLite's files beside
        left.unlink()
    if not path.exists() or not is_finished(path):
        with new_file(path) as temporary:
            MlflowStore.make(mlruns, temporary)
    repair_locations(mlruns, lock=False)
    return MlflowStore(mlruns)


def _experiment_id(store: MlflowStore, name: str) -> str:
    experiment = store.experiment_named(name)
    if experiment is None:
        return store.make_experiment(name)
    if experiment.deleted:
        msg = f"{_of_deleted_experiment(store.mlruns, experiment)}; or choose another name"
        raise InputError(msg)
    return experiment.id


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    """Hold the lock of a run: whoever else wants to train it hears who does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(output_lock(run.artifacts))
        except OutputLockedError as error:
            msg = f"{run.title} is being trained by {error.holder}; wait until it ends, or end that process"
            raise OutputLockedError(msg, error.holder) from error
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
