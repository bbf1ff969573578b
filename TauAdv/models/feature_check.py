"""Whether a network takes the features of a feature table."""

from __future__ import annotations

from TauAdv.errors import InputError
from TauAdv.features.sparse import Layout
from TauAdv.features.table import FeatureTable
from TauAdv.models.settings import NetworkSettings

__all__ = ["network_layout", "require_features"]


def network_layout(network: NetworkSettings) -> Layout:
    """Return the sizes of the arrays that a network takes."""
    grids = {name: grid.n_cells for name, grid in network.grids.items()}
    return Layout(network.tau.n_features, grids, network.component_columns())


def require_features(network: NetworkSettings, table: FeatureTable) -> None:
    """Check that the features of a table fit the inputs of a network.

    Raises:
        InputError: naming the inputs that differ.
    """
    wanted, given = network_layout(network).shapes(), table.layout.shapes()
    if list(wanted.items()) == list(given.items()):
        return
    differing = [name for name in {**wanted, **given} if wanted.get(name) != given.get(name)] or ["order of the components"]
    listed = ", ".join(f"{name} {wanted.get(name)} (table: {given.get(name)})" for name in differing)
    msg = f"feature table '{table.name}' does not fit the network '{network.name}': {listed}; give the table of this network"
    raise InputError(msg)
