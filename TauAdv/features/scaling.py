"""Scaling of feature values, in float32 at each step: clip((value - mean) / std, low, high)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TauAdv.features.blocks import Feature

__all__ = ["ScalingConstants", "scale"]


@dataclass(frozen=True)
class ScalingConstants:
    """Scaling constants of features in order: float32 [features] each."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @classmethod
    def of(cls, features: Sequence[Feature], grid: str = "inner") -> ScalingConstants:
        """Return the constants that the features have in a grid; those of a tau's flat features are the same in all."""
        rows = [feature.scaling[grid] for feature in features]
        columns = ([getattr(row, name) for row in rows] for name in ("mean", "std", "low", "high"))
        return cls(*(np.array(column, np.float32) for column in columns))

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scaled and clipped values [..., features]; what is not finite may stay so."""
        with np.errstate(all="ignore"):
            return np.clip((values.astype(np.float32) - self.mean) / self.std, self.low, self.high)

    def invert(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return physical values [..., features] of scaled ones (of the limit, where a value was clipped)."""
        return np.asarray(scaled, np.float32) * self.std + self.mean


def scale(
    values: NDArray[np.float32], valid: Mapping[int, NDArray[np.bool_]], features: Sequence[Feature], grid: str
) -> tuple[NDArray[np.float32], dict[str, int]]:
    """Return scaled values, and how many of each feature were not finite and became 0.

    Args:
        values: float32 [features, objects] as evaluated, one feature after the other.
        valid: feature position -> where its value is valid; positions left out are valid everywhere. An invalid value
            becomes the feature's default after scaling, never the scaled default.
        features: what the rows are.
        grid: whose constants to take.
    """
    constants = ScalingConstants.of(features, grid)
    scaled = np.empty_like(values)
    with np.errstate(all="ignore"):
        np.subtract(values, constants.mean[:, None], out=scaled)
        np.divide(scaled, constants.std[:, None], out=scaled)
        np.clip(scaled, constants.low[:, None], constants.high[:, None], out=scaled)
    for position, where in valid.items():
        scaled[position][~where] = features[position].default
    broken = ~np.isfinite(scaled)
    counts = np.count_nonzero(broken, axis=1)
    scaled[broken] = 0
    return scaled, {feature.path: int(count) for feature, count in zip(features, counts, strict=True) if count}
