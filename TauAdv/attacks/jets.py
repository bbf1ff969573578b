"""What attacks may do to the inputs of a jet tagger, from the table of jet variables and the scalers of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TauAdv.attacks.columns import Columns, Follower
from TauAdv.attacks.constraints import Constraints
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import Column

__all__ = ["covariance_positions", "jet_columns", "jet_constraints", "track_resolutions"]

#: Perigee parameters of a track; the covariances are named by pairs of them.
_PARAMETERS = ("D0", "Z0", "PHI", "THETA", "QOVERP")
#: Significances of the jet -> value and variance of the track (the tracks are ordered, the most displaced is track 0).
_SIGNIFICANCES = {
    "track_2_d0_significance": ("track_1_D0", "track_1_D0D0"),
    "track_3_d0_significance": ("track_2_D0", "track_2_D0D0"),
    "track_2_z0_significance": ("track_1_Z0", "track_1_Z0Z0"),
    "track_3_z0_significance": ("track_2_Z0", "track_2_Z0Z0"),
}


def jet_constraints(features: JetFeatures, **options: Any) -> Constraints:
    """Return the constraints of a batch of jets: ``x`` may move, except where ``x_default`` says that it is a default.

    Counts never move, and neither do columns that are constant in the training sample: their weights are untrained.

    Args:
        features: table, scalers and constant columns of the sample, as its shards hold them.
        options: of :class:`TauAdv.attacks.constraints.Constraints` (``relative_cap``, ...), or of :func:`jet_columns`
            (``resolution``, ``low``, ``high``). By default the resolutions are those of :func:`track_resolutions`.
    """
    of_columns = {key: options.pop(key) for key in ("resolution", "low", "high") if key in options}
    of_columns.setdefault("resolution", track_resolutions(features))
    facts = jet_columns(features.columns, mean=features.mean, std=features.std, constant=features.frozen, **of_columns)
    return Constraints({"x": facts}, **options)


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
) -> Columns:
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
    position = {name: i for i, name in enumerate(names)}
    followers = [
        Follower(position[name], position[value], position[variance])
        for name, (value, variance) in _SIGNIFICANCES.items()
        if {name, value, variance} <= set(position)
    ]
    return Columns.of(
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
        followers=followers,
        covariances=covariance_positions(names),
    )


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
