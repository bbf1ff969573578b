"""Runs in the older store of MLflow, a folder of text files, as TauMLTools keeps them: they are read, not written.

``mlruns/<experiment>/<run>/meta.yaml`` describes a run; ``params``, ``tags`` and ``metrics`` hold a file per entry.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from glob import escape
from pathlib import Path

from TauAdv.config import read_yaml
from TauAdv.errors import ConfigError, InputError
from TauAdv.runs.records import RunInfo

__all__ = ["FileStore", "is_file_store", "migration"]

_META = "meta.yaml"
_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def is_file_store(mlruns: Path) -> bool:
    """Return whether a folder has experiments of the older store."""
    if (mlruns / _META).is_file():  # an experiment of it, with folders of runs
        return False
    return any(path.parent.name[0] != "." for path in mlruns.glob(f"*/{_META}"))


def migration(mlruns: Path) -> str:
    """Return the command that makes a database of an older store."""
    return shlex.join(
        ["mlflow", "migrate-filestore", "--source", f"{mlruns}", "--target", f"sqlite:///{mlruns / 'mlflow.db'}"]
    )


class FileStore:
    """The older store in a folder ``mlruns``."""

    def __init__(self, mlruns: Path) -> None:
        self.mlruns = mlruns

    def run(self, run_id: str) -> RunInfo | None:
        """Return a run, deleted or not; ``None`` if there is none of that identifier."""
        path = self._meta(run_id)  # of this run only: others may be damaged
        return None if path is None else self._info(path.parent, _read(path))

    def runs(self, experiment_id: str | None = None) -> list[RunInfo]:
        """Return the runs of an experiment, or of all, deleted ones too; by start, newest first."""
        found = []
        for path in self.mlruns.glob(f"{experiment_id or '*'}/*/{_META}"):
            meta = _read(path)
            found.append((_number(meta.get("start_time")), self._info(path.parent, meta)))
        return [info for _, info in sorted(found, key=lambda entry: (-entry[0], entry[1].id))]

    def _info(self, folder: Path, meta: Mapping[str, object]) -> RunInfo:
        name = meta.get("run_name") or meta.get("name") or _entry(folder / "tags" / "mlflow.runName") or ""
        return RunInfo(folder.name, str(name), folder.parent.name, meta.get("lifecycle_stage", "active") != "active")

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        return _STATUS.get(_number(_read(self._folder(run_id) / _META).get("status")), "UNKNOWN")

    def params(self, run_id: str) -> dict[str, str]:
        """Return the parameters of a run."""
        return _entries(self._folder(run_id) / "params")

    def tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run."""
        return _entries(self._folder(run_id) / "tags")

    def metrics(self, run_id: str) -> dict[str, float]:
        """Return the latest value of every metric of a run."""
        histories = {name: self.history(run_id, name) for name in _entries(self._folder(run_id) / "metrics")}
        return {name: history[-1][1] for name, history in histories.items() if history}

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric, in order of steps.

        Raises:
            InputError: if a line is not "time value step".
        """
        path = self._folder(run_id) / "metrics" / metric
        found = []
        for number, line in enumerate((_entry(path) or "").splitlines(), 1):
            try:
                _, value, *step = line.split()
                found.append((int(step[0]) if step else 0, float(value)))
            except (ValueError, IndexError) as error:
                msg = f"{path}: line {number}: expected 'time value step', received {line[:60]!r}"
                raise InputError(msg) from error
        return sorted(found)

    def add_params(self, run_id: str, params: Mapping[str, str]) -> None:
        """Refuse: this store is only read."""
        raise self._only_read(run_id)

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Refuse: this store is only read."""
        raise self._only_read(run_id)

    def add_metrics(self, run_id: str, metrics: Sequence[tuple[str, float, int, int]]) -> None:
        """Refuse: this store is only read."""
        raise self._only_read(run_id)

    def set_status(self, run_id: str, status: str, end_time: int | None) -> None:
        """Refuse: this store is only read."""
        raise self._only_read(run_id)

    def _only_read(self, run_id: str) -> InputError:
        return InputError(
            f"run {run_id} is in a file store of MLflow ({self.mlruns}), as TauMLTools kept runs; TauAdv reads it and does "
            f"not log to it (tauadv compare --no-log); to go on with its runs, migrate it: {migration(self.mlruns)}"
        )

    def _folder(self, run_id: str) -> Path:
        path = self._meta(run_id)
        if path is None:
            msg = f"no run '{run_id}' in {self.mlruns}"
            raise InputError(msg)
        return path.parent

    def _meta(self, run_id: str) -> Path | None:
        if run_id in ("", "..") or Path(run_id).name != run_id:  # a path is no identifier
            return None
        return next(self.mlruns.glob(f"*/{escape(run_id)}/{_META}"), None)


def _read(path: Path) -> dict[str, object]:
    try:
        return read_yaml(path)
    except (ConfigError, UnicodeDecodeError) as error:
        msg = f"{path}: the description of a run is damaged: {str(error).removeprefix(f'{path}: ').splitlines()[0]}"
        raise InputError(msg) from error


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1


def _entries(folder: Path) -> dict[str, str]:
    """Return the content of the files of a folder by name; names may have slashes."""
    files: Iterable[Path] = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[0] != ".")
    return {str(path.relative_to(folder)): _entry(path) or "" for path in files}


def _entry(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace").rstrip("\n") if path.is_file() else None
