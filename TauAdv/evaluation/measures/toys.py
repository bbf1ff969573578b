"""Toy experiments: data and simulation drawn from one common distribution, to calibrate tests where counts are small.

Data are multinomial with their total fixed. Simulation is a scaled Poisson number in each cell, with the mean and
variance that its weights give (G. Bohm and G. Zech, arXiv:1309.1287). The common distribution is the average of both
samples, each with its (effective) number of taus. A row of weight 2 therefore is one tau that counts twice, and two
equal rows are two taus: sums are the same, the error of the first is larger by the root of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from TauAdv.evaluation.measures.agreement import EFFECTIVE_MC, EXPECTED_DATA

__all__ = [
    "Counts",
    "Floats",
    "counts_in",
    "data_over_mc",
    "deviations",
    "draw_toys",
    "enough",
    "global_p_value",
    "p_values",
    "rank_p_values",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Taus of data and simulation in cells; the last axis is that of the cells.

    Attributes:
        data: counts of data.
        mc: sums of weights of simulation.
        squares: sums of their squares.
    """

    data: Floats
    mc: Floats
    squares: Floats

    def summed(self, members: ArrayLike) -> Counts:
        """Return the sums over the cells of each group; ``members`` [groups, cells] says which cells are in it."""
        transposed = np.asarray(members, dtype=np.float64).T
        return Counts(self.data @ transposed, self.mc @ transposed, self.squares @ transposed)

    @property
    def effective(self) -> Floats:
        """Effective number of simulated taus, (sum w)² / sum w²; 0 where the sum is not positive."""
        return np.divide(self.mc**2, self.squares, out=np.zeros_like(self.mc), where=(self.squares > 0) & (self.mc > 0))


def counts_in(cell: NDArray[np.intp], is_data: NDArray[np.bool_], weights: Floats, n_cells: int) -> Counts:
    """Return the counts in each cell; data count 1 each, whatever their weight.

    Args:
        cell: number of the cell of each row.
        is_data: which rows are data.
        weights: of all rows.
        n_cells: number of cells.
    """
    of_mc, mc_weights = cell[~is_data], weights[~is_data]
    data = np.bincount(cell[is_data], minlength=n_cells).astype(np.float64)
    mc, squares = (np.bincount(of_mc, mc_weights**power, n_cells).astype(np.float64) for power in (1, 2))
    return Counts(data, mc, squares)


def draw_toys(cells: Counts, samples: int, rng: np.random.Generator) -> Counts:
    """Return toy experiments [samples, cells] of the hypothesis that data and simulation have one distribution."""
    total, weight, squares = cells.data.sum(), cells.mc.sum(), cells.squares.sum()
    number = weight**2 / squares
    common = cells.data + number * np.maximum(cells.mc, 0) / weight
    common /= common.sum()
    # squared weight per weight: that of the cell, or of all where the cell does not tell
    known = (cells.mc > 0) & (cells.squares > 0)
    scale = np.divide(cells.squares, cells.mc, out=np.full_like(cells.mc, squares / weight), where=known)
    numbers = rng.poisson(common * weight / scale, (samples, len(common))).astype(np.float64)
    return Counts(rng.multinomial(int(total), common, samples).astype(np.float64), scale * numbers, scale**2 * numbers)


