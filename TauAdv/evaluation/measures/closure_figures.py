"""The figures of a closure test for any weights of its rows, found fast: for bootstraps and varied weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.contributions.contribution import Contribution, data_id, genuine_ids
from TauAdv.evaluation.measures.closure import require_data_and_simulation
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, require_columns

__all__ = ["ClosureFigures"]

Floats = NDArray[np.float64]


class ClosureFigures:
    """Rates and chi2/ndf in the top parts of the genuine taus, and yields and rates of each decay mode.

    They are those of :func:`TauAdv.evaluation.measures.closure.closure_test` and
    :func:`TauAdv.evaluation.measures.closure_bins.closure_in_bins`; thresholds follow the weights.

    Attributes:
        names: of the figures, in the order of their values.
        is_data: which rows are data.
        weights: of all rows, those of data 1.

    Args:
        table: prediction table with Djet, weights, dataset_id, and tau_decayMode if it is known.
        contributions: what the dataset ids stand for.
        fraction: part of the genuine taus in the region of chi2/ndf.
        tight: part in the second region.
        bins: of chi2/ndf.

    Raises:
        InputError: missing columns, unknown contributions, values that are not finite, one side only.
    """

    def __init__(
        self, table: pd.DataFrame, contributions: list[Contribution], *, fraction: float, tight: float, bins: int
    ) -> None:
        require_columns(table, ["Djet", "weights", "dataset_id"])
        check_rows(table, contributions)
        self.is_data = (table["dataset_id"] == data_id(contributions)).to_numpy()
        given = finite_column(table, "weights")
        require_data_and_simulation(self.is_data, given)
        self.weights = np.where(self.is_data, 1.0, given)
        self._score = finite_column(table, "Djet")
        genuine = np.flatnonzero(table["dataset_id"].isin(genuine_ids(contributions)))
        self._genuine = genuine[np.argsort(self._score[genuine], kind="stable")]
        self._parts = np.r_[np.linspace(1 - fraction, 1, bins + 1)[:-1], 1 - tight]
        has_modes = "tau_decayMode" in table
        mode = finite_column(table, "tau_decayMode") if has_modes else np.zeros(len(table))
        modes, self._mode = np.unique(mode, return_inverse=True)
        self._modes = len(modes) if has_modes else 0
        top, inner = (f"top {100 * part:g} %" for part in (fraction, tight))
        self.names = [f"data/MC, {top}", f"data/MC, {inner}", f"chi2/ndf, {top}"]
        for figure in ("yield", f"data/MC, {top}"):
            self.names += [f"{figure}, decay mode {value:g}" for value in modes[: self._modes]]

    def __call__(self, factors: Floats | None = None) -> Floats:
        """Return the figures; ``factors`` multiply the weights of all rows. NaN where there is no simulation."""
        weights = self.weights if factors is None else self.weights * factors
        edges = self._edges(weights)
        sides = [self._side(side, weights, edges) for side in (self.is_data, ~self.is_data)]
        (data, data_modes, _), (mc, mc_modes, squares) = sides
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = data.sum() / mc.sum()
            above = [self._score >= edges[place] for place in (0, -1)]
            rates = [self._sums(weights, rows) for rows in above]
            first = data_modes.sum(axis=1) / mc_modes.sum(axis=1) / scale
            region = data_modes[:, 1] / mc_modes[:, 1] / scale
            values = [*(one / other / scale for one, other in rates), self._chi2(data[1:], mc[1:], squares[1:], scale)]
        return np.r_[values, first[: self._modes], region[: self._modes]]

    def _edges(self, weights: Floats) -> Floats:
        """Return the lower edges of the bins, and the threshold of the second region."""
        cumulative = np.cumsum(weights[self._genuine])
        places = np.searchsorted(cumulative, (self._parts - 1e-12) * cumulative[-1])
        return self._score[self._genuine[np.minimum(places, len(cumulative) - 1)]]

    def _side(self, side: NDArray[np.bool_], weights: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
        """Return sums of weights by bin (the first is below the region) and by decay mode, below and in the region."""
        count = len(edges)
        at = np.searchsorted(edges[:-1], self._score[side], side="right")
        of_side = weights[side]
        sums, squares = (np.bincount(at, of_side**power, count).astype(np.float64) for power in (1, 2))
        size = max(self._modes, 1)
        modes = np.bincount(2 * self._mode[side] + (at > 0), of_side, 2 * size).astype(np.float64)
        return sums, modes.reshape(-1, 2), squares

    def _sums(self, weights: Floats, rows: NDArray[np.bool_]) -> Floats:
        return np.array([weights[rows & side].sum() for side in (self.is_data, ~self.is_data)])

    @staticmethod
    def _chi2(data: Floats, mc: Floats, squares: Floats, scale: float) -> float:
        variance = np.where(data > 0, data, np.maximum(mc * scale, 0)) + squares * scale**2
        filled = variance > 0
        return float(np.sum((data - mc * scale)[filled] ** 2 / variance[filled]) / filled.sum())
