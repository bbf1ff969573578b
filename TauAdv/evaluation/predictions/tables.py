"""Prediction tables of a run: make, write and read ``artifacts/predictions/adversarial_evaluation.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.commands import command
from TauAdv.domain.contributions.agreement import as_entry
from TauAdv.errors import ConfigError, InputError, first_line
from TauAdv.evaluation.predictions.columns import require_columns, require_predictions
from TauAdv.evaluation.predictions.files import read_table_file, write_table_file
from TauAdv.evaluation.predictions.inference import predict
from TauAdv.evaluation.predictions.origin import require_current
from TauAdv.evaluation.predictions.trained import require_adversarial_head
from TauAdv.io.checked_files import read_text
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import describe_input, finished, manifest_path, read_manifest
from TauAdv.models.keras_archive import archive_configuration, has_adversarial_head
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import FEATURES, MODEL, PREDICTIONS
from TauAdv.shards.row_types import FIRST, read_table
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.contributions import contributions_in
from TauAdv.taggers.registry import read_tagger, tagger_saved_as

__all__ = [
    "PREDICTION_FILES",
    "apply_run",
    "load_run_model",
    "manifest_of_predictions",
    "read_predictions",
    "require_model_of_taus",
    "require_run_features",
]

#: Name that is written, and the name that a newer version of the original uses: both are read.
PREDICTION_FILES = ("adversarial_evaluation.csv", "adversarial_predictions.csv")
STEP = "apply_adversarial_training"
_COMMAND = "apply"
_FIRST_COLUMNS = ["Djet", "y", "weights"]
_INTEGER_COLUMNS = {"run": np.uint32, "lumi": np.uint32, "evt": np.uint64}


def apply_run(
    mlpath: Path | str,
    run_id: str,
    shards: Path | str,
    *,
    batch_size: int = 1000,
    max_batches: int | None = None,
    not_adversarial: bool = False,
    overwrite: bool = False,
) -> Path:
    """Apply the model of a run to a set of shards and write the table into the run's artifacts; return its path.

    A table that was made of the same model and shards with the same options is left as it is.

    Args:
        mlpath: folder of the experiment (``.../mlruns/<experiment id>``) or the folder ``mlruns``.
        run_id: the run.
        shards: folder of the set.
        batch_size: taus evaluated together.
        max_batches: most batches; ``None`` for all taus.
        not_adversarial: the model has no adversarial head, or its output is not wanted.
        overwrite: replace a table that was made otherwise.

    Raises:
        InputError: unknown run, run without model, shards of another feature table, no adversarial head.
        OutputExistsError: a table made otherwise, or a damaged one, is there.
        OutputLockedError: another process writes it.
    """
    run = find_run(mlpath, run_id)
    require_model_of_taus(run, with_head=not not_adversarial)
    shard_set = ShardSet.open(shards)
    if shard_set.rows_name != FIRST:
        msg = f"{shard_set.folder}: holds {shard_set.rows_name}; {run.title} reads {FIRST}"
        raise InputError(msg)
    path = run.artifacts / PREDICTIONS / PREDICTION_FILES[0]
    settings = {"run": run.id, "batch_size": batch_size, "max_batches": max_batches, "not_adversarial": not_adversarial}
    inputs = [describe_input(_model_path(run)), shard_set.description]
    require_run_features(run, shard_set)
    made: dict[str, Any] = {"step": STEP, "settings": settings, "inputs": inputs}
    with output_lock(path):
        if finished(path, **made, overwrite=overwrite, checked=True):
            return path
        model = load_run_model(run, shard_set)
        table = predict(
            model, shard_set, batch_size=batch_size, max_batches=max_batches, use_adversarial_head=not not_adversarial
        ).table
        statement = contributions_in(shard_set.manifest, shard_set.folder) if shard_set.kind == "adversarial" else None
        carried = {} if statement is None else as_entry(statement)
        counts = {"taus": len(table), "in set": shard_set.num_taus}
        write_table_file(path, table.to_csv, {**made, **carried, "counts": counts})
    print(f"{path}: {len(table)} of {shard_set.num_taus} taus")
    return path


def require_model_of_taus(run: Run, *, with_head: bool) -> None:
    """Check what the model of a run is, without TensorFlow, which takes seconds to load.

    Raises:
        InputError: it is of jets, or has no adversarial head where its output is asked for.
    """
    described = archive_configuration(_model_path(run))
    spec = tagger_saved_as(described.get("registered_name"))
    if spec is not None and spec.evaluated_by != _COMMAND:
        evaluates = f"{command(spec.evaluated_by)} evaluates {spec.rows}"
        msg = f"{run.title} is a training of {spec.rows}, expected one of taus; {evaluates}"
        raise InputError(msg)
    if with_head:
        require_adversarial_head(has_adversarial_head(described), run.title)


def require_run_features(run: Run, *shard_sets: ShardSet) -> None:
    """Check, without loading its model, that sets of shards were made with the feature table of a run.

    A run of other objects than the sets hold passes; :func:`load_run_model` refuses it.

    Raises:
        InputError: no feature table in the run, or another one.
    """
    table = _table_path(run)
    text = read_text(table)
    for shards in shard_sets:
        try:
            features = read_table(shards.rows_name, text, str(table))
        except ConfigError:
            continue
        shards.require_table(features)


def load_run_model(run: Run, *shard_sets: ShardSet) -> Any:
    """Return the model of a run, of taus or jets, after checking that the sets of shards were made with its feature table.

    Raises:
        InputError: no model or no feature table in the run, a model of other objects than the sets hold, or another table.
    """
    path, table = _model_path(run), _table_path(run)
    model: Any = read_tagger(path)
    for shards in shard_sets:
        if shards.rows_name != model.objects:
            msg = f"{shards.folder}: holds {shards.rows_name}; the model of run {run.id} reads {model.objects}"
            raise InputError(msg)
        shards.require_table(read_table(model.objects, read_text(table), str(table)))
    return model


def read_predictions(run: Run, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return the prediction table of a run; the index is the row number in the set.

    A table that TauMLTools or an earlier version wrote has no checksum: it is read, with a warning that it is not verified.

    Args:
        run: the run.
        columns: that are needed besides Djet, y and weights.

    Raises:
        InputError: no table under either name, a damaged one, one of another model than the run has now, or one without its
            columns or with text in them.
    """
    folder = run.artifacts / PREDICTIONS
    found = [folder / name for name in PREDICTION_FILES if (folder / name).is_file()]
    if not found:
        expected = f"expected {' or '.join(PREDICTION_FILES)} in {folder}"
        msg = f"run {run.id}: no predictions; {expected}; {command(_COMMAND)} makes them"
        raise InputError(msg)
    content = read_table_file(found[0], f"move it away and make it again with {command(_COMMAND)}", run=run.id, foreign=True)
    require_current(run, manifest_of_predictions(run), found[0], f"make it again with {command(_COMMAND)} --overwrite")
    try:
        table = pd.read_csv(content, index_col=0, dtype=_INTEGER_COLUMNS)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError, OverflowError) as error:
        msg = f"{found[0]}: not a prediction table: {first_line(error)}"
        raise InputError(msg) from error
    require_columns(table, [*_FIRST_COLUMNS, *columns])
    if table.empty:
        msg = f"{found[0]}: no rows; make it again with {command(_COMMAND)}"
        raise InputError(msg)
    for name in _FIRST_COLUMNS:
        if not (pd.api.types.is_numeric_dtype(table[name]) and np.isfinite(table[name]).all()):
            wrong = table[name][~np.isfinite(pd.to_numeric(table[name], errors="coerce"))]
            msg = f"{found[0]}: column {name}: expected numbers, found '{wrong.iloc[0]}' in row {wrong.index[0]}"
            raise InputError(msg)
    require_predictions(table, found[0])
    return table


def manifest_of_predictions(run: Run) -> dict[str, Any]:
    """Return what the manifest beside the prediction table of a run says; empty if there is none."""
    paths = [run.artifacts / PREDICTIONS / name for name in PREDICTION_FILES]
    path = next((path for path in paths if path.is_file()), None)
    return {} if path is None or not manifest_path(path).is_file() else read_manifest(path)


def _table_path(run: Run) -> Path:
    table = run.artifacts / FEATURES
    if not table.is_file():
        msg = f"run {run.id}: no feature table at {table}; the run does not say which features its model reads"
        raise InputError(msg)
    return table


def _model_path(run: Run) -> Path:
    ended = run.status == "FINISHED"
    return run.require_file(MODEL, "put a copy of it back" if ended else "its training did not finish, resume it")
