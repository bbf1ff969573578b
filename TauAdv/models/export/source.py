"""The model to export: of a run, or of a file; and the feature table it reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TauAdv.config.paths import expanded
from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.checked_files import read_text, require_undamaged
from TauAdv.models.cms.known import NO_TABLE
from TauAdv.runs import find_run
from TauAdv.runs.layout import FEATURES, MODEL
from TauAdv.shards.row_types import read_table, rows_of

__all__ = ["ModelSource", "find_model"]


@dataclass(frozen=True)
class ModelSource:
    """A model's file.

    Attributes:
        file: the ``.keras`` file.
        table: feature table recorded beside it; ``None``: none was.
    """

    file: Path
    table: Path | None

    @property
    def inputs(self) -> list[Path]:
        """Files that are read."""
        return [self.file] if self.table is None else [self.file, self.table]

    def feature_table(self, features: str | None, rows: str) -> Any:
        """Return the feature table of the model; ``None`` if the user says that there is none.

        Args:
            features: name or path of a table, or ``none``; for models without a recorded one.
            rows: what the model reads, ``taus`` or ``jets``.

        Raises:
            InputError: if no table is known, or ``features`` is another one than the recorded.
        """
        if self.table is not None:
            require_undamaged(self.table)
        recorded = None if self.table is None else _table(self.table, rows)
        if features is None:
            if recorded is None:
                msg = f"{self.file}: no feature table is recorded with it; give --features TABLE, for example deeptau_v2p5"
                raise InputError(f"{msg}, or --features {NO_TABLE}")
            return recorded
        given = None if features == NO_TABLE else _table(features, rows)
        if recorded is not None and (given is None or given.digest != recorded.digest):
            msg = f"{self.file}: its run recorded the feature table '{recorded.name}' ({self.table}), not '{features}'"
            raise InputError(f"{msg}; leave --features out")
        return given


def _table(name_or_path: Path | str, rows: str) -> Any:
    path = Path(expanded(name_or_path))
    if path.is_file():
        return read_table(rows, read_text(path), str(path))
    table = FeatureTable.load(name_or_path)
    if (found := rows_of(table).name) != rows:
        msg = f"feature table '{name_or_path}' is of {found}, the model reads {rows}; give --features FILE, its own"
        raise InputError(msg)
    return table


def find_model(
    file: Path | str | None = None, *, mlpath: Path | str | None = None, run_id: str | None = None
) -> ModelSource:
    """Return the model of a file, or of a run.

    Args:
        file: ``.keras`` file.
        mlpath: folder of the run's experiment, or the folder ``mlruns``.
        run_id: the run.

    Raises:
        InputError: if neither or both are given, the run is not known, or it has no model.
    """
    if (file is None) == (run_id is None) or (run_id is None) != (mlpath is None):
        msg = "give the model to export: --expID RUN_ID with --mlpath .../mlruns/EXPERIMENT_ID, or --model FILE.keras"
        raise InputError(msg)
    if file is not None:
        return _source(Path(file))
    run = find_run(str(mlpath), str(run_id))
    return _source(run.require_file(MODEL, "resume it to its end, or name another run"))


def _source(file: Path) -> ModelSource:
    table = file.parent.parent / FEATURES  # where a run keeps it
    return ModelSource(file, table if file.parent.name == "model" and table.is_file() else None)
