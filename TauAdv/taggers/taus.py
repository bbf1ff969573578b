"""What all taggers of taus have in common, whatever their network: rows, class loss, attacks, commands, exported inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.shards.tau.layout import TAU_ROWS
from TauAdv.taggers.spec import TaggerSpec, TrainingOf

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.constraints import Constraints
    from TauAdv.models.comparison import Inputs
    from TauAdv.taggers.objective import ClassObjective

__all__ = ["TauTaggerSpec"]

_TAU = TAU_CLASSES.index("tau")


class TauTaggerSpec(TaggerSpec):
    """A tagger of taus: network settings have the inputs of :class:`TauAdv.models.taus.inputs.TauInputs`."""

    rows = TAU_ROWS.name
    sizes_are = "(features of a tau, features of a cell, cells of the grids)"
    training = TrainingOf(
        "trainings of taus ({})", ("train classifier", "train adversarial"), "TauAdv.training.settings.taus:TauSettings"
    )
    trained_by = ("train classifier", "train adversarial")
    evaluated_by = "apply"

    def sizes(self, network: Any) -> Any:
        """Return the numbers of features of a tau and of a cell, and the cells of the grids, of a network."""
        cells = {name: grid.n_cells for name, grid in network.grids.items()}
        return network.tau.n_features, network.n_cell_features, cells

    def sizes_of_table(self, table: Any) -> Any:
        """Return the same of a feature table."""
        return table.layout.tau, table.layout.cell, dict(table.layout.grids)

    def require_features(self, network: Any, table: Any) -> None:
        """Check that a network takes the features of a table."""
        from TauAdv.models.taus.feature_check import require_features

        require_features(network, table)

    def constraints(self, table: Any) -> Constraints:
        """Return what attacks may do to taus."""
        from TauAdv.attacks.constraints.taus import tau_constraints

        return tau_constraints(table)

    def objective(self, settings: Any) -> ClassObjective:
        """Return the loss of the TauLosses family that the settings name; the others are measured, too."""
        from TauAdv.models.deeptau.losses import TauLosses, loss_function
        from TauAdv.taggers.objective import ClassObjective

        pairs = {f"auc_tau_vs_{name}": (_TAU, k) for k, name in enumerate(TAU_CLASSES) if k != _TAU}
        return ClassObjective(loss_function(settings.model.loss), TauLosses().functions(), pairs)

    def random_inputs(self, network: Any, n_rows: int, seed: int) -> Inputs:
        """Return network inputs of random taus, from empty grids to busy ones."""
        from TauAdv.models.comparison import random_taus

        return random_taus(network, n_rows, seed)

    def random_values(self, network: Any, table: Any, n_rows: int, seed: int) -> Inputs:
        """Return dense tensors of physical values of random taus, some of them not valid."""
        from TauAdv.models.export.tau_preprocessing import random_values

        return random_values(network, table, n_rows, seed)

    def preprocessed(self, network: Any, table: Any, values: Inputs) -> Inputs:
        """Return the network inputs of dense tensors of physical values."""
        from TauAdv.models.export.dense_inputs import sparse_inputs
        from TauAdv.models.export.tau_preprocessing import scaled_in_numpy

        found = sparse_inputs(scaled_in_numpy(values, table, network), network)
        return {name: np.asarray(tensor) for name, tensor in found.items()}

    def feature_text(self, table: Any, network: Any) -> str:
        """Return the text of ``features.json``: order and scaling of the features of every dense tensor."""
        from TauAdv.models.export.feature_file import feature_text

        return feature_text(table, network)
