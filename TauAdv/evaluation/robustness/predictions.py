"""What taggers say of disturbed inputs: computed batch by batch, and kept in the runs as Parquet tables.

A run keeps one table per test set and settings: ``artifacts/predictions/robustness_{folder of the set}_{digest}.parquet``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from TauAdv.attacks.none import NoAttack
from TauAdv.commands import command
from TauAdv.errors import InputError, OutputExistsError
from TauAdv.evaluation.predictions.files import read_table_file, write_table_file
from TauAdv.evaluation.robustness.attacked import AttackedBatch, DisturbedBatches, probabilities_of
from TauAdv.evaluation.robustness.settings import RAW, RobustnessSettings
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import describe_input, finished, read_manifest
from TauAdv.runs import Run
from TauAdv.runs.layout import MODEL, PREDICTIONS
from TauAdv.shards.store import ShardSet

__all__ = [
    "DisturbedPredictions",
    "locked_tables",
    "predict_disturbed",
    "prediction_file",
    "read_disturbed",
    "require_room",
    "write_disturbed",
]

_FOLDER, _NAMES = PREDICTIONS, "robustness*.parquet"
_DECISIVE = {"disturbances", "rows", "batch_size", "seed"}
STEP = "evaluate_robustness"
Key = tuple[str, str, str]


@dataclass(frozen=True)
class DisturbedPredictions:
    """Class probabilities of the same rows under all disturbances.

    Attributes:
        columns: identity, label and weight of the rows.
        classes: names of the classes.
        probabilities: (disturbance, run it was made with, run that reads it) -> float32 [n, classes].
    """

    columns: Mapping[str, NDArray[Any]]
    classes: tuple[str, ...]
    probabilities: Mapping[Key, NDArray[np.float32]]

    @property
    def label(self) -> NDArray[Any]:
        """Number of the class of every row."""
        return self.columns["label"]

    def own(self) -> dict[tuple[str, str], NDArray[np.float32]]:
        """Return (run, disturbance) -> probabilities where each run reads what was made with itself, or with no run."""
        made_with = {name: {made for n, made, _ in self.probabilities if n == name} for name, _, _ in self.probabilities}
        runs = dict.fromkeys(reader for _, _, reader in self.probabilities)
        return {
            (run, name): self.probabilities[name, run if run in made else next(iter(made)), run]
            for run in runs
            for name, made in made_with.items()
        }

    def table(self, run: str) -> pd.DataFrame:
        """Return the table of a run: identity, label, weight, and ``{disturbance}_p_{class}``."""
        content = dict(self.columns)
        for (reader, name), values in self.own().items():
            if reader == run:
                content |= {f"{name}_p_{label}": column for label, column in zip(self.classes, values.T, strict=True)}
        return pd.DataFrame(content)


def predict_disturbed(
    models: Mapping[str, Any],
    shards: ShardSet,
    settings: RobustnessSettings,
    *,
    transfer: bool = True,
    observe: Callable[[AttackedBatch], None] | None = None,
) -> DisturbedPredictions:
    """Return what models say of a set, as it is and under the disturbances of the settings.

    Args:
        models: name -> tagger.
        shards: labelled set; its first ``settings.rows`` rows are taken.
        settings: disturbances, batches, seed.
        transfer: let every model also read what was made with the others.
        observe: is shown every attacked batch.

    Raises:
        InputError: a set without labels or rows, or a model that gives probabilities that are not finite.
        ConfigError: an attack that does not fit the inputs.
    """
    if settings.rows is not None:
        shards = shards.head(settings.rows)
    disturbances = {RAW: NoAttack(), **settings.disturbances}
    batches = DisturbedBatches(models, shards, disturbances, batch_size=settings.batch_size, seed=settings.seed)
    readers = {name: probabilities_of(model) for name, model in models.items()}
    alone = {name for name in disturbances if name not in settings.transferred}
    found: dict[Key, NDArray[np.float32]] = {
        (name, made, reader): np.empty((shards.num_rows, len(shards.classes)), np.float32)
        for name, made in batches.keys
        for reader in readers
        if transfer or made == reader or name in alone
    }
    for _, attacked in batches():
        for reader, compute in readers.items():
            if (values := found.get((attacked.disturbance, attacked.model, reader))) is not None:
                values[attacked.rows] = compute(attacked.inputs)
        if observe is not None:
            observe(attacked)
    for (name, _, reader), values in found.items():
        if wrong := int((~np.isfinite(values)).any(axis=1).sum()):
            msg = f"{shards.folder}: probabilities of '{reader}' under '{name}' are not finite for {wrong} of {len(values)}"
            raise InputError(msg)
    columns = shards.columns([*shards.layout.identity, "label", "weight"])
    return DisturbedPredictions(columns, tuple(shards.classes), found)


def prediction_file(shards: ShardSet, settings: RobustnessSettings) -> str:
    """Return where a run keeps the table of a set, from the run's artifacts on: other sets and settings have other names."""
    decisive = [shards.description["digest"], settings.model_dump(mode="json", include=_DECISIVE)]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:8]
    title = re.sub(r"[^\w.+-]+", "-", shards.folder.resolve().name)
    return f"{_FOLDER}/robustness_{title}_{digest}.parquet"


