"""Do data and simulation agree? A p-value, and the smallest difference that would have been seen.

Fractions of all taus are compared in the bins of a region, the rest being one more bin: ``d`` = fractions of data minus
those of simulation, ``chi2 = d V^-1 d`` with the covariance ``V`` expected if both come from one distribution, that of
multinomial data plus that of weighted simulation. For unit weights this is Pearson's test of homogeneity; weights enter with
their squares, as in N. Gagunashvili, Comparison of weighted and unweighted histograms (arXiv:physics/0605123).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from TauAdv.errors import InputError

__all__ = ["EFFECTIVE_MC", "EXPECTED_DATA", "POWER", "RELEVANT_SHIFT", "SIGNIFICANCE", "Agreement", "Binned", "agreement"]

Verdict = Literal["disagree", "agree", "too few taus"]

#: p-values below it are called a disagreement
SIGNIFICANCE = 0.05
#: how often the smallest shift that is quoted would have been seen
POWER = 0.9
#: if shifts of the rate up to this one could have been missed, there are too few taus to speak of agreement
RELEVANT_SHIFT = 0.1

# the distribution of the statistic is that of chi2 where a bin has at least so many taus expected of data, and effective
# ones of simulation
EXPECTED_DATA, EFFECTIVE_MC = 5.0, 10.0


@dataclass(frozen=True)
class Agreement:
    """What data say about a difference to simulation.

    Attributes:
        p_value: probability of at least this difference if there is none: the smaller one of bins and rate times two, as
            either may show it; ``None`` if there are too few taus for a test.
        p_bins: of the fractions in the bins.
        p_rate: of the fraction in the whole region.
        ndf: degrees of freedom of the bins that were joined to hold enough taus.
        seen: data/MC rates in the region: those below the first and above the second one would have been seen, with the
            probability ``power``; ``None`` where none would.
        significance: p-value below which a difference counts as seen.
        power: see ``seen``.
        relevant_shift: of the rate, see :attr:`verdict`.
    """

    p_value: float | None
    p_bins: float | None
    p_rate: float | None
    ndf: int
    seen: tuple[float | None, float | None]
    significance: float = SIGNIFICANCE
    power: float = POWER
    relevant_shift: float = RELEVANT_SHIFT

    @property
    def smallest_shift(self) -> float:
        """Change of the rate that would have been seen in either direction; infinite if none would."""
        low, high = self.seen
        return float("inf") if low is None or high is None else max(1 - low, high - 1)

    @property
    def verdict(self) -> Verdict:
        """``disagree`` for a small p-value; else ``agree`` if a relevant shift would have been seen, or ``too few taus``."""
        if self.p_value is not None and self.p_value < self.significance:
            return "disagree"
        return "agree" if self.smallest_shift <= self.relevant_shift else "too few taus"

    def __str__(self) -> str:
        tested = "no test is possible" if self.p_value is None else f"p = {self.p_value:.2g}"
        low, high = self.seen
        bounds = [f"below {low:.3f}"] if low is not None else []
        bounds += [f"above {high:.3f}"] if high is not None else []
        seen = f"a data/MC rate {' or '.join(bounds)}" if bounds else "no data/MC rate, however far from 1,"
        chances = f"({100 * self.significance:g} % significance, {100 * self.power:g} % power)"
        return f"{tested}; {seen} would have been seen {chances}"


@dataclass(frozen=True)
class Binned:
    """Counts of data and sums of weights of simulation in bins that hold all taus.

    Attributes:
        data: taus of data, [n].
        mc: sums of weights of simulation, [n].
        squares: sums of their squared weights, [n].
    """

    data: NDArray[np.float64]
    mc: NDArray[np.float64]
    squares: NDArray[np.float64]

    def joined(self, first: NDArray[np.intp]) -> Binned:
        """Return wider bins that begin with these bins."""
        return Binned(*(np.add.reduceat(values, first) for values in (self.data, self.mc, self.squares)))

    @property
    def _scale(self) -> float:
        """Taus of data per weight of simulation; 0, which is never enough, if simulation sums to nothing."""
        weight = self.mc.sum()
        return float(self.data.sum() / weight) if weight > 0 else 0.0

    def enough(self) -> Binned:
        """Return bins, neighbours joined until each expects enough taus; what simulation expects decides, not the data."""
        first, mc, squares = [0], 0.0, 0.0
        scale = self._scale
        for number, (weight, square) in enumerate(zip(self.mc, self.squares, strict=True)):
            if _is_enough(mc, squares, scale):
                first.append(number)
                mc = squares = 0.0
            mc, squares = mc + weight, squares + square
        if len(first) > 1 and not _is_enough(mc, squares, scale):
            first.pop()
        return self.joined(np.array(first))

    @property
    def is_enough(self) -> bool:
        """Whether there are two bins at least, each with enough taus."""
        scale = self._scale
        bins = zip(self.mc, self.squares, strict=True)
        return len(self.mc) > 1 and all(_is_enough(weight, square, scale) for weight, square in bins)

    def p_value(self) -> float | None:
        """Return the probability of a larger chi2 if both have one distribution, ``None`` for too few taus."""
        if not self.is_enough:
            return None
        total, weight = self.data.sum(), self.mc.sum()
        fractions, number = self.mc / weight, weight**2 / self.squares.sum()
        common = (self.data + number * fractions) / (total + number)
        difference = (self.data / total - fractions)[:-1]
        covariance = (_covariance(common, common) / total + self._mc_covariance(common))[:-1, :-1]
        return float(chi2.sf(difference @ np.linalg.solve(covariance, difference), len(difference)))

    def _mc_covariance(self, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of the fractions of simulation, if these are the true ones."""
        squares = self.squares / self.mc * fractions * self.mc.sum()  # squared weights grow with the weights
        return _covariance(squares, fractions) / self.mc.sum() ** 2


