"""What taggers say of disturbed inputs: computed batch by batch, and kept in the runs as Parquet tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.attacks.settings import AttackSettings
from TauAdv.errors import InputError
from TauAdv.evaluation.attacked import AttackedBatch, AttackedBatches, probabilities_of
from TauAdv.evaluation.robustness_settings import RAW, RobustnessSettings
from TauAdv.outputs import finished, new_file, write_manifest
from TauAdv.shards.store import ShardSet
from TauAdv.tracking import Run

__all__ = [
    "PREDICTION_FILE",
    "DisturbedPredictions",
    "predict_disturbed",
    "read_disturbed",
    "require_room",
    "write_disturbed",
]

PREDICTION_FILE = "predictions/robustness.parquet"
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
    disturbances = {RAW: AttackSettings(kind="none"), **settings.disturbances}
    batches = AttackedBatches(models, shards, disturbances, batch_size=settings.batch_size, seed=settings.seed)
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


def _decisive(run: Run, settings: RobustnessSettings, others: Sequence[str]) -> dict[str, Any]:
    keys = {"disturbances", "rows", "batch_size", "seed"}
    return {"run": run.id, "first_run": others[0], **settings.model_dump(mode="json", include=keys)}


def require_room(runs: Mapping[str, Run], shards: ShardSet, settings: RobustnessSettings, *, overwrite: bool) -> None:
    """Check that no run holds a table that was made of another set or otherwise.

    Raises:
        OutputExistsError: one does, and ``overwrite`` is false.
    """
    ids = [run.id for run in runs.values()]
    for run in runs.values():
        options: dict[str, Any] = {"settings": _decisive(run, settings, ids), "inputs": _inputs(run, shards)}
        finished(run.artifacts / PREDICTION_FILE, step=STEP, overwrite=overwrite, **options)


def write_disturbed(
    predictions: DisturbedPredictions, runs: Mapping[str, Run], shards: ShardSet, settings: RobustnessSettings
) -> list[Path]:
    """Write the table of every run into its artifacts, with a manifest beside it; return the paths."""
    ids = [run.id for run in runs.values()]
    paths = []
    for label, run in runs.items():
        path, table = run.artifacts / PREDICTION_FILE, predictions.table(label)
        with new_file(path) as temporary:
            table.to_parquet(temporary, index=False)
            path.unlink(missing_ok=True)  # the manifest never belongs to another table
            counts = {"rows": len(table), "in set": shards.num_rows}
            decisive = _decisive(run, settings, ids)
            write_manifest(
                path, step=STEP, settings=decisive, inputs=_inputs(run, shards), counts=counts, seed=settings.seed
            )
        paths.append(path)
    return paths


def read_disturbed(run: Run) -> pd.DataFrame:
    """Return the table of a run (see :meth:`DisturbedPredictions.table`).

    Raises:
        InputError: the run has none.
    """
    return pd.read_parquet(run.require_file(PREDICTION_FILE, "Evaluation/evaluate_robustness.py makes it"))


def _inputs(run: Run, shards: ShardSet) -> list[Path]:
    return [run.artifacts / "model" / "model.keras", shards.folder]