def _model(run: Run) -> Path:
    return run.artifacts / MODEL


def _made_with_another_model(table: Path, run: Run) -> bool:
    """Return whether the manifest of a table names another model than that of the run; not if it names none."""
    try:
        inputs = read_manifest(table).get("inputs", [])
    except InputError:
        return False
    digests = [entry["digest"] for entry in inputs if entry["name"] == _model(run).name]
    return bool(digests) and describe_input(_model(run))["digest"] not in digests


def _options(run: Run, shards: ShardSet, settings: RobustnessSettings) -> dict[str, Any]:
    decisive = {"run": run.id, **settings.model_dump(mode="json", include=_DECISIVE)}
    return {
        "step": STEP,
        "settings": decisive,
        "inputs": [_model(run), {**shards.description, "name": shards.folder.resolve().name}],
    }


def locked_tables(runs: Mapping[str, Run], shards: ShardSet, settings: RobustnessSettings) -> AbstractContextManager[None]:
    """Return what holds the locks of the tables of all runs.

    Raises:
        OutputLockedError: another process writes one of them.
    """
    return output_lock(*(run.artifacts / prediction_file(shards, settings) for run in runs.values()))


def require_room(runs: Mapping[str, Run], shards: ShardSet, settings: RobustnessSettings, *, overwrite: bool) -> None:
    """Check that no run holds a table of this set and these settings that was made otherwise, as by an earlier model.

    Raises:
        OutputExistsError: one does, and ``overwrite`` is false.
    """
    for run in {run.id: run for run in runs.values()}.values():
        path = run.artifacts / prediction_file(shards, settings)
        try:
            finished(path, overwrite=overwrite, make_again=True, **_options(run, shards, settings))
        except OutputExistsError as error:
            if not _made_with_another_model(path, run):
                raise
            msg = f"{path}: was made with another model, before run {run.id} was resumed; --overwrite replaces it"
            raise OutputExistsError(msg) from error


def write_disturbed(
    predictions: DisturbedPredictions, runs: Mapping[str, Run], shards: ShardSet, settings: RobustnessSettings
) -> list[Path]:
    """Write the table of every run into its artifacts, with a manifest beside it; return the paths."""
    paths = []
    for label, run in runs.items():
        path, table = run.artifacts / prediction_file(shards, settings), predictions.table(label)
        counts = {"rows": len(table), "in set": shards.num_rows}
        manifest = {**_options(run, shards, settings), "counts": counts, "seed": settings.seed}
        write_table_file(path, partial(table.to_parquet, index=False), manifest)
        paths.append(path)
    return paths


def read_disturbed(
    run: Run, test: Path | str | None = None, settings: RobustnessSettings | None = None, *, name: str | None = None
) -> pd.DataFrame:
    """Return a table of a run (see :meth:`DisturbedPredictions.table`).

    Args:
        run: that was evaluated.
        test: test set; may be left out if the run was evaluated on one set only.
        settings: of the evaluation; may be left out if there was one evaluation on the set.
        name: of the file, instead of these.

    Raises:
        InputError: the run has no such table, or several: lists those that it has; or the table is damaged.
    """
    tables = {path.name: path for path in sorted((run.artifacts / _FOLDER).glob(_NAMES))}
    found = dict(tables) if name is None else {key: path for key, path in tables.items() if key == name}
    if test is not None and settings is not None:
        wanted = Path(prediction_file(ShardSet.open(test), settings)).name
        found = {key: path for key, path in found.items() if key == wanted}
    elif test is not None:
        digest = describe_input(test)["digest"]
        found = {key: path for key, path in found.items() if digest in _input_digests(path)}
    if len(found) == 1:
        return _read(next(iter(found.values())), run)
    asked = " of these settings" if settings is not None else ""
    asked += f" on {test}" if test is not None else ""
    has = f"it has {', '.join(tables)}" if tables else f"it has none; {command('robustness')} makes them"
    msg = f"run {run.id}: expected one table of predictions{asked}, found {len(found)}; {has}"
    if len(found) > 1:
        msg += "; tell which by test set, settings or file name"
    raise InputError(msg)


def _read(path: Path, run: Run) -> pd.DataFrame:
    content = read_table_file(path, f"move it away and make it again with {command('robustness')}", run=run.id)
    try:
        return pd.read_parquet(content)
    except (pa.ArrowException, OSError, ValueError) as error:
        msg = f"{path}: not a prediction table: {error}"
        raise InputError(msg) from error


def _input_digests(table: Path) -> set[str]:
    return {entry["digest"] for entry in read_manifest(table)["inputs"]}
