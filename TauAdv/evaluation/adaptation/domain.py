"""Is data distinguishable from simulation? AUC of classifiers trained for that, on scores or on the common features.

An AUC of 0.5 means that nothing tells them apart. The quoted value is the average over folds of the AUC on the fold that was
not trained on; folds are never pooled, since scores of different trainings are not comparable.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.bootstrap import RankedScores
from TauAdv.evaluation.measures.roc import auc
from TauAdv.evaluation.measures.statistics import Measured

__all__ = ["dense_head", "head_auc", "trees", "two_sample_auc", "two_sample_p_value"]

#: Scores of rows, and how they are found from rows, labels (1 data) and weights.
Scoring: TypeAlias = Callable[[NDArray], NDArray]
Fit: TypeAlias = Callable[[NDArray, NDArray, NDArray], Scoring]

SMALLEST_SIDE = 20


def two_sample_auc(
    simulation: ArrayLike,
    data: ArrayLike,
    simulation_weights: ArrayLike | None = None,
    *,
    folds: int = 5,
    seed: int = 1,
) -> Measured:
    """Return the AUC of boosted trees that tell data from simulation.

    Args:
        simulation: scores of simulation, shape ``[n]`` or ``[n, k]``.
        data: scores of data, shape ``[m]`` or ``[m, k]``.
        simulation_weights: weights of simulation, shape ``[n]``.
        folds: number of cross-validation folds.
        seed: seed of the folds and of the trees.

    Raises:
        InputError: sides of different width, fewer than 20 rows on a side, fewer than 2 folds, values not finite.
    """
    return _cross_validated_auc(simulation, data, simulation_weights, folds, seed, trees(seed))


def head_auc(
    simulation: ArrayLike,
    data: ArrayLike,
    simulation_weights: ArrayLike | None = None,
    *,
    folds: int = 3,
    seed: int = 1,
    hidden: tuple[int, ...] = (64, 64),
    max_epochs: int = 40,
) -> Measured:
    """Return the AUC of a domain head (dense network) trained alone on frozen features.

    It answers whether the domain was removed from the features, or only hidden from the head they were trained against. A
    tenth of the training rows decides when to stop.

    Args:
        simulation: features of simulation, shape ``[n, k]``.
        data: features of data, shape ``[m, k]``.
        simulation_weights: weights of simulation, shape ``[n]``.
        folds: number of cross-validation folds.
        seed: seed of the folds and of the head.
        hidden: widths of the hidden layers.
        max_epochs: most passes over the training rows.

    Raises:
        InputError: as :func:`two_sample_auc`.
    """
    return _cross_validated_auc(simulation, data, simulation_weights, folds, seed, dense_head(seed, hidden, max_epochs))


def trees(seed: int) -> Fit:
    """Return how boosted trees are trained."""

    def fit(x: NDArray, y: NDArray, weights: NDArray) -> Scoring:
        found = HistGradientBoostingClassifier(
            max_iter=50, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        found.fit(x, y, sample_weight=weights)
        return lambda values: found.predict_proba(values)[:, 1]

    return fit


def dense_head(seed: int, hidden: tuple[int, ...] = (64, 64), max_epochs: int = 40) -> Fit:
    """Return how a domain head is trained."""

    def fit(x: NDArray, y: NDArray, weights: NDArray) -> Scoring:
        scaler = StandardScaler().fit(x)
        head = MLPClassifier(
            hidden, alpha=1e-3, batch_size=min(200, len(x) // 2), learning_rate_init=1e-3, max_iter=max_epochs,
            early_stopping=True, validation_fraction=0.1, n_iter_no_change=5, random_state=seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # max_epochs is a choice, not a failure
            head.fit(scaler.transform(x), y, sample_weight=weights)
        return lambda values: head.predict_proba(scaler.transform(values))[:, 1]

    return fit


def two_sample_p_value(
    simulation: ArrayLike,
    data: ArrayLike,
    simulation_weights: ArrayLike | None,
    fit: Fit,
    *,
    permutations: int = 500,
    seed: int = 1,
) -> float:
    """Return the p-value of a classifier two-sample test (D. Lopez-Paz and M. Oquab, arXiv:1610.06545).

    The classifier is trained on one half of the rows. On the other half its AUC is compared with AUCs of a null sample: the
    same scores with permuted labels, which is exact, where all weights are equal. Where they are not, labels cannot be
    exchanged: data are drawn from simulation with probabilities as the weights, and simulation from itself. One half
    is trained once, since the AUCs of folds of a cross-validation are not independent.

    Args:
        simulation: rows of simulation, shape ``[n]`` or ``[n, k]``.
        data: rows of data, shape ``[m]`` or ``[m, k]``.
        simulation_weights: weights of simulation, shape ``[n]``.
        fit: how the classifier is trained: :func:`trees` or :func:`dense_head`.
        permutations: number of null samples; no p-value is below 1 / (permutations + 1).
        seed: of the halves and of the null samples.

    Raises:
        InputError: as :func:`two_sample_auc`.
    """
    x, y, weights = _samples(simulation, data, simulation_weights, 2)
    train, test = next(StratifiedKFold(2, shuffle=True, random_state=seed).split(x, y))
    with threadpool_limits(1):
        scores = fit(x[train], y[train], _balanced(weights[train], y[train]))(x[test])
    rng = np.random.default_rng(seed)
    sides = scores[y[test] == 1], scores[y[test] == 0]
    of_mc = weights[test][y[test] == 0]
    observed = auc(*sides, None, of_mc).value
    equal = bool(np.all(of_mc == of_mc[0]))
    null = _permuted(*sides, permutations, rng) if equal else _resampled(*sides, of_mc, permutations, rng)
    return float((1 + np.sum(null >= observed - 1e-12)) / (permutations + 1))


def _permuted(data: NDArray, simulation: NDArray, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return AUCs of permuted labels."""
    ranks, n = rankdata(np.r_[data, simulation]), len(data)
    sums = np.array([rng.permutation(ranks)[:n].sum() for _ in range(samples)])
    return (sums - n * (n + 1) / 2) / (n * len(simulation))


