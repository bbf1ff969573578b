"""One run: its files, and what is logged to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from TauAdv.arguments import checked
from TauAdv.errors import InputError, OutputLockedError, nearest
from TauAdv.io.atomic import new_file, require_writable, write_text
from TauAdv.io.checked_files import CHECKSUMS, new_checked_file, read_text, require_undamaged, write_checked_text
from TauAdv.io.locks import lock_path, output_lock
from TauAdv.runs.database import DATABASE, drop_metrics
from TauAdv.runs.file_store import FileStore
from TauAdv.runs.layout import SWEEP, SWEEP_RESULTS
from TauAdv.runs.records import MlflowStore, RunInfo

__all__ = ["Run"]

_LONGEST_PARAMETER = 6000  # characters; MLflow refuses longer ones
_MOST_WAITING = 1000  # metrics
_FLUSH_AFTER_SECONDS = 5.0
_SHOWN_FILES = 12
_SHOWN_METRICS = 6
_SHOWN_PARAMETERS = (
    "tagger", "method.kind", "model.network", "model.loss", "schedule.n_epochs", "data.n_tau", "data.batch_size",
    "schedule.learning_rate", "seed",
)  # fmt: skip


def _by_use(metric: str) -> tuple[bool, str]:
    """Return the place of a metric among those that are shown: of validation first."""
    return not metric.startswith("val_"), metric


class Run:
    """One run: where its artifacts are, and what can be logged to it.

    Attributes:
        id: identifier (32 hexadecimal digits).
        name: readable name.
        experiment_id: identifier of the experiment it belongs to.
        mlpath: folder of the experiment, ``.../mlruns/<experiment id>``.
        artifacts: folder of its files.
    """

    def __init__(self, store: MlflowStore | FileStore, info: RunInfo) -> None:
        self._store = store
        self._waiting: list[tuple[str, float, int, int]] = []
        self._last_flush = time.monotonic()
        self.id: str = info.id
        self.name: str = info.name
        self.experiment_id: str = info.experiment_id
        self.mlpath = store.mlruns / self.experiment_id
        self.artifacts = self.mlpath / self.id / "artifacts"

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def __str__(self) -> str:
        params, metrics = self.params, self.metrics
        settings = {name: params[name] for name in _SHOWN_PARAMETERS if name in params}
        measured = {name: metrics[name] for name in sorted(metrics, key=_by_use) if "/" not in name}
        there = self.artifacts.iterdir() if self.artifacts.is_dir() else ()
        lines = [
            f"{self.title}, {self.state}",
            f"  folder: {self.artifacts}",
            f"  settings: {', '.join(f'{name}={value}' for name, value in settings.items())}",
            f"  metrics: {', '.join(f'{name} {value:.4g}' for name, value in list(measured.items())[:_SHOWN_METRICS])}",
            f"  files: {', '.join(sorted(path.name for path in there if path.name[0] != '.'))}",
        ]
        return "\n".join(line for line in lines if not line.endswith(": "))

    @property
    def title(self) -> str:
        """Identifier and name, for messages."""
        return f"run {self.id} ({self.name})" if self.name else f"run {self.id}"

    @property
    def status(self) -> str:
        """``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``."""
        return self._store.status(self.id)

    @property
    def state(self) -> str:
        """What became of the run, for messages: a status of ``RUNNING`` stays behind when a process is killed."""
        status, trainer = self.status, self.trainer
        if trainer is not None:
            return f"being trained by {trainer}"
        return "RUNNING, but no process trains it: it was killed" if status == "RUNNING" else status

    @property
    def trainer(self) -> str | None:
        """Which process trains the run now; ``None``: none does."""
        if not lock_path(self.artifacts).exists():
            return None
        try:
            with output_lock(self.artifacts):
                return None
        except OutputLockedError as error:
            return error.holder
        except OSError:
            return None

    @property
    def params(self) -> dict[str, str]:
        """Parameters, as MLflow keeps them: text."""
        return self._store.params(self.id)

    @property
    def metrics(self) -> dict[str, float]:
        """Latest value of every metric."""
        self.flush()
        return self._store.metrics(self.id)

    @property
    def tags(self) -> dict[str, str]:
        """Tags."""
        return self._store.tags(self.id)

    @checked
    def metric_history(self, name: str) -> list[tuple[int, float]]:
        """Return (step, value) of a metric, in order of steps.

        Raises:
            InputError: the run logged no such metric; names those that there are.
        """
        self.flush()
        if history := self._store.history(self.id, name):
            return history
        known = sorted(self.metrics)
        msg = f"{self.title}: no metric '{name}'{nearest(name, known)}; there are {', '.join(known) or 'none yet'}"
        raise InputError(msg)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Add parameters; groups of settings become dotted keys, long values are cut. Known keys keep their value."""
        known = self.params
        flat = {key: str(value)[:_LONGEST_PARAMETER] for key, value in _flatten(params)}
        self._store.add_params(self.id, {key: value for key, value in flat.items() if key not in known})

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._store.set_tags(self.id, {key: str(value) for key, value in tags.items()})

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Add values of metrics at a step; they reach the store in batches (see :meth:`flush`)."""
        now = int(time.time() * 1000)
        self._waiting.extend((name, float(value), now, int(step)) for name, value in metrics.items())
        if len(self._waiting) >= _MOST_WAITING or time.monotonic() - self._last_flush > _FLUSH_AFTER_SECONDS:
            self.flush()

    def replace_metrics(self, metrics: Mapping[str, float]) -> None:
        """Write figures of one value instead of all earlier ones of their groups (the part of a name before ``/``)."""
        for group in {name.partition("/")[0] for name in metrics}:
            self.drop_metrics(-1, f"{group}/")
        self.log_metrics(metrics, step=0)
        self.flush()

    def require_writable(self, path: str) -> None:
        """Check that something can be logged, and that a file or folder ``path`` can be written within the artifacts.

        Raises:
            InputError: the store is only read, or its database cannot be written.
            WriteError: the folder of artifacts cannot be written.
        """
        self.log_tags(dict(list(self.tags.items())[:1]))  # what is there already: only a write shows that it is possible
        target = self.artifacts / path
        require_writable((target.parent if target.is_file() else target) / "file")

    def flush(self) -> None:
        """Write metrics that wait."""
        if self._waiting:
            self._store.add_metrics(self.id, self._waiting)
        self._waiting = []
        self._last_flush = time.monotonic()

    def drop_metrics(self, after_step: int, prefix: str = "", *, except_prefix: str | Sequence[str] = ()) -> None:
        """Remove values of metrics after a step: a resumed run logs them again.

        Args:
            after_step: last step to keep.
            prefix: only of metrics whose names start so.
            except_prefix: and not so, or so.
        """
        self.flush()
        kept = [except_prefix] if isinstance(except_prefix, str) else except_prefix
        drop_metrics(self.mlpath.parent / DATABASE, self.id, after_step, prefix, kept)

    def log_text(self, text: str, path: str, *, checked: bool = False) -> Path:
        """Write ``text`` to ``path`` within the artifacts, replacing a file there; return the file.

        Args:
            text: content.
            path: within the artifacts.
            checked: also record its checksum: :meth:`require_file` then refuses the file when it was damaged.
        """
        target = self.artifacts / path
        (write_checked_text if checked else write_text)(target, text)
        return target

    def new_file(self, path: str, *, checked: bool = False) -> AbstractContextManager[Path]:
        """Yield a temporary path that becomes the file ``path`` of the artifacts at the end (see :meth:`log_text`)."""
        return (new_checked_file if checked else new_file)(self.artifacts / path)

    def require_file(self, path: str, way_out: str) -> Path:
        """Return a file of the artifacts, undamaged as far as its checksum is known.

        Args:
            path: within the artifacts, for example ``model/model.keras``.
            way_out: what to do if it is not there.

        Raises:
            InputError: if it is not there (names what the run has instead) or damaged.
        """
        file = self.artifacts / path
        if file.is_file():
            require_undamaged(file)
            return file
        if (self.artifacts / SWEEP).is_file():
            listed = self.artifacts / f"{SWEEP_RESULTS}.csv"
            msg = f"{self.title} is a sweep and has no {path} itself: take one of its trainings, listed in {listed}"
            raise InputError(msg)
        found = sorted(
            entry.relative_to(self.artifacts)
            for entry in self.artifacts.glob("*/*")
            if entry.name[0] != "." and entry.name != CHECKSUMS
        )
        shown = ", ".join(str(entry) for entry in found[:_SHOWN_FILES]) or "no files at all"
        more = f" and {len(found) - _SHOWN_FILES} more" if len(found) > _SHOWN_FILES else ""
        msg = f"run {self.id} ({self.name}, {self.state}) has no {path}: {way_out}; it has {shown}{more}"
        raise InputError(msg)

    def read_text(self, path: str, way_out: str) -> str:
        """Return the text of a file of the artifacts.

        Raises:
            InputError: as :meth:`require_file`, or if it is no UTF-8 text.
        """
        return read_text(self.require_file(path, way_out), way_out)

    def read_json(self, path: str, way_out: str) -> dict[str, Any]:
        """Return the JSON object in a file of the artifacts.

        Raises:
            InputError: as :meth:`read_text`, or if it is none.
        """
        text = self.read_text(path, way_out)
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            msg = f"{self.artifacts / path}: damaged: not JSON ({error}); {way_out}"
            raise InputError(msg) from error
        if not isinstance(content, dict):
            msg = f"{self.artifacts / path}: damaged: expected an object, received a {type(content).__name__}; {way_out}"
            raise InputError(msg)
        return content

    def end(self, status: str) -> None:
        """Close the run with a status (``FINISHED``, ``FAILED``, ``KILLED``)."""
        self.flush()
        self._store.set_status(self.id, status, int(time.time() * 1000))

    def reopen(self) -> None:
        """Give the run the status ``RUNNING`` again."""
        self._store.set_status(self.id, "RUNNING", None)


#: What the store takes as part of a name; a mapping from patterns, say, is logged as one value instead.
_NAME = re.compile(r"[\w\-. :/]+")


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and all(_NAME.fullmatch(str(name)) for name in value):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
