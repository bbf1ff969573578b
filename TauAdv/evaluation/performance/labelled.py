"""Scores of a run on labelled candidates: of a set of shards, or of the prediction table that the run holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.columns import finite_column, probability_column
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS, predict
from TauAdv.evaluation.predictions.origin import set_of
from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.evaluation.predictions.scores import BACKGROUNDS, score_against
from TauAdv.evaluation.predictions.tables import (
    PREDICTION_FILES,
    load_run_model,
    manifest_of_predictions,
    read_predictions,
    require_model_of_taus,
    require_run_features,
)
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.runs import Run
from TauAdv.runs.layout import MODEL, PREDICTIONS
from TauAdv.shards.store import ShardSet

__all__ = ["LabelledTaus", "Source"]

_TAU = TAU_CLASSES.index("tau")


@dataclass(frozen=True)
class Source:
    """Where the candidates come from.

    Attributes:
        run: whose model scores them.
        shards: classification set; ``None``: the table in the run.
    """

    run: Run
    shards: ShardSet | None = None

    @classmethod
    def of(cls, run: Run, test: Path | str | None) -> Source:
        """Return where the candidates of a run come from, checked without TensorFlow, which takes seconds to load.

        Raises:
            InputError: a set of another kind or feature table, a model that is not of taus, or a run without predictions.
        """
        if test is None:
            return cls(run)
        require_model_of_taus(run, with_head=False)
        shards = ShardSet.open(test)
        shards.require_kind("classification")
        require_run_features(run, shards)
        return cls(run, shards)

    @property
    def name(self) -> str:
        """What the candidates are called."""
        return f"predictions of {self.run.title}" if self.shards is None else self.shards.folder.resolve().name

    @property
    def inputs(self) -> list[Any]:
        """What a manifest says about them."""
        if self.shards is None:
            return [path for path in self._tables if path.is_file()][:1]
        return [describe_input(self.run.artifacts / MODEL), self.shards.description]

    @property
    def _tables(self) -> list[Path]:
        return [self.run.artifacts / PREDICTIONS / name for name in PREDICTION_FILES]

    def read(self, batch_size: int = 1000) -> LabelledTaus:
        """Return the candidates with their scores.

        Raises:
            InputError: as :func:`TauAdv.evaluation.predictions.tables.read_predictions`, or no genuine taus.
        """
        if self.shards is None:
            table = read_predictions(self.run, PROBABILITY_COLUMNS)
            return LabelledTaus.of(table, self.name, set_digest=set_of(manifest_of_predictions(self.run)))
        model = load_run_model(self.run, self.shards)
        table = predict(model, self.shards, batch_size=batch_size, use_adversarial_head=False).table
        overlap = trained_on(self.run, self.shards)
        return LabelledTaus.of(table, self.name, (overlap,) if overlap else (), self.shards.description["digest"])


@dataclass(frozen=True)
class LabelledTaus:
    """Candidates with labels, weights and scores.

    Attributes:
        table: prediction table of a classification set.
        scores: background -> score against it [n].
        weights: of the candidates [n].
        source: what they are called.
        warnings: what a reader should know of them.
        set_digest: of the set of shards; empty if it is not known.
    """

    table: pd.DataFrame
    scores: Mapping[str, NDArray[np.float64]]
    weights: NDArray[np.float64]
    source: str
    warnings: tuple[str, ...] = ()
    set_digest: str = ""

    @classmethod
    def of(cls, table: pd.DataFrame, source: str, warnings: tuple[str, ...] = (), set_digest: str = "") -> LabelledTaus:
        """Return the candidates of a prediction table.

        Raises:
            InputError: values that are no probabilities, weights that are not finite, or no genuine taus.
        """
        if not (table["y"] == _TAU).any():
            msg = (
                f"{source}: no genuine taus (y = {_TAU}) among {len(table)} candidates; the labels of a control region are "
                "data and simulation: expected a classification set, such as --test shards/test"
            )
            raise InputError(msg)
        values = np.stack([probability_column(table, name) for name in PROBABILITY_COLUMNS], axis=1)
        scores: dict[str, NDArray[np.float64]] = {name: score_against(np.clip(values, 0, 1), name) for name in BACKGROUNDS}
        return cls(table, scores, finite_column(table, "weights"), source, warnings, set_digest)

    def require_weights(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the weights of genuine taus, whose quantiles are needed.

        Raises:
            InputError: some are negative.
        """
        found = self.weights[rows]
        if negative := int((found < 0).sum()):
            msg = f"{self.source}: {negative} of {len(found)} genuine taus have negative weights, which no threshold can be"
            raise InputError(f"{msg} found with; weighted=false counts every candidate once")
        return found

    def are(self, name: str) -> NDArray[np.bool_]:
        """Return which candidates are of a class [n]."""
        return (self.table["y"] == TAU_CLASSES.index(name)).to_numpy()
