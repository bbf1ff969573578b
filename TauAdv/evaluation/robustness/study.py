"""A study of robustness: what runs say of a labelled test set, as it is and disturbed, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.discriminators import Discriminator, choose_discriminators
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.losses.history import loss_history
from TauAdv.evaluation.measures.roc import RocCurve, roc_curve
from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.evaluation.predictions.tables import load_run_model, require_run_features
from TauAdv.evaluation.robustness.attacked import DisturbedBatches, probabilities_of
from TauAdv.evaluation.robustness.epochs import epoch_models, predict_epochs
from TauAdv.evaluation.robustness.input_shapes import InputShapes
from TauAdv.evaluation.robustness.parts import PARTS
from TauAdv.evaluation.robustness.predictions import (
    DisturbedPredictions,
    locked_tables,
    predict_disturbed,
    prediction_file,
    require_room,
    write_disturbed,
)
from TauAdv.evaluation.robustness.settings import RobustnessSettings
from TauAdv.evaluation.robustness.tables import (
    as_table,
    confusion_matrix,
    measure_all,
    recovered_fractions,
    region_table,
    require_all_classes,
    score_shapes,
)
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import CHECKPOINTS, STEP_METRICS
from TauAdv.shards.row_types import VECTORS
from TauAdv.shards.store import ShardSet

__all__ = ["RobustnessStudy", "evaluate_robustness"]

_ROC_POINTS = np.arange(0.01, 0.9999, 0.01)
_NEED_PREDICTIONS = {"roc", "scores", "confusion", "regions", "transfer", "inputs"}


@dataclass(frozen=True)
class RobustnessStudy:
    """Results; what was not asked for is empty.

    Attributes:
        settings: how they were made.
        run_ids: label -> run; the first one is the reference.
        test: folder of the test set.
        rows: what rows are called, jets or taus.
        counts: rows by class.
        discriminators: scores that were looked at.
        performance: AUC and efficiencies by run, disturbance and discriminator.
        recovered: what the other runs win back of the AUC that the first one loses.
        regions: the same as ``performance`` in bins of pt and abs(eta).
        transfer: AUC by disturbance, run it was made with and run that reads it.
        scan: AUC and efficiencies by run, disturbance and eps.
        epochs: AUC and efficiencies by run, epoch and disturbance.
        history: losses by run, metric and epoch.
        divergences: of the inputs, by run, disturbance, input and flavour.
        roc: (discriminator, run, disturbance) -> curve.
        scores: (discriminator, run) -> histogram (disturbance, flavour, score).
        confusion: (run, disturbance) -> matrix.
        inputs: histograms of the inputs.
        prediction_file: table that was written into the artifacts of each run; ``None`` if no part needed predictions.
        warnings: what makes the figures less than they seem.
    """

    settings: RobustnessSettings
    run_ids: Mapping[str, str]
    test: Path
    rows: str
    counts: Mapping[str, int]
    discriminators: Sequence[Discriminator]
    performance: pd.DataFrame = field(default_factory=pd.DataFrame)
    recovered: pd.DataFrame = field(default_factory=pd.DataFrame)
    regions: pd.DataFrame = field(default_factory=pd.DataFrame)
    transfer: pd.DataFrame = field(default_factory=pd.DataFrame)
    scan: pd.DataFrame = field(default_factory=pd.DataFrame)
    epochs: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    divergences: pd.DataFrame = field(default_factory=pd.DataFrame)
    roc: Mapping[tuple[str, str, str], RocCurve] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], hist.Hist] = field(default_factory=dict)
    confusion: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    inputs: InputShapes | None = None
    prediction_file: str | None = None
    warnings: tuple[str, ...] = ()

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that are not empty, by name."""
        names = ("performance", "recovered", "regions", "transfer", "scan", "epochs", "history", "divergences")
        return {name: getattr(self, name) for name in names if len(getattr(self, name))}