def deviations(inside: Counts, total: Counts) -> Floats:
    """Return by how many standard deviations the fraction of data inside exceeds that of simulation.

    The variance is the one expected if both have one distribution: multinomial for data, squared weights for simulation (as
    in :mod:`TauAdv.evaluation.measures.agreement`). NaN where there are no data or no weight of simulation in total.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = inside.data / total.data, inside.mc / total.mc
        number = total.mc**2 / total.squares
        common = np.clip((inside.data + number * b) / (total.data + number), 0, 1)
        mean_weight = total.squares / total.mc
        of_mc = np.where(inside.mc > 0, inside.squares / inside.mc, mean_weight) * common
        rest, rest_squares = total.mc - inside.mc, total.squares - inside.squares
        outside = np.where(rest > 0, rest_squares / rest, mean_weight) * (1 - common)
        variance = common * (1 - common) / total.data
        variance += (of_mc * (1 - common) ** 2 + outside * common**2) / total.mc
        found = np.where(a == b, 0.0, (a - b) / np.sqrt(variance))
    return np.where((total.data > 0) & (total.mc > 0) & np.isfinite(found), found, np.nan)


def data_over_mc(inside: Counts, total: Counts) -> tuple[Floats, Floats]:
    """Return data/MC, each as a fraction of its total, and its statistical error; without data, that of one tau.

    NaN where simulation has no positive weight.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = inside.data / total.data, inside.mc / total.mc
        value = np.where(inside.mc > 0, a / b, np.nan)
        outside = total.squares - inside.squares
        of_mc = (inside.squares * (1 - b) ** 2 + outside * b**2) / inside.mc**2
        error = np.where(inside.data > 0, value * np.sqrt((1 - a) / inside.data + of_mc), 1 / (b * total.data))
    return value, np.where(np.isfinite(value), error, np.nan)


def enough(inside: Counts, total: Counts) -> NDArray[np.bool_]:
    """Return where both the taus inside and the others are enough for the normal distribution to hold."""
    rest = Counts(total.data - inside.data, total.mc - inside.mc, total.squares - inside.squares)
    scale = np.divide(total.data, total.mc, out=np.zeros_like(total.mc), where=total.mc > 0)
    return np.logical_and.reduce(
        [(part.mc * scale >= EXPECTED_DATA) & (part.effective >= EFFECTIVE_MC) for part in (inside, rest)]
    )


def p_values(observed: Floats, toys: Floats, normal: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return two-sided p-values of the observed deviations and of those in toys.

    Args:
        observed: deviations [tests].
        toys: deviations in toys [samples, tests]; NaN counts as none.
        normal: which tests have enough taus for the normal distribution; the others are ranked among the toys.

    Returns:
        p-values [tests] and [samples, tests]; NaN where a test is not possible.
    """
    size, sizes = np.abs(observed), np.nan_to_num(np.abs(toys))
    found, of_toys = 2 * norm.sf(size), 2 * norm.sf(sizes)
    ranked = np.flatnonzero(~normal & np.isfinite(observed))
    found[ranked], of_toys[:, ranked] = rank_p_values(size[ranked], sizes[:, ranked])
    return found, np.where(np.isfinite(observed), of_toys, np.nan)


def rank_p_values(observed: Floats, toys: Floats) -> tuple[Floats, Floats]:
    """Return the part of toys with a statistic at least as large, for the observed ones [tests] and for those of toys.

    The observed experiment is one of all: no p-value is below 1 / (samples + 1), and those of toys and of what was observed
    can be compared.
    """
    found, of_toys = np.empty(len(observed)), np.empty_like(toys)
    for test, size in enumerate(observed):
        sizes = np.r_[toys[:, test], size]
        # a hair below, so that equal ones count whatever the rounding
        at_least = len(sizes) - np.searchsorted(np.sort(sizes), sizes - _ROUNDING)
        of_toys[:, test], found[test] = at_least[:-1] / len(sizes), at_least[-1] / len(sizes)
    return found, of_toys


_ROUNDING = 1e-9


def global_p_value(observed: Floats, toys: Floats) -> float:
    """Return the probability that the smallest of all p-values is as small as the observed one (look-elsewhere effect).

    It is the part of toys with a smallest p-value as small, so that correlations of the tests are accounted for. Where no
    toy is so far, the bound of Bonferroni (number of tests times the smallest p-value) is returned if it is smaller than
    what the number of toys can show.

    Args:
        observed: p-values [tests]; NaN where a test was not possible.
        toys: the same in toys [samples, tests].

    Returns:
        NaN if no test was possible.
    """
    possible = np.isfinite(observed)
    if not possible.any():
        return float("nan")
    smallest = observed[possible].min()
    as_small = int(np.sum(toys[:, possible].min(axis=1) <= smallest * (1 + _ROUNDING)))
    resolved = (as_small + 1) / (len(toys) + 1)
    return float(resolved if as_small else min(resolved, possible.sum() * smallest))
