"""Input features of a control region, data against simulation: which of them the simulation describes worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.features.blocks import Feature
from TauAdv.features.scaling import ScalingConstants
from TauAdv.shards.store import ShardSet

__all__ = ["InputDistribution", "input_distributions", "ranking"]

SIDES = ("data", "MC")
_TAILS = (0.005, 0.995)
_FEWEST = 20  # values of each side, below which nothing can be said
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class InputDistribution:
    """A feature of data and simulation; the simulation is scaled to the total of data.

    Attributes:
        name: of the feature: ``block/feature``; in a cell ``grid block/feature``.
        histogram: axes (side, value) with weighted storage, in physical units.
        distance: part of the values that would have to be elsewhere for the shapes to be equal; 0 to 1.
        by_chance: distance that is expected of equal distributions, from statistics alone. The values of several cells of
            one tau are not independent: there it is larger.
    """

    name: str
    histogram: hist.Hist
    distance: float
    by_chance: float


def input_distributions(shards: ShardSet, *, most_rows: int = 20_000, bins: int = 30) -> list[InputDistribution]:
    """Return the features of an adversarial set of taus, those that disagree most first.

    Features of the tau and of the filled cells of each grid, where the object is there and the feature is valid. The range
    holds 99 % of the values of both sides. Simulation has the weights of the set.

    Args:
        shards: set with data and simulation.
        most_rows: taus beyond are left out.
        bins: of each histogram.

    Raises:
        InputError: the set is of another kind, has no grids of cells, or lacks data or simulation.
    """
    shards.require_kind("adversarial")
    if shards.row_type.is_vector:
        msg = f"{shards.folder}: expected taus with cells of grids; jets are drawn by notebooks/explore_dataset.ipynb"
        raise InputError(msg)
    taus, columns = shards.take(slice(0, most_rows))
    is_data, weight = columns["label"] == 1, columns["weight"].astype(np.float64)
    if is_data.all() or not is_data.any():
        msg = f"{shards.folder}: {int(is_data.sum())} taus of data, {int((~is_data).sum())} of simulation; both are needed"
        raise InputError(msg)
    found = []
    for name, feature, values, rows in _columns(taus, shards.table):
        distribution = _distribution(name, feature, values, is_data[rows], weight[rows], bins)
        found += [] if distribution is None else [distribution]
    return sorted(found, key=lambda each: each.by_chance - each.distance)


def ranking(distributions: Sequence[InputDistribution]) -> pd.DataFrame:
    """Return a row for each feature: name, distance, distance by chance, values of data."""
    columns = ["feature", "distance", "by chance", "values of data"]
    counts = [float(each.histogram.values(flow=True)[0].sum()) for each in distributions]
    rows = [(each.name, each.distance, each.by_chance, count) for each, count in zip(distributions, counts, strict=True)]
    return pd.DataFrame(rows, columns=columns)


def _columns(taus: Any, table: Any) -> Iterator[tuple[str, Feature, Floats, NDArray[np.intp]]]:
    """Yield name, feature, physical values and the taus that they are of."""
    features = table.features("tau")
    yield from _valid("", features, taus.tau, np.arange(len(taus)), "inner")
    features = table.features("cell")
    for grid, cells in taus.cells.items():
        yield from _valid(f"{grid} ", features, cells.values, cells.index[:, 0].astype(np.intp), grid, table.blocks)


def _valid(
    prefix: str, features: Sequence[Feature], scaled: NDArray, rows: NDArray[np.intp], grid: str, blocks: Any = None
) -> Iterator[tuple[str, Feature, Floats, NDArray[np.intp]]]:
    """Yield the columns of a matrix, without objects that are not there and features that are not valid."""
    constants = ScalingConstants.of(features, grid)
    physical = constants.invert(scaled).astype(np.float64)
    there: dict[str, NDArray[np.bool_]] = {}
    for number, feature in enumerate(features):
        if blocks is not None and blocks[feature.block].collection is None:
            continue  # the tau's own features, the same in each of its cells
        if feature.block not in there:
            block = [place for place, other in enumerate(features) if other.block == feature.block]
            there[feature.block] = np.ones(len(scaled), bool) if blocks is None else (scaled[:, block] != 0).any(axis=1)
        used = there[feature.block] & ((scaled[:, number] != feature.default) if feature.guards else True)
        yield f"{prefix}{feature.path}", feature, physical[used, number], rows[used]


def _distribution(
    name: str, feature: Feature, values: Floats, is_data: NDArray[np.bool_], weight: Floats, bins: int
) -> InputDistribution | None:
    """Return the histogram of a feature; ``None`` if a side has too few values, or both a single one."""
    if min(is_data.sum(), (~is_data).sum()) < _FEWEST or weight[~is_data].sum() <= 0:
        return None
    low, high = np.quantile(values, _TAILS)
    if feature.integer:
        low, high = np.floor(low) - 0.5, np.ceil(high) + 0.5
        bins = int(min(bins, high - low))
        high = low + bins * np.ceil((high - low) / bins)
    if not low < high or values.min() == values.max():
        return None
    weight = np.where(is_data, 1.0, weight)
    weight[~is_data] *= is_data.sum() / weight[~is_data].sum()
    label = " ".join(text for text in (feature.label or feature.name, f"[{feature.unit}]" if feature.unit else "") if text)
    sides = hist.axis.StrCategory(list(SIDES), name="side")
    axis = hist.axis.Regular(bins, float(low), float(high), name="value", label=label)
    histogram = hist.Hist(sides, axis, storage=hist.storage.Weight())
    for side, rows in zip(SIDES, (is_data, ~is_data), strict=True):
        histogram.fill(side, values[rows], weight=weight[rows])
    return InputDistribution(name, histogram, *_disagreement(histogram))


def _disagreement(histogram: hist.Hist) -> tuple[float, float]:
    """Return the distance and what is expected by chance; values outside the range are bins of their own."""
    data, mc = histogram.values(flow=True)[:2]
    spread = np.sqrt(np.asarray(histogram.variances(flow=True))[:2].sum(axis=0))
    by_chance = np.sqrt(2 / np.pi) * spread  # mean of the absolute value of a normal distribution
    return tuple(float(0.5 * each.sum() / data.sum()) for each in (np.abs(data - mc), by_chance))  # type: ignore[return-value]
