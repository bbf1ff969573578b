"""Histograms of the scores of a run in the control region, by contribution: what closure plots show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import hist
import numpy as np
import pandas as pd

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.evaluation.adaptation.results import RunResult
from TauAdv.evaluation.measures.histograms import fill_histograms
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS
from TauAdv.evaluation.predictions.scores import score_against

__all__ = ["Stack", "stacks_of"]

#: Class that a score is against -> its label on an axis.
_SCORES = {"jet": "$D_{jet}$", "e": "$D_{e}$", "mu": r"$D_{\mu}$"}
_BINS = 40
_HARDLY_SEEN = 0.02  # of the height of a plot
_RANGES = {"": (0.0, 1.0), "top": (0.9, 1.0)}  # 40 bins in the upper one are bins of 0.0025


@dataclass(frozen=True)
class Stack:
    """Data and simulation of a score; simulation is scaled to the total of data.

    Attributes:
        name: of files: ``Djet``, ``Djet_top``, ``yadv`` and so on.
        score: in words.
        histogram: axes (contribution, value) with weighted storage.
    """

    name: str
    score: str
    histogram: hist.Hist

    @property
    def logarithmic(self) -> bool:
        """Whether a linear axis would show hardly anything beside the fullest bin."""
        values = self.histogram.values().sum(axis=0)
        return bool(np.median(values) < _HARDLY_SEEN * values.max())


def stacks_of(result: RunResult, contributions: Sequence[Contribution]) -> list[Stack]:
    """Return the scores against jets, electrons and muons, each in the full range and in [0.9, 1], and y_adv.

    Bins are 0.025 and 0.0025 wide. The range of y_adv, which a run without adversarial head does not have, holds what lies
    within four widths of the means.
    """
    known, found = list(contributions), []
    drawn = result.control[["weights", "dataset_id"]].copy()
    drawn["weights"] *= result.closure.overall.value
    probabilities = result.control[list(PROBABILITY_COLUMNS)].to_numpy()
    for against, label in _SCORES.items():
        drawn["score"] = score_against(probabilities, against)
        for part, ends in _RANGES.items():
            name = "_".join(text for text in (f"D{against}", part) if text)
            histogram = fill_histograms(drawn, "score", known, bins=_BINS, value_range=ends, label=label)
            found.append(Stack(name, f"D{against}{' above 0.9' if part else ''}", histogram))
    if result.y_adv is not None:
        drawn["score"] = result.control["y_pred_adv"]
        found.append(Stack("yadv", "output of the adversarial head", _adversarial(drawn, result, known)))
    return found


def _adversarial(drawn: pd.DataFrame, result: RunResult, contributions: list[Contribution]) -> hist.Hist:
    assert result.y_adv is not None
    ends = [(mean.value - 4 * width.value, mean.value + 4 * width.value) for mean, width in result.y_adv.values()]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    low, high = max(0.0, np.floor(100 * low) / 100), min(1.0, np.ceil(100 * high) / 100)
    if low >= high:  # one value alone
        low, high = 0.0, 1.0
    return fill_histograms(drawn, "score", contributions, bins=_BINS, value_range=(low, high), label="$y_{adv}$")
