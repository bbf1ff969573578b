"""Closure in bins of decay mode, pT and |eta|: how many taus there are (yield), and how they score (shape), apart.

Three quantities are compared between data and simulation, which is scaled to the total of data:

* ``yield``: taus in a bin, whatever their score. It tells whether the composition of the sample is described.
* ``shape``: the part of the taus of a bin that is in a region of the score, normalised inside the bin. It tells whether the
  score is described.
* ``rate``: taus of a bin in a region: the product of both.

A decay mode that migrates shows in yields and not in shapes; a score that is shifted shows in shapes and not in yields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from TauAdv.domain.contributions.contribution import Contribution, data_id
from TauAdv.evaluation.measures.closure import require_data_and_simulation
from TauAdv.evaluation.measures.toys import (
    Counts,
    Floats,
    counts_in,
    data_over_mc,
    deviations,
    draw_toys,
    enough,
    global_p_value,
    p_values,
)
from TauAdv.evaluation.predictions.columns import check_rows, finite_column, require_columns
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["ALL_SCORES", "TAU_AXES", "BinAxis", "ClosureBins", "closure_in_bins"]

#: Region of yields.
ALL_SCORES = "all scores"
TESTED = ("yield", "shape")


@dataclass(frozen=True)
class BinAxis:
    """A variable in whose bins data and simulation are compared.

    Attributes:
        name: of the variable, in tables.
        column: of the prediction table.
        boundaries: between the bins, rising: the first bin is all below the first one, the last all above the last one;
            ``None``: each value that occurs is a bin.
        unit: of the boundaries.
        absolute: whether the sign is left out.
    """

    name: str
    column: str
    boundaries: tuple[float, ...] | None = None
    unit: str = ""
    absolute: bool = False

    def bins_of(self, table: pd.DataFrame) -> tuple[NDArray[np.intp], list[str]]:
        """Return the bin of every row, and the names of the bins.

        Raises:
            InputError: values that are not finite.
        """
        values = finite_column(table, self.column)
        values = np.abs(values) if self.absolute else values
        if self.boundaries is None:
            found, of_row = np.unique(values, return_inverse=True)
            return of_row.reshape(-1), [f"{self.name} {value:g}" for value in found]
        return np.searchsorted(self.boundaries, values, side="right"), self._names(self.boundaries)

    def _names(self, boundaries: Sequence[float]) -> list[str]:
        unit = f" {self.unit}" if self.unit else ""
        between = [f"{self.name} {low:g} to {high:g}{unit}" for low, high in pairwise(boundaries)]
        return [f"{self.name} below {boundaries[0]:g}{unit}", *between, f"{self.name} above {boundaries[-1]:g}{unit}"]


#: Bins of taus: decay mode, pT and |eta|.
TAU_AXES = (
    BinAxis("decay mode", "tau_decayMode"),
    BinAxis("pT", "tau_pt", (30.0, 40.0, 50.0, 70.0), "GeV"),
    BinAxis("|eta|", "tau_eta", (0.8, 1.5), absolute=True),
)


@dataclass(frozen=True)
class ClosureBins:
    """Yields, shapes and rates in bins.

    Attributes:
        table: a row for each variable, bin, quantity and region: ``variable``, ``bin``, ``quantity`` (``yield``, ``shape``,
            ``rate``), ``region``, ``data`` (taus), ``mc`` (scaled: to all data, for a shape to the data of the bin),
            ``mc_effective`` (effective taus of simulation), ``value`` (data/MC) and its statistical ``error``,
            ``deviations`` (of data from simulation, in standard deviations), ``p_value``, ``method`` (``normal``; ``toys``
            where counts are small; ``none`` where nothing can be tested).
        global_p_value: of ``yield``, ``shape`` and ``both``: probability that chance alone gives a bin with a p-value as
            small as the smallest one. It counts all bins and regions, by toys that keep their correlations.
        most_deviating: row of ``table`` with the smallest p-value of yields and shapes; ``None`` if nothing was tested.
        samples: number of toys; smaller p-values than one over it are bounds.
        left_out: number of bins of two variables that are not in the table: too few taus are expected there.
        problems: bins in which the weights of simulation do not sum to something positive, in words.
    """

    table: pd.DataFrame
    global_p_value: Mapping[str, float]
    most_deviating: int | None
    samples: int
    left_out: int = 0
    problems: tuple[str, ...] = ()

    def rows(self, variable: str, quantity: str, region: str = ALL_SCORES) -> pd.DataFrame:
        """Return the rows of a variable, quantity and region."""
        table = self.table
        wanted = (table["variable"] == variable) & (table["quantity"] == quantity) & (table["region"] == region)
        return table[wanted]


def closure_in_bins(
    table: pd.DataFrame,
    contributions: list[Contribution],
    regions: Mapping[str, float],
    *,
    column: str = "Djet",
    axes: Sequence[BinAxis] = TAU_AXES,
    samples: int = 1000,
    seed: int = 1,
) -> ClosureBins:
    """Compare data with simulation in bins of variables and of each two of them.

    A simulated tau of weight 2 counts as one effective tau; two equal rows of weight 1 are two. Negative weights are
    summed with their sign; where the sum of a bin is not positive, the bin is named and not tested.

    Args:
        table: prediction table with the score, weights, dataset_id and the columns of the axes.
        contributions: what the dataset ids stand for.
        regions: name -> threshold: taus with at least this score are in the region.
        column: score.
        axes: variables.
        samples: number of toys.
        seed: of the toys.

    Raises:
        InputError: missing columns, unknown contributions, values that are not finite, no data, or simulation without
            positive weight in total.
    """
    require_columns(table, [column, "weights", "dataset_id", *(axis.column for axis in axes)])
    check_rows(table, contributions)
    is_data = (table["dataset_id"] == data_id(contributions)).to_numpy()
    weights = finite_column(table, "weights")
    require_data_and_simulation(is_data, weights)
    thresholds = np.unique(numbers(as_array(list(regions.values()), "thresholds"), "thresholds").astype(np.float64))
    interval = np.searchsorted(thresholds, finite_column(table, column), side="right")
    binned = [axis.bins_of(table) for axis in axes]
    keys = np.stack([interval, *(bins for bins, _ in binned)], axis=1)
    cells, of_row = np.unique(keys, axis=0, return_inverse=True)
    counts = counts_in(of_row.reshape(-1), is_data, weights, len(cells))
    inside = {name: cells[:, 0] > np.searchsorted(thresholds, value) for name, value in regions.items()}
    everything = np.ones(len(cells), bool)
    tests, left_out = [], 0
    for variables in _groups(len(axes)):
        for name, members in _bins_of(cells, binned, variables):
            if len(variables) > 1 and not _is_tested(counts, members):
                left_out += 1
                continue
            title = " and ".join(axes[number].name for number in variables)
            tests.append((title, name, "yield", ALL_SCORES, members, everything))
            for region, scored in inside.items():
                tests.append((title, name, "shape", region, members & scored, members))
                tests.append((title, name, "rate", region, members & scored, everything))
    return _tested(tests, counts, samples, seed, left_out)


def _groups(count: int) -> list[tuple[int, ...]]:
    return [*((number,) for number in range(count)), *combinations(range(count), 2)]


def _bins_of(
    cells: NDArray[np.intp], binned: Sequence[tuple[NDArray[np.intp], list[str]]], variables: tuple[int, ...]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return name and cells of the bins of one variable, or of two; of two those that hold taus."""
    columns = cells[:, [number + 1 for number in variables]]
    sizes = [len(binned[number][1]) for number in variables]
    found = np.arange(sizes[0])[:, None] if len(variables) == 1 else np.unique(columns, axis=0)
    names = [", ".join(binned[number][1][at] for number, at in zip(variables, row, strict=True)) for row in found]
    return [(name, (columns == row).all(axis=1)) for name, row in zip(names, found, strict=True)]