def evaluate_robustness(
    mlpath: Path | str,
    run_ids: Mapping[str, str],
    test: Path | str,
    settings: RobustnessSettings,
    *,
    parts: Sequence[str] | None = None,
    overwrite: bool = False,
) -> RobustnessStudy:
    """Measure runs on a labelled test set under disturbances; write their predictions into them.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns`` if the runs belong to several experiments.
        run_ids: label -> run id; the first one is the reference (usually the nominal training).
        test: labelled set of jets or taus, not used in training.
        settings: disturbances and measures.
        parts: what to measure (:data:`PARTS`); default: all that the set and the runs allow.
        overwrite: replace predictions of the same set and settings that an earlier model of a run made.

    Raises:
        InputError: unknown run or part, run without model, a test set of another feature table, without labels or without a
            class.
        ConfigError: an attack that does not fit the inputs.
        OutputExistsError: predictions of an earlier model are there.
        OutputLockedError: another process writes predictions of this set and these settings into one of the runs.
    """
    runs = {label: find_run(mlpath, run_id) for label, run_id in run_ids.items()}
    shards = ShardSet.open(test)
    shards.require_kind("classification")
    study = _Study(runs, shards, settings, _chosen_parts(parts, runs, shards))
    with locked_tables(runs, shards, settings) if study.writes else nullcontext():
        return study.measure(overwrite)


def _chosen_parts(parts: Sequence[str] | None, runs: Mapping[str, Run], shards: ShardSet) -> list[str]:
    if parts is None:
        possible = {
            "epochs": _all_have_epochs(runs),
            "inputs": shards.row_type.is_vector,
            "history": _all_have_losses(runs),
        }
        return [part for part in PARTS if possible.get(part, True)]
    for part in parts:
        if part not in PARTS:
            msg = f"part '{part}'{nearest(part, PARTS)}: expected some of {', '.join(PARTS)}"
            raise InputError(msg)
    if "inputs" in parts and not shards.row_type.is_vector:
        msg = (
            f"{shards.folder}: input shapes are made of {VECTORS}, received {shards.rows_name}; leave out the part 'inputs'"
        )
        raise InputError(msg)
    return list(parts)


def _all_have_epochs(runs: Mapping[str, Run]) -> bool:
    return all(any((run.artifacts / CHECKPOINTS).glob("epoch_*.keras")) for run in runs.values())


def _all_have_losses(runs: Mapping[str, Run]) -> bool:
    return all(any("loss" in name and not name.startswith(STEP_METRICS) for name in run.metrics) for run in runs.values())


