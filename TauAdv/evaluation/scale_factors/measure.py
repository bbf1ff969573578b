"""Scale factors of all working points of a run by decay mode and pt, from a prediction table of a control region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.domain.contributions.contribution import Contribution, genuine_ids
from TauAdv.errors import InputError
from TauAdv.evaluation.measures.closure import require_data_and_simulation
from TauAdv.evaluation.measures.working_points import Thresholds
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, probability_column, require_columns
from TauAdv.evaluation.predictions.inference import PROBABILITY_COLUMNS
from TauAdv.evaluation.predictions.scores import score_against
from TauAdv.evaluation.scale_factors.efficiencies import ELSEWHERE, FAIL, PASS, RESULTS, Measurement, Sums, measure_bin
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings

__all__ = ["ScaleFactor", "ScaleFactors", "measure_scale_factors"]

# background -> column of a table without class probabilities, such as those of TauMLTools, that holds the score against it
_STORED = {"jet": "Djet"}
_TOO_MANY = 2.0  # standard deviations above 100 % that are reported


@dataclass(frozen=True)
class ScaleFactor:
    """Scale factor of one working point in one bin.

    Attributes:
        background: what taus are told from.
        working_point: name.
        threshold: on the score.
        decay_modes: of the bin.
        pt: range in GeV; the upper end of the last bin is infinite.
        measured: the numbers; ``None`` if there are none.
        reason: why there are none.
    """

    background: str
    working_point: str
    threshold: float
    decay_modes: tuple[int, ...]
    pt: tuple[float, float]
    measured: Measurement | None
    reason: str = ""

    @property
    def place(self) -> str:
        """The bin in words."""
        modes = ", ".join(map(str, self.decay_modes))
        upper = f" to {self.pt[1]:g} GeV" if np.isfinite(self.pt[1]) else " GeV and above"
        return f"decay mode {modes}, pt {self.pt[0]:g}{upper}"


@dataclass(frozen=True)
class ScaleFactors:
    """Scale factors of one run.

    Attributes:
        name: of the run.
        settings: how they were measured.
        factors: of all working points and bins.
        inclusive: of all working points, in all bins together.
        uncertainties: contribution -> relative uncertainty of its yield.
        scale: what all simulation was multiplied by.
        histograms: background -> axes (contribution, working point, result, decay modes, pt), weights and their squares.
    """

    name: str
    settings: ScaleFactorSettings
    factors: tuple[ScaleFactor, ...]
    inclusive: tuple[ScaleFactor, ...]
    uncertainties: Mapping[str, float]
    scale: float
    histograms: Mapping[str, hist.Hist]

    @property
    def warnings(self) -> list[str]:
        """What says that the other contributions are not described: more taus pass in data than there are."""
        found = [(one, one.measured.data) for one in (*self.factors, *self.inclusive) if one.measured is not None]
        above = [(one, data) for one, data in found if data.value > 1 + _TOO_MANY * data.error]
        if not above:
            return []
        one, data = above[0]
        where = f"vs {one.background} {one.working_point}, {one.place}: {data}"
        return [
            f"efficiency in data above 100 % by more than {_TOO_MANY:g} standard deviations in {len(above)} of {len(found)} "
            f"bins ({where}): more of the other contributions is subtracted from the taus that fail than there is; their "
            "efficiency or yield is not described"
        ]

    @property
    def empty(self) -> list[str]:
        """A line for every bin without a number."""
        return [
            f"vs {one.background} {one.working_point}, {one.place}: {one.reason}"
            for one in (*self.factors, *self.inclusive)
            if one.measured is None
        ]


def measure_scale_factors(
    table: pd.DataFrame,
    contributions: Sequence[Contribution],
    thresholds: Thresholds,
    settings: ScaleFactorSettings | None = None,
    *,
    name: str = "tagger",
) -> ScaleFactors:
    """Return the scale factors of working points.

    Args:
        table: predictions of a control region.
        contributions: what its dataset ids stand for; those that say so are genuine taus.
        thresholds: background -> working point -> threshold; a score above it passes.
        settings: see :class:`ScaleFactorSettings`.
        name: of the tagger.

    Raises:
        InputError: missing columns, values that are not finite, unknown contributions, none of genuine taus, no data, no
            simulation, or no thresholds against a background that is asked for.
    """
    settings = settings or ScaleFactorSettings()
    rows = {background: _Rows.of(table, contributions, background, settings) for background in settings.against}
    for background in settings.against:
        if not thresholds.get(background):
            known = ", ".join(key for key, points in thresholds.items() if points) or "none"
            msg = f"scale factors: no working points against {background}; there are thresholds against {known}"
            raise InputError(msg)
    uncertainties = {entry.name: entry.uncertainty for entry in contributions if entry.uncertainty}
    factors: list[ScaleFactor] = []
    inclusive: list[ScaleFactor] = []
    for background, of_background in rows.items():
        for point, threshold in thresholds[background].items():
            for places, modes, pt in _bins(settings):
                sums = of_background.sums(threshold, places)
                result = measure_bin(
                    sums,
                    settings.method,
                    normalise=settings.normalise,
                    min_expected=settings.min_expected,
                    uncertainties=uncertainties,
                )
                measured, reason = (None, result) if isinstance(result, str) else (result, "")
                one = ScaleFactor(background, point, threshold, modes, pt, measured, reason)
                (factors if len(places) == 1 else inclusive).append(one)
    scale = next(iter(rows.values())).scale if settings.normalise else 1.0
    histograms: dict[str, hist.Hist] = {name: one.histogram(thresholds[name], settings) for name, one in rows.items()}
    return ScaleFactors(name, settings, tuple(factors), tuple(inclusive), uncertainties, scale, histograms)


def _bins(settings: ScaleFactorSettings) -> Iterator[tuple[list[int], tuple[int, ...], tuple[float, float]]]:
    """Yield places, decay modes and pt range of every bin, then those of all bins together."""
    ends = [*settings.pt_edges[:-1], np.inf]
    width = len(ends) - 1
    for number, modes in enumerate(settings.decay_modes):
        for place in range(width):
            yield [number * width + place], modes, (ends[place], ends[place + 1])
    places = list(range(width * len(settings.decay_modes)))
    if len(places) > 1:
        yield places, tuple(mode for modes in settings.decay_modes for mode in modes), (ends[0], np.inf)


@dataclass(frozen=True)
class _Rows:
    """Taus of a control region.

    Attributes:
        names: of the contributions, data first.
        genuine: which of them are genuine taus.
        contribution: of each row, a number in ``names``.
        weights: of each row; 1 for data.
        score: of each row.
        place: number of the bin, decay modes first; -1: in none.
        width: number of pt bins.
    """

    names: tuple[str, ...]
    genuine: NDArray[np.bool_]
    contribution: NDArray[np.intp]
    weights: NDArray[np.float64]
    score: NDArray[np.float64]
    place: NDArray[np.intp]
    width: int

    @classmethod
    def of(
        cls, table: pd.DataFrame, contributions: Sequence[Contribution], background: str, settings: ScaleFactorSettings
    ) -> _Rows:
        require_columns(table, ["weights", "dataset_id", "tau_pt", "tau_decayMode"])
        check_rows(table, contributions)
        ordered = sorted(contributions, key=lambda entry: not entry.data)
        if not (known := set(genuine_ids(contributions))):
            msg = "scale factors: no contribution is of genuine taus ('genuine: true' in the file of the control region)"
            raise InputError(msg)
        ids = np.array([entry.dataset_id for entry in ordered])
        number = (table["dataset_id"].to_numpy()[:, None] == ids).argmax(axis=1)
        weights = np.where(number == 0, 1.0, finite_column(table, "weights"))
        require_data_and_simulation(number == 0, weights)
        genuine = np.array([entry.dataset_id in known for entry in ordered])
        names, width = tuple(entry.name for entry in ordered), len(settings.pt_edges) - 1
        return cls(names, genuine, number, weights, _score(table, background), _place(table, settings), width)

    @property
    def scale(self) -> float:
        """What makes the total of simulation that of data."""
        data = self.contribution == 0
        return float(self.weights[data].sum() / self.weights[~data].sum())

    def sums(self, threshold: float, places: Sequence[int]) -> Sums:
        """Return the sums of some bins together."""
        passes, inside = self.score > threshold, np.isin(self.place, places)
        result = np.where(inside, np.where(passes, PASS, FAIL), ELSEWHERE)
        index, size = self.contribution * 3 + result, 3 * len(self.names)
        values, variances = (
            np.bincount(index, self.weights**power, size).astype(np.float64).reshape(-1, 3) for power in (1, 2)
        )
        return Sums(self.names, self.genuine, values, variances)

    def histogram(self, thresholds: Mapping[str, float], settings: ScaleFactorSettings) -> hist.Hist:
        """Return sums of weights and of squared weights by contribution, working point, result, decay modes and pt."""
        modes = ["_".join(map(str, group)) for group in settings.decay_modes]
        found = hist.Hist(
            hist.axis.StrCategory(self.names, name="contribution"),
            hist.axis.StrCategory(list(thresholds), name="working_point"),
            hist.axis.StrCategory(RESULTS, name="result"),
            hist.axis.StrCategory(modes, name="decay_mode"),
            hist.axis.Variable(settings.pt_edges, name="pt", label="$p_T$ (GeV)", flow=False),
            storage=hist.storage.Weight(),
        )
        inside = self.place >= 0
        for number, threshold in enumerate(thresholds.values()):
            passes = (self.score > threshold).astype(np.intp)
            shape = (len(self.names), 2, len(modes), self.width)
            index = (self.contribution * 2 + passes) * len(modes) * self.width + self.place
            for part, power in (("value", 1), ("variance", 2)):
                sums = np.bincount(index[inside], self.weights[inside] ** power, int(np.prod(shape)))
                found.view(flow=False)[part][:, number] = sums.reshape(shape)
        return found


def _score(table: pd.DataFrame, background: str) -> NDArray[np.float64]:
    """Return the score against a background; tables of TauMLTools have that against jets alone."""
    if all(name in table for name in PROBABILITY_COLUMNS):
        values = np.stack([probability_column(table, name) for name in PROBABILITY_COLUMNS], axis=1)
        return score_against(np.clip(values, 0, 1), background)
    require_columns(table, [_STORED[background]] if background in _STORED else PROBABILITY_COLUMNS)
    return probability_column(table, _STORED[background])


def _place(table: pd.DataFrame, settings: ScaleFactorSettings) -> NDArray[np.intp]:
    pt, mode = finite_column(table, "tau_pt"), finite_column(table, "tau_decayMode")
    width = len(settings.pt_edges) - 1
    at = np.minimum(np.searchsorted(settings.pt_edges, pt, side="right") - 1, width - 1)
    found = np.full(len(pt), -1, np.intp)
    for number, modes in enumerate(settings.decay_modes):
        chosen = np.isin(mode, modes) & (at >= 0)
        found[chosen] = number * width + at[chosen]
    return found
