"""What attacks may do to the inputs of a jet tagger, from the table of jet variables and the scalers of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.constraints.input_columns import Follower, InputColumns
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import Column, DefaultRule

__all__ = ["allowed_ranges", "covariance_positions", "jet_columns", "jet_constraints", "track_resolutions"]

#: Perigee parameters of a track; the covariances are named by pairs of them.
_PARAMETERS = ("D0", "Z0", "PHI", "THETA", "QOVERP")
#: Significances of the jet -> the parameter that they belong to, of any of its tracks: the dataset ranks them by |d0| among
#: all tracks, and keeps the tracks by signed d0 / error (arXiv:1607.08633).
_SIGNIFICANCES = {
    f"track_{rank}_{parameter}0_significance": f"{parameter.upper()}0" for parameter in "dz" for rank in (2, 3)
}


def jet_constraints(features: JetFeatures, **options: Any) -> Constraints:
    """Return the constraints of a batch of jets: ``x`` may move, except where ``x_default`` says that it is a default.

    Counts never move, and neither do columns that are constant in the training sample: their weights are untrained. The
    others stay within :func:`allowed_ranges`.

    Args:
        features: table, scalers and constant columns of the sample, as its shards hold them.
        options: of :class:`~TauAdv.attacks.constraints.constraints.Constraints` (``relative_cap``, ...), or of
            :func:`jet_columns` (``resolution``, ``low``, ``high``). By default the resolutions are those of
            :func:`track_resolutions`.
    """
    low, high = allowed_ranges(features)
    defaults = {"resolution": track_resolutions(features), "low": low, "high": high}
    of_columns = {key: options.pop(key, value) for key, value in defaults.items()}
    facts = jet_columns(features.columns, mean=features.mean, std=features.std, constant=features.frozen, **of_columns)
    return Constraints({"x": facts}, **options)


def allowed_ranges(features: JetFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the smallest and largest allowed scaled value of every column [f]; infinite where there is no limit.

    The limits are those of the table (``allowed``); where the default lies below the smallest value of a column, no value
    may fall below that smallest one, lest it looks like a default.
    """
    low, high = np.full(len(features), -np.inf), np.full(len(features), np.inf)
    for i, column in enumerate(features.columns):
        allowed, rule = column.variable.allowed, column.variable.default
        smallest = features.default[i] + rule.below_minimum if isinstance(rule, DefaultRule) else -np.inf
        low[i] = max(smallest, -np.inf if allowed[0] is None else allowed[0])
        high[i] = np.inf if allowed[1] is None else allowed[1]
    return _inwards((low - features.mean) / features.std, 1), _inwards((high - features.mean) / features.std, -1)


def _inwards(limits: NDArray[np.float64], direction: int) -> NDArray[np.float32]:
    """Return limits in single precision, none of them further out than it was."""
    rounded = limits.astype(np.float32)
    outside = rounded < limits if direction > 0 else rounded > limits
    return np.where(outside, np.nextafter(rounded, np.float32(direction * np.inf)), rounded)


def track_resolutions(features: JetFeatures) -> NDArray[np.float64]:
    """Return the resolution of every column [f] in physical units; NaN where it is not known.

    Of the five parameters of a track it is the root of their mean variance among the training jets; it is not known of
    other columns.
    """
    position = {name: i for i, name in enumerate(features.names)}
    found = np.full(len(features), np.nan)
    for name, i in position.items():
        of_track, _, parameter = name.rpartition("_")
        if parameter in _PARAMETERS and (variance := position.get(f"{of_track}_{parameter}{parameter}")) is not None:
            found[i] = np.sqrt(max(features.mean[variance], 0.0))
    return found


def jet_columns(
    columns: Sequence[Column],
    *,
    mean: ArrayLike,
    std: ArrayLike,
    constant: ArrayLike = False,
    resolution: ArrayLike = np.nan,
    low: ArrayLike = -np.inf,
    high: ArrayLike = np.inf,
) -> InputColumns:
    """Return what attacks must know of the inputs of a jet tagger.

    Args:
        columns: inputs of the network.
        mean: of the scalers.
        std: of the scalers.
        constant: columns that are constant in the training sample.
        resolution: of the measurement, in physical units.
        low: smallest allowed value, in scaled units.
        high: largest allowed value, in scaled units.
    """
    names = [column.name for column in columns]
    return InputColumns.of(
        names,
        perturbation=[column.variable.perturbation for column in columns],
        factor=[column.variable.systematic for column in columns],
        integer=[column.variable.integer for column in columns],
        frozen=constant,
        mean=mean,
        std=std,
        resolution=resolution,
        low=low,
        high=high,
        mask="x_default",
        followers=_followers(names),
        covariances=covariance_positions(names),
    )


def _followers(names: Sequence[str]) -> list[Follower]:
    """Return the significances among ``names``, each with the value and variance of every track that it may be of."""
    position = {name: i for i, name in enumerate(names)}
    found = []
    for name, parameter in _SIGNIFICANCES.items():
        candidates = [value for value in names if value.startswith("track_") and value.endswith(f"_{parameter}")]
        pairs = [(position[value], position.get(f"{value}{parameter}")) for value in candidates]
        sources = [(value, variance) for value, variance in pairs if variance is not None]
        if name in position and sources:
            values, variances = zip(*sources, strict=True)
            found.append(Follower(position[name], values, variances, of_any=True))
    return found


def covariance_positions(names: Sequence[str]) -> np.ndarray:
    """Return the positions [tracks, 5, 5] of the covariance entries of every track that has all of them among ``names``."""
    position = {name: i for i, name in enumerate(names)}
    tracks = sorted({int(name.split("_")[1]) for name in names if name.startswith("track_") and name.endswith("_D0D0")})
    matrices = []
    for track in tracks:
        entries = [[position.get(_entry(track, a, b)) for b in range(5)] for a in range(5)]
        if not any(entry is None for row in entries for entry in row):
            matrices.append(entries)
    return np.array(matrices, np.int32).reshape(-1, 5, 5)


def _entry(track: int, a: int, b: int) -> str:
    return f"track_{track}_{_PARAMETERS[max(a, b)]}{_PARAMETERS[min(a, b)]}"
