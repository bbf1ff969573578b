"""Efficiency of genuine taus in data and in simulation, and their ratio, in one bin, with errors.

All is a function of independent sums: taus of data and of every contribution that pass in the bin, that fail in the bin, and
that are elsewhere. Errors follow from the variances of the sums, so that a tau that moves from fail to pass counts in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.scale_factors.settings import Method

__all__ = ["Measurement", "Sums", "measure_bin"]

PASS, FAIL, ELSEWHERE = range(3)
RESULTS = ("fail", "pass")
"""Names of what a tau did in histograms."""
_STEP = 1e-20


@dataclass(frozen=True)
class Sums:
    """Sums of weights in one bin.

    Attributes:
        names: of the contributions, data first.
        genuine: which of them are genuine taus [n].
        values: sums of weights that pass, fail and are elsewhere [n, 3].
        variances: sums of squared weights [n, 3].
    """

    names: Sequence[str]
    genuine: NDArray[np.bool_]
    values: NDArray[np.float64]
    variances: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """What makes the total of simulation that of data."""
        total = float(self.values[1:].sum())
        return float(self.values[0].sum()) / total if total > 0 else np.nan


@dataclass(frozen=True)
class Measurement:
    """Efficiencies and scale factor of one bin.

    Attributes:
        data: efficiency of genuine taus in data, with its statistical error.
        simulation: that in simulation.
        factor: their ratio, with the statistical error of both.
        systematics: contribution -> half the change of the ratio when it is varied by its uncertainty.
        expected: genuine taus that simulation lets expect in data.
        purity: part of them in what simulation lets expect above the working point.
    """

    data: Measured
    simulation: Measured
    factor: Measured
    systematics: Mapping[str, float]
    expected: float
    purity: float

    @property
    def systematic(self) -> float:
        """All contributions together, in quadrature."""
        return float(np.sqrt(sum(value**2 for value in self.systematics.values())))

    @property
    def error(self) -> float:
        """Statistical and systematic error in quadrature."""
        return float(np.hypot(self.factor.error, self.systematic))


def measure_bin(
    sums: Sums, method: Method, *, normalise: bool, min_expected: float, uncertainties: Mapping[str, float] | None = None
) -> Measurement | str:
    """Return the measurement of a bin, or in words why there is none.

    Args:
        sums: of the bin.
        method: see :data:`TauAdv.evaluation.scale_factors.settings.METHODS`.
        normalise: scale all simulation to the total of data.
        min_expected: genuine taus that must be expected.
        uncertainties: contribution -> relative uncertainty of its yield.
    """
    if reason := _reason(sums, normalise, min_expected):
        return reason

    def figures(values: NDArray) -> NDArray:
        return _figures(values, sums.genuine, method, normalise)

    scale = sums.scale if normalise else 1.0
    central = figures(sums.values)
    errors = np.sqrt(np.einsum("fij,ij->f", _gradient(figures, sums.values) ** 2, _variances(sums)))
    systematics = {}
    for name, relative in (uncertainties or {}).items():
        ends = []
        for sign in (1, -1):
            varied = sums.values.copy()
            varied[list(sums.names).index(name)] *= 1 + sign * relative
            if reason := _reason(replace(sums, values=varied), normalise, 0.0):
                return f"with {name} moved by its uncertainty of {100 * relative:g} %: {reason}"
            ends.append(figures(varied)[2])
        systematics[name] = float(abs(ends[0] - ends[1]) / 2)
    found = [Measured(float(value), float(error)) for value, error in zip(central, errors, strict=True)]
    passing = sums.values[1:, PASS]
    purity = float(passing[sums.genuine[1:]].sum() / passing.sum())
    return Measurement(found[0], found[1], found[2], systematics, _genuine_expected(sums, scale), purity)


def _variances(sums: Sums) -> NDArray[np.float64]:
    """Return the variances of all sums; where no data, or no genuine tau, is in a sum by chance, that of one tau."""
    found = sums.variances.copy()
    totals, squares = sums.values.sum(axis=1), sums.variances.sum(axis=1)
    largest = int(np.argmax(np.where(sums.genuine, totals, -np.inf)))
    for row, values in ((0, sums.values[0]), (largest, sums.values[sums.genuine].sum(axis=0))):
        found[row] = np.where(values == 0, (squares[row] / totals[row]) ** 2, found[row])
    return found


def _figures(values: NDArray, genuine: NDArray[np.bool_], method: Method, normalise: bool) -> NDArray:
    """Return efficiency in data, efficiency in simulation, and their ratio."""
    scale = values[0].sum() / values[1:].sum() if normalise else 1.0
    others = ~genuine
    others[0] = False
    rest = values[0] - scale * values[others].sum(axis=0)
    taus = values[genuine].sum(axis=0)
    before = rest[PASS] + rest[FAIL] if method == "subtraction" else scale * (taus[PASS] + taus[FAIL])
    data, simulation = rest[PASS] / before, taus[PASS] / (taus[PASS] + taus[FAIL])
    return np.array([data, simulation, data / simulation])


def _gradient(figures: Callable[[NDArray], NDArray], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return derivatives by all sums [figures, n, 3]: imaginary steps, exact as the figures are ratios of sums."""
    found = np.empty((3, *values.shape))
    for row, column in np.ndindex(values.shape):
        moved = values.astype(np.complex128)
        moved[row, column] += 1j * _STEP
        found[:, row, column] = figures(moved).imag / _STEP
    return found


def _genuine_expected(sums: Sums, scale: float) -> float:
    return float(scale * sums.values[sums.genuine, :ELSEWHERE].sum())


def _reason(sums: Sums, normalise: bool, min_expected: float) -> str:
    """Return why a bin gives no number, or an empty text."""
    data, taus = sums.values[0], sums.values[sums.genuine].sum(axis=0)
    scale = sums.scale if normalise else 1.0
    if not np.isfinite(scale) or scale <= 0:
        return "data or simulation have no total"
    expected = _genuine_expected(sums, scale)
    if data[PASS] + data[FAIL] == 0:
        return "no data"
    if expected <= 0 or expected < min_expected:
        return f"{expected:.3g} genuine taus expected, fewer than {min_expected:g}"
    if taus[PASS] <= 0:
        return "no genuine taus of simulation pass"
    rest = data - scale * sums.values[1:][~sums.genuine[1:]].sum(axis=0)
    for name, value in (("above the working point", rest[PASS]), ("in the bin", rest[PASS] + rest[FAIL])):
        if value <= 0:
            return f"data minus other contributions is not positive {name} ({value:.3g})"
    return ""
