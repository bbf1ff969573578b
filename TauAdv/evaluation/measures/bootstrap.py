"""AUC and efficiencies at fixed mistag rates, with errors from a bootstrap in which all curves share the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError
from TauAdv.evaluation.finite_values import finite_values
from TauAdv.evaluation.measures.statistics import Measured

__all__ = ["Performance", "RankedScores", "bootstrap_counts", "measure"]


@dataclass(frozen=True)
class Performance:
    """How well signal and background are separated.

    Attributes:
        auc: area under the ROC curve.
        efficiencies: signal efficiency at each of the mistag rates asked for.
        samples: the same figures in every bootstrap sample [samples, 1 + mistag rates]; sample k of two curves on the same
            rows holds the same rows, so that differences are paired.
        background: rows of background; with weights, the effective number (sum w)^2 / sum w^2.
    """

    auc: Measured
    efficiencies: tuple[Measured, ...]
    samples: NDArray[np.float64]
    background: float


@dataclass(frozen=True)
class RankedScores:
    """Scores of signal and background as ranks, found once; figures for any weights then take linear time.

    Attributes:
        signal: rank of each signal row, equal scores have equal ranks.
        background: rank of each background row.
        size: number of ranks.
    """

    signal: NDArray[np.intp]
    background: NDArray[np.intp]
    size: int

    @classmethod
    def of(cls, signal: ArrayLike, background: ArrayLike) -> RankedScores:
        """Return the ranks of scores.

        Raises:
            InputError: a side is empty, or scores are not finite.
        """
        sides = [finite_values(signal, "scores of signal"), finite_values(background, "scores of background")]
        if min(map(len, sides)) == 0:
            msg = f"scores: {len(sides[0])} of signal and {len(sides[1])} of background; both are needed"
            raise InputError(msg)
        values, rank = np.unique(np.concatenate(sides), return_inverse=True)
        return cls(rank[: len(sides[0])], rank[len(sides[0]) :], len(values))

    def figures(self, signal_weights: NDArray, background_weights: NDArray, mistags: Sequence[float]) -> NDArray[np.float64]:
        """Return AUC (ties count half) and the signal efficiencies at the mistag rates.

        The cut of a mistag rate is the lowest score above which at most this fraction of the background lies.
        """
        of_signal = np.bincount(self.signal, signal_weights, self.size)
        of_background = np.bincount(self.background, background_weights, self.size)
        up_to = np.cumsum(of_background)
        auc = np.dot(of_signal, up_to - of_background / 2) / (of_signal.sum() * up_to[-1])
        # a hair below, so that 1 - 0.7 = 0.30000000000000004 is still found at the third of ten rows
        cuts = np.searchsorted(up_to, (1 - np.asarray(mistags, np.float64) - 1e-12) * up_to[-1])
        passed = np.cumsum(of_signal)
        return np.r_[auc, 1 - passed[np.minimum(cuts, self.size - 1)] / passed[-1]]


def measure(
    score: ArrayLike,
    sides: tuple[NDArray[np.int64], NDArray[np.int64]],
    weights: ArrayLike,
    mistags: Sequence[float],
    *,
    samples: int,
    seed: int,
) -> Performance:
    """Return AUC and efficiencies at mistag rates; errors are the spread over bootstrap samples of the rows.

    Args:
        score: of all rows [n].
        sides: rows of signal and of background.
        weights: of all rows; ones for an unweighted result.
        mistags: fractions of background that pass.
        samples: of the bootstrap.
        seed: of the bootstrap; curves on the same rows share it, and are then compared on equal samples.

    Raises:
        InputError: a side is empty or has no weight, a score that is not finite, a mistag rate outside (0, 1).
    """
    if any(not 0 < mistag < 1 for mistag in mistags):
        msg = f"mistag rates: expected values between 0 and 1, received {list(mistags)}"
        raise InputError(msg)
    score, weights = (np.asarray(values, dtype=np.float64) for values in (score, weights))
    ranked = RankedScores.of(*(score[rows] for rows in sides))
    of_signal, of_background = (weights[rows] for rows in sides)
    for name, side in (("signal", of_signal), ("background", of_background)):
        if not side.sum() > 0 or side.min() < 0:
            msg = f"weights of {name}: expected none below 0 and a positive sum, received the sum {side.sum()}"
            raise InputError(msg)
    central = ranked.figures(of_signal, of_background, mistags)
    drawn = []
    for counts in bootstrap_counts(len(score), samples, seed):
        signal, background = of_signal * counts[sides[0]], of_background * counts[sides[1]]
        if signal.any() and background.any():
            drawn.append(ranked.figures(signal, background, mistags))
        else:
            drawn.append(np.full_like(central, np.nan))
    spread = np.nanstd(drawn, axis=0) if np.isfinite(drawn).any() else np.full_like(central, np.nan)
    found = [Measured(float(value), float(error)) for value, error in zip(central, spread, strict=True)]
    effective = float(of_background.sum() ** 2 / np.sum(of_background**2))
    return Performance(found[0], tuple(found[1:]), np.array(drawn), effective)


def bootstrap_counts(rows: int, samples: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield, for every bootstrap sample, how often each row is in it: independent Poisson numbers of mean 1 [rows].

    They are read from a table of 65,536 entries, which is ten times as fast as drawing them and right to 1 in 65,536.
    """
    for sample in range(samples):
        positions = np.random.default_rng([seed, sample]).integers(0, _TABLE.size, rows, dtype=np.uint16)
        yield _TABLE[positions]


def _poisson_table() -> NDArray[np.uint8]:
    cumulative = np.cumsum([np.exp(-1) / factorial(number) for number in range(10)])
    return np.searchsorted(cumulative, (np.arange(2**16) + 0.5) / 2**16, side="right").astype(np.uint8)


_TABLE = _poisson_table()