@dataclass(frozen=True)
class _Study:
    runs: Mapping[str, Run]
    shards: ShardSet
    settings: RobustnessSettings
    parts: Sequence[str]

    @property
    def writes(self) -> bool:
        """Whether tables of predictions are made."""
        return bool(_NEED_PREDICTIONS & set(self.parts))

    def measure(self, overwrite: bool) -> RobustnessStudy:
        settings, shards = self.settings, self.shards
        discriminators = choose_discriminators(shards.classes, settings.discriminators)
        label = shards.columns(["label"])["label"][: settings.rows]
        require_all_classes(label, discriminators, shards.folder)
        found: dict[str, Any] = {"discriminators": discriminators}
        for run in self.runs.values():
            require_run_features(run, shards)
        if self.writes:
            require_room(self.runs, shards, settings, overwrite=overwrite)
        models = {name: load_run_model(run, shards) for name, run in self.runs.items()}
        if self.writes:
            found |= self.predictions(models, discriminators)
        if "scan" in self.parts:
            found["scan"] = self.scan(models, discriminators)
        if "epochs" in self.parts:
            found["epochs"] = self.epochs(discriminators)
        if "history" in self.parts:
            found["history"] = loss_history(self.runs)
        return RobustnessStudy(
            settings=settings,
            run_ids={name: run.id for name, run in self.runs.items()},
            test=shards.folder,
            rows=shards.rows_name,
            counts={name: int((label == number).sum()) for number, name in enumerate(shards.classes)},
            warnings=tuple(text for run in self.runs.values() if (text := trained_on(run, shards)) is not None),
            **found,
        )

    def predictions(self, models: Mapping[str, Any], discriminators: Sequence[Discriminator]) -> dict[str, Any]:
        """Return everything that follows from the prediction tables."""
        settings, features = self.settings, self.shards.table
        shapes = None
        if "inputs" in self.parts:
            options: dict[str, Any] = {"most_rows": settings.scan_rows, "weighted": settings.weighted}
            shapes = InputShapes(features, settings.input_variables, settings.bins, **options)
        transfer = "transfer" in self.parts and len(models) > 1
        observe = None if shapes is None else shapes.observe
        predicted = predict_disturbed(models, self.shards, settings, transfer=transfer, observe=observe)
        write_disturbed(predicted, self.runs, self.shards, settings)
        found = self._tables(predicted, discriminators)
        if transfer:
            found["transfer"] = self._transfer(predicted, discriminators)
        if shapes is not None:
            found["inputs"] = shapes
            found["divergences"] = pd.concat([shapes.divergences(name) for name in models], ignore_index=True)
        return found

    def _tables(self, predicted: DisturbedPredictions, discriminators: Sequence[Discriminator]) -> dict[str, Any]:
        settings, own, label = self.settings, predicted.own(), predicted.label
        weights = self._weights(predicted.columns["weight"])
        found: dict[str, Any] = {"prediction_file": prediction_file(self.shards, settings)}
        if "roc" in self.parts:
            measured = measure_all(own, discriminators, label, weights, settings)
            found["performance"] = as_table(measured, ["run", "disturbance", "discriminator"], settings)
            found["recovered"] = recovered_fractions(measured)
            found["roc"] = {
                (one.name, *key): _curve(one, values, label, weights)
                for one in discriminators
                for key, values in own.items()
            }
        if "regions" in self.parts:
            names = ["run", "disturbance"]
            found["regions"] = region_table(own, names, discriminators, predicted.columns, weights, settings)
        if "confusion" in self.parts:
            found["confusion"] = {key: confusion_matrix(values, label, weights) for key, values in own.items()}
        if "scores" in self.parts:
            found["scores"] = {
                (one.name, run): score_shapes(self._of(own, run), one, label, weights, settings.bins)
                for one in discriminators
                for run in self.runs
            }
        return found

    @staticmethod
    def _of(own: Mapping[tuple[str, str], NDArray], run: str) -> dict[str, NDArray]:
        return {disturbance: values for (name, disturbance), values in own.items() if name == run}

    def _transfer(self, predicted: DisturbedPredictions, discriminators: Sequence[Discriminator]) -> pd.DataFrame:
        attacks = self.settings.transferred
        chosen = {key: values for key, values in predicted.probabilities.items() if key[0] in attacks}
        weights = self._weights(predicted.columns["weight"])
        measured = measure_all(chosen, discriminators, predicted.label, weights, self.settings)
        return as_table(measured, ["disturbance", "made_with", "read_by", "discriminator"], self.settings)

    def _weights(self, weights: NDArray[Any]) -> NDArray[Any]:
        return weights if self.settings.weighted else np.ones(len(weights))

    def scan(self, models: Mapping[str, Any], discriminators: Sequence[Discriminator]) -> pd.DataFrame:
        """Return AUC and efficiencies against eps; each run reads what was made with itself."""
        settings = self.settings
        shards = self.shards.head(min(settings.scan_rows, settings.rows or self.shards.num_rows))
        attacks = {name: settings.at_eps_one(name) for name in settings.scanned}
        columns = shards.columns(["label", "weight"])
        found: dict[tuple[str, str, float], list[NDArray]] = {}
        for name, model in models.items():
            batches = DisturbedBatches({name: model}, shards, attacks, batch_size=settings.batch_size, seed=settings.seed)
            compute = probabilities_of(model)
            for eps, attacked in batches(settings.eps, title=f"scan of {name}"):
                found.setdefault((name, attacked.disturbance, eps), []).append(compute(attacked.inputs))
        probabilities = {key: np.concatenate(values) for key, values in found.items()}
        weights = self._weights(columns["weight"])
        measured = measure_all(probabilities, discriminators, columns["label"], weights, settings)
        return as_table(measured, ["run", "disturbance", "eps", "discriminator"], settings)

    def epochs(self, discriminators: Sequence[Discriminator]) -> pd.DataFrame:
        """Return AUC and efficiencies of the models of the epochs."""
        settings, tables = self.settings, []
        for name, run in self.runs.items():
            probabilities = predict_epochs(epoch_models(run, settings.most_epochs), self.shards, settings)
            size = len(next(iter(probabilities.values())))
            columns = self.shards.head(size).columns(["label", "weight"])
            weights = self._weights(columns["weight"])
            measured = measure_all(probabilities, discriminators, columns["label"], weights, settings)
            tables.append(as_table(measured, ["epoch", "disturbance", "discriminator"], settings).assign(run=name))
        return pd.concat(tables, ignore_index=True)


def _curve(discriminator: Discriminator, values: NDArray, label: NDArray, weights: NDArray) -> RocCurve:
    score = discriminator.score(values)
    (signal, background) = discriminator.sides(label)
    return roc_curve(score[signal], score[background], weights[signal], weights[background], points=_ROC_POINTS)
