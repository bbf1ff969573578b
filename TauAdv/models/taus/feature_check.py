"""Whether a network takes the features of a feature table."""

from __future__ import annotations

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.models.taus.inputs import TauInputs

__all__ = ["require_features"]


def require_features(network: TauInputs, table: FeatureTable) -> None:
    """Check that a network has as many inputs and cells as a table has features and cells.

    Raises:
        InputError: naming the sizes that differ.
    """
    wanted = {"features of a tau": network.tau.n_features, "features of a cell": network.n_cell_features}
    given = {"features of a tau": table.layout.tau, "features of a cell": table.layout.cell}
    wanted |= {f"cells of the {name} grid": grid.n_cells for name, grid in network.grids.items()}
    given |= {f"cells of the {name} grid": cells for name, cells in table.layout.grids.items()}
    differing = [name for name in {**wanted, **given} if wanted.get(name) != given.get(name)]
    if differing:
        listed = "; ".join(f"{name}: network {wanted.get(name, 0)}, table {given.get(name, 0)}" for name in differing)
        msg = f"feature table '{table.name}' is not that of the network '{network.name}': {listed}; give its own"
        raise InputError(msg)