def _is_enough(mc: float, squares: float, scale: float) -> bool:
    return mc > 0 and mc * scale >= EXPECTED_DATA and mc**2 >= EFFECTIVE_MC * squares


def _covariance(squares: NDArray[np.float64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of sums with these variances, each divided by the total of all."""
    mixed = np.outer(fractions, squares)
    return np.diag(squares) - mixed - mixed.T + squares.sum() * np.outer(fractions, fractions)


def agreement(
    bins: Binned,
    inside: NDArray[np.bool_],
    *,
    significance: float = SIGNIFICANCE,
    power: float = POWER,
    relevant_shift: float = RELEVANT_SHIFT,
) -> Agreement:
    """Test whether data and simulation agree.

    Args:
        bins: all taus, in the order of the score.
        inside: which bins are the region whose rate is tested.
        significance: p-value below which a difference counts as seen.
        power: probability with which the shifts that are quoted would have been seen.
        relevant_shift: of the rate in the region.

    Raises:
        InputError: significance or power are not between 0 and 1, or the shift is not above 0.
    """
    limits = {"significance": (significance, 1), "power": (power, 1), "relevant_shift": (relevant_shift, np.inf)}
    for name, (value, most) in limits.items():
        if not 0 < value < most:
            msg = f"{name}: expected a number between 0 and {most}; received {value}"
            raise InputError(msg)
    enough = bins.enough()
    sums = (np.array([values[inside].sum(), values[~inside].sum()]) for values in (bins.data, bins.mc, bins.squares))
    region = Binned(*sums)
    found = [value for value in (enough.p_value(), region.p_value()) if value is not None]
    seen = _seen(region, significance / 2, power) if region.is_enough else (None, None)
    combined = min(1.0, 2 * min(found)) if found else None
    options = {"significance": significance, "power": power, "relevant_shift": relevant_shift}
    return Agreement(combined, enough.p_value(), region.p_value(), len(enough.mc) - 1, seen, **options)


def _seen(region: Binned, significance: float, power: float) -> tuple[float | None, float | None]:
    """Return the data/MC rates nearest to 1, below and above, that the test of the rate finds with the wanted power."""
    total, weight = region.data.sum(), region.mc.sum()
    fractions, number = region.mc / weight, weight**2 / region.squares.sum()
    far, often = norm.isf(significance / 2), norm.isf(1 - power)

    def missing(rate: float) -> float:
        """How much the expected difference falls short of being seen."""
        true = np.array([rate * fractions[0], 1 - rate * fractions[0]])
        common = (total * true + number * fractions) / (total + number)
        expected = _covariance(common, common) / total + region._mc_covariance(common)
        # edges at quantiles of simulation: what they are off by is seen through the density of data
        scatter = _covariance(true, true) / total + max(1, rate) ** 2 * region._mc_covariance(fractions)
        needed = far * np.sqrt(expected[0, 0]) + often * np.sqrt(scatter[0, 0])
        return float(needed - abs(rate - 1) * fractions[0])

    found = []
    for end in (0.0, 1 / fractions[0]):
        found.append(None if missing(end) > 0 else float(brentq(missing, 1.0, end)))
    return found[0], found[1]