def _resampled(
    data: NDArray, simulation: NDArray, weights: NDArray, samples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return AUCs of data drawn from weighted simulation against resampled simulation."""
    ranked = RankedScores.of(simulation, simulation)
    cumulative, number = np.cumsum(weights), len(simulation)
    found = []
    for _ in range(samples):
        places = np.searchsorted(cumulative, rng.random(len(data)) * cumulative[-1], side="right")
        drawn = np.bincount(np.minimum(places, number - 1), minlength=number)
        found.append(ranked.figures(drawn, weights * rng.poisson(1, number), [])[0])
    return np.array(found)


def _cross_validated_auc(
    simulation: ArrayLike, data: ArrayLike, simulation_weights: ArrayLike | None, folds: int, seed: int, fit: Fit
) -> Measured:
    """Average AUC over folds; its error combines the statistical errors of the (disjoint) test folds."""
    x, y, weights = _samples(simulation, data, simulation_weights, folds)
    results = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        with threadpool_limits(1):  # too small to gain by threads, and they suffer on a busy machine
            scores = fit(x[train], y[train], _balanced(weights[train], y[train]))(x[test])
        side = y[test] == 1
        results.append(auc(scores[side], scores[~side], weights[test][side], weights[test][~side]))
    value = np.mean([result.value for result in results])
    error = np.sqrt(np.sum([result.error**2 for result in results])) / folds
    return Measured(float(value), float(error))


def _samples(
    simulation: ArrayLike, data: ArrayLike, simulation_weights: ArrayLike | None, folds: int
) -> tuple[NDArray, NDArray, NDArray]:
    sides = [np.asarray(side, dtype=np.float64) for side in (simulation, data)]
    sides = [side[:, None] if side.ndim == 1 else side for side in sides]
    shapes = [list(side.shape) for side in sides]
    if any(side.ndim != 2 for side in sides) or sides[0].shape[1] != sides[1].shape[1]:
        msg = f"data against simulation: expected shapes [n, k] and [m, k], received {shapes[0]} and {shapes[1]}"
        raise InputError(msg)
    if min(map(len, sides)) < SMALLEST_SIDE or folds < 2:
        msg = (
            f"data against simulation: expected at least {SMALLEST_SIDE} rows of each and 2 folds,"
            f" received {len(sides[0])} (simulation), {len(sides[1])} (data) and {folds} folds"
        )
        raise InputError(msg)
    x = np.concatenate(sides)
    if not np.all(np.isfinite(x)):
        msg = f"data against simulation: {int((~np.isfinite(x)).any(axis=1).sum())} rows hold values that are not finite"
        raise InputError(msg)
    y = np.repeat([0, 1], [len(side) for side in sides])
    given = np.ones(len(sides[0])) if simulation_weights is None else np.asarray(simulation_weights, dtype=np.float64)
    if given.shape != (len(sides[0]),) or np.any(given < 0):
        msg = f"weights of simulation: expected {len(sides[0])} values >= 0, received shape {list(given.shape)}"
        raise InputError(msg)
    return x, y, np.concatenate([given, np.ones(len(sides[1]))])


def _balanced(weights: NDArray, y: NDArray) -> NDArray:
    """Scale each side to the same total, with a mean weight of 1."""
    totals = np.bincount(y, weights)
    return weights * (len(y) / 2 / totals)[y]