def _is_tested(counts: Counts, members: NDArray[np.bool_]) -> bool:
    return bool(enough(counts.summed(members[None]), counts.summed(np.ones((1, len(members)))))[0])


def _tested(
    tests: Sequence[tuple[str, str, str, str, ArrayLike, ArrayLike]], counts: Counts, samples: int, seed: int, left_out: int
) -> ClosureBins:
    of_inside, of_total = (np.array([test[place] for test in tests], dtype=np.float64) for place in (4, 5))
    inside, total = counts.summed(of_inside), counts.summed(of_total)
    toys = draw_toys(counts, samples, np.random.default_rng(seed))
    observed = np.where(inside.mc > 0, deviations(inside, total), np.nan)
    observed = np.where((inside.mc <= 0) & (inside.squares == 0) & (inside.data > 0), deviations(inside, total), observed)
    drawn = deviations(toys.summed(of_inside), toys.summed(of_total))
    normal = enough(inside, total)
    found, of_toys = p_values(observed, drawn, normal)
    table = pd.DataFrame([test[:4] for test in tests], columns=["variable", "bin", "quantity", "region"])
    table = table.assign(
        data=inside.data.astype(np.int64),
        mc=_scaled(inside, total),
        mc_effective=inside.effective,
        **dict(zip(("value", "error"), data_over_mc(inside, total), strict=True)),
        deviations=observed,
        p_value=found,
        method=np.select([~np.isfinite(observed), normal], ["none", "normal"], "toys"),
    )
    quantity = table["quantity"].to_numpy()
    chosen = {"both": np.isin(quantity, TESTED), **{name: quantity == name for name in TESTED}}
    together = {name: global_p_value(found[rows], of_toys[:, rows]) for name, rows in chosen.items()}
    tested = np.flatnonzero(chosen["both"] & np.isfinite(found))
    most = int(tested[np.argmin(found[tested])]) if len(tested) else None
    return ClosureBins(table, together, most, samples, left_out, _problems(table, inside))


def _scaled(inside: Counts, total: Counts) -> Floats:
    return np.divide(inside.mc * total.data, total.mc, out=np.full_like(total.mc, np.nan), where=total.mc > 0)


def _problems(table: pd.DataFrame, inside: Counts) -> tuple[str, ...]:
    """Return the bins of one variable in which simulation has rows, but no positive weight."""
    bad = (inside.mc <= 0) & (inside.squares > 0) & ~table["variable"].str.contains(" and ").to_numpy()
    bad &= table["quantity"].to_numpy() != "shape"
    return tuple(
        f"{row.bin}, {row.region}: the weights of simulation sum to {weight:g}; not tested"
        for row, weight in zip(table[bad].itertuples(), inside.mc[bad], strict=True)
    )
