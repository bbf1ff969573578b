"""Random taus in the form that the network reads, with a chosen number of filled cells: for timings, not for physics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Mean numbers of filled cells in the two grids: of a typical tau, and in a busy event.
OCCUPANCIES = {"8/25": {"inner": 8.0, "outer": 25.0}, "30/80": {"inner": 30.0, "outer": 80.0}}


def random_taus(network: Any, n_taus: int, filled: dict[str, float], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return the inputs of ``n_taus`` taus with on average ``filled`` cells per grid, sorted as the shards deliver them."""
    generator = np.random.default_rng(seed)
    inputs: dict[str, NDArray[Any]] = {"tau": generator.normal(size=(n_taus, network.tau.n_features)).astype("f4")}
    for grid, settings in network.grids.items():
        n = settings.n_cells
        index = np.argwhere(generator.random((n_taus, n, n)) < filled[grid] / n**2).astype("i4")
        inputs[f"{grid}_index"] = index
        inputs[f"{grid}_cells"] = generator.normal(size=(len(index), network.n_cell_features)).astype("f4")
    return inputs


def paired_taus(network: Any, n_class: int, n_adv: int, filled: dict[str, float], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return a training batch: class rows, then adversarial rows, with random labels and weights."""
    generator = np.random.default_rng(seed + 1)
    n_taus = n_class + n_adv
    is_class = np.arange(n_taus) < n_class
    weights = generator.uniform(0.5, 1.5, n_taus).astype("f4")
    return random_taus(network, n_taus, filled, seed) | {
        "y": np.eye(4, dtype="f4")[generator.integers(0, 4, n_taus)] * is_class[:, None],
        "weight": weights * is_class,
        "y_adv": (generator.integers(0, 2, (n_taus, 1)) * ~is_class[:, None]).astype("f4"),
        "weight_adv": weights * ~is_class,
    }


def dense_grids(network: Any, taus: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the flat features and, per grid and component, the grids [n, cells, cells, features], empty cells zero."""
    inputs = {"tau": taus["tau"]}
    for grid, settings in network.grids.items():
        shape = (len(taus["tau"]), settings.n_cells, settings.n_cells, network.n_cell_features)
        cells = np.zeros(shape, "f4")
        cells[tuple(taus[f"{grid}_index"].T)] = taus[f"{grid}_cells"]
        for component, (first, last) in network.component_columns().items():
            inputs[f"{grid}_{component}"] = np.ascontiguousarray(cells[..., first:last])
    return inputs
