"""Compare two ways to compute the scores of a network, on random sparse inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.models.settings import NetworkSettings

__all__ = ["Comparison", "Scores", "compare_scores", "random_taus"]

Inputs = Mapping[str, NDArray[Any]]
Scores = Callable[[Inputs], NDArray[np.float32]]

_BATCH = 100
_LARGEST_VALUE = 5.0  # where most scaled features are clipped
_LARGEST_OCCUPANCY = 0.4


@dataclass(frozen=True)
class Comparison:
    """How far the scores of two ways are apart.

    Attributes:
        taus: number of random taus.
        filled_cells: mean number of filled cells of a tau, all grids together.
        largest_difference: largest absolute difference of a score.
        largest_relative: largest difference of a score relative to the largest score of its tau.
        relative_difference: root of the sum of squared differences, relative to that of squared scores.
    """

    taus: int
    filled_cells: float
    largest_difference: float
    largest_relative: float
    relative_difference: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"largest difference of a score {self.largest_difference:.2g} ({self.largest_relative:.2g} of the tau's largest "
            f"score), all together {self.relative_difference:.2g} relative, on {self.taus} random taus with "
            f"{self.filled_cells:.0f} filled cells on average"
        )


def random_taus(network: NetworkSettings, n_taus: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return network inputs of random taus, from empty grids to busy ones.

    Values are normal, cut at 5 standard deviations; of a cell about half of the components are filled, at least one.
    """
    generator = np.random.default_rng(seed)

    def values(*shape: int) -> NDArray[np.float32]:
        return np.clip(generator.normal(size=shape), -_LARGEST_VALUE, _LARGEST_VALUE).astype(np.float32)

    inputs: dict[str, NDArray[Any]] = {"tau": values(n_taus, network.tau.n_features)}
    occupancy = _LARGEST_OCCUPANCY * generator.random(n_taus) ** 3
    occupancy[: n_taus // 20] = 0
    for grid, settings in network.grids.items():
        drawn = generator.random((n_taus, settings.n_cells, settings.n_cells))
        index = np.argwhere(drawn < occupancy[:, None, None]).astype(np.int32)
        cells = values(len(index), network.n_cell_features)
        present = generator.random((len(index), len(network.components))) < 0.5
        present[np.arange(len(index)), generator.integers(0, len(network.components), len(index))] = True
        for number, (start, stop) in enumerate(network.component_columns().values()):
            cells[~present[:, number], start:stop] = 0
        inputs |= {f"{grid}_index": index, f"{grid}_cells": cells}
    return inputs


def compare_scores(
    reference: Scores, other: Scores, network: NetworkSettings, *, n_taus: int = 500, seed: int = 1
) -> Comparison:
    """Return the differences of ``other`` from ``reference`` on random taus; scores that are not finite count as infinite.

    Args:
        reference: function from network inputs to scores [n, classes], the one that relative differences refer to.
        other: the function to compare.
        network: decides the shapes of the inputs.
        n_taus: number of taus.
        seed: of the random taus.
    """
    expected, received, filled = [], [], 0
    for number in range(-(-n_taus // _BATCH)):
        inputs = random_taus(network, min(_BATCH, n_taus - number * _BATCH), seed + number)
        filled += sum(len(inputs[f"{grid}_index"]) for grid in network.grids)
        expected.append(np.asarray(reference(inputs), np.float64))
        received.append(np.asarray(other(inputs), np.float64))
    scores, difference = np.concatenate(expected), np.abs(np.concatenate(received) - np.concatenate(expected))
    difference[~np.isfinite(difference)] = np.inf
    return Comparison(
        taus=n_taus,
        filled_cells=filled / n_taus,
        largest_difference=float(difference.max()),
        largest_relative=float((difference / scores.max(axis=1, keepdims=True)).max()),
        relative_difference=float(np.sqrt((difference**2).sum() / (scores**2).sum())),
    )
