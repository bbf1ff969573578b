"""Compare two ways to compute the scores of a network, on random sparse inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.models.taus.inputs import TauInputs

__all__ = [
    "Agreement",
    "Draw",
    "GraphComparison",
    "Inputs",
    "Scores",
    "compare_all",
    "compare_scores",
    "random_taus",
]

Inputs = Mapping[str, NDArray[Any]]
Scores = Callable[[Inputs], NDArray[Any]]
Draw = Callable[[int, int], Inputs]

_BATCH = 100
_LARGEST_VALUE = 5.0  # where most scaled features are clipped
_LARGEST_OCCUPANCY = 0.4
_SMALLEST_SCORE = 0.01


@dataclass(frozen=True)
class GraphComparison:
    """How far the scores of two ways are apart.

    Attributes:
        taus: number of random taus.
        filled_cells: mean number of filled cells of a tau, all grids together.
        largest_difference: largest absolute difference of a score.
        largest_relative: largest difference of a score relative to the largest score of its tau.
        largest_relative_of_score: largest difference relative to the score itself, for scores above 0.01.
        relative_difference: root of the sum of squared differences, relative to that of squared scores.
    """

    taus: int
    filled_cells: float
    largest_difference: float
    largest_relative: float
    largest_relative_of_score: float
    relative_difference: float

    @classmethod
    def of(cls, reference: NDArray[np.float64], other: NDArray[np.float64], filled_cells: float) -> GraphComparison:
        """Return the differences of scores ``other`` from ``reference`` [n, classes]; those not finite are infinite."""
        difference = np.abs(other - reference)
        difference[~np.isfinite(difference)] = np.inf
        of_scores = (difference / np.maximum(reference, _SMALLEST_SCORE))[reference > _SMALLEST_SCORE]
        return cls(
            taus=len(reference),
            filled_cells=filled_cells,
            largest_difference=float(difference.max()),
            largest_relative=float((difference / reference.max(axis=1, keepdims=True)).max()),
            largest_relative_of_score=float(of_scores.max(initial=0)),
            relative_difference=float(np.sqrt((difference**2).sum() / (reference**2).sum())),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        cells = f" with {self.filled_cells:.0f} filled cells on average" if self.filled_cells else ""
        return (
            f"largest difference of a score {self.largest_difference:.2g} ({self.largest_relative:.2g} of its row's largest "
            f"score), all together {self.relative_difference:.2g} relative, on {self.taus} random rows{cells}"
        )


@dataclass(frozen=True)
class Agreement:
    """How far two ways to compute the same network may be apart in single precision, by its own rounding.

    Rounding is the same in size everywhere, but its largest value grows with the number of taus; networks with large
    activations round more than others. So the network's own distance from double precision, on the same taus, is the unit.

    Attributes:
        all_together: allowed relative difference of all scores together.
        single: allowed difference of a score, of the largest score of its tau.
    """

    all_together: float
    single: float

    #: Two ways in double precision, all scores together: the same network, whatever the order of its sums.
    DOUBLE_PRECISION = 1e-9
    #: Multiples of the rounding of all scores together that are allowed, and the least that is allowed in any case.
    ROUNDINGS_TOGETHER, ROUNDINGS_SINGLE, LEAST = 5, 50, 1e-6

    @classmethod
    def of_rounding(cls, *from_double_precision: GraphComparison) -> Agreement:
        """Return what is allowed to ways that are so far from double precision; the one that rounds most counts."""
        rounding = max(comparison.relative_difference for comparison in from_double_precision)
        together, single = (max(cls.LEAST, times * rounding) for times in (cls.ROUNDINGS_TOGETHER, cls.ROUNDINGS_SINGLE))
        return cls(together, single)

    def holds(self, found: GraphComparison) -> bool:
        """Return whether a difference is one of rounding."""
        return found.relative_difference <= self.all_together and found.largest_relative <= self.single

    def __str__(self) -> str:
        return (
            f"allowed by the network's own rounding are {self.single:.1e} of a row's largest score, "
            f"{self.all_together:.1e} all together"
        )


def random_taus(network: TauInputs, n_taus: int, seed: int) -> dict[str, NDArray[Any]]:
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


def compare_scores(reference: Scores, other: Scores, draw: Draw, *, n_taus: int = 500, seed: int = 1) -> GraphComparison:
    """Return the differences of ``other`` from ``reference``, see :func:`compare_all`."""
    return compare_all({"reference": reference}, {"other": other}, draw, n_taus=n_taus, seed=seed)["reference"]["other"]


def compare_all(
    references: Mapping[str, Scores],
    others: Mapping[str, Scores],
    draw: Draw,
    *,
    n_taus: int = 500,
    seed: int = 1,
) -> dict[str, dict[str, GraphComparison]]:
    """Return the differences of several ways to compute scores from several references, all on the same random taus.

    Args:
        references: by name, functions from network inputs to scores [n, classes]; relative differences refer to them.
        others: by name, the functions to compare; references are compared with each other, too.
        draw: from a number of taus and a seed to random network inputs, such as :func:`random_taus` of a network.
        n_taus: number of taus.
        seed: of the random taus.

    Returns:
        By name of the reference and of the other: the comparison.
    """
    functions = {**references, **others}
    batches: dict[str, list[NDArray[np.float64]]] = {name: [] for name in functions}
    filled = 0
    for number in range(-(-n_taus // _BATCH)):
        inputs = draw(min(_BATCH, n_taus - number * _BATCH), seed + number)
        filled += sum(len(index) for name, index in inputs.items() if name.endswith("_index"))
        for name, function in functions.items():
            batches[name].append(np.asarray(function(inputs), np.float64))
    scores = {name: np.concatenate(parts) for name, parts in batches.items()}
    return {
        reference: {
            name: GraphComparison.of(scores[reference], found, filled / n_taus)
            for name, found in scores.items()
            if name != reference
        }
        for reference in references
    }
