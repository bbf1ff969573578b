"""DeepTau: taus from flat features and two grids of cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.models.deeptau.settings import NetworkSettings, load_network
from TauAdv.shards.tau.layout import TAU_ROWS
from TauAdv.taggers.spec import TaggerSpec, TrainingOf

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.constraints import Constraints
    from TauAdv.models.tagger import Tagger
    from TauAdv.taggers.objective import ClassObjective

__all__ = ["DEEPTAU", "DeepTau"]

_TAU = TAU_CLASSES.index("tau")


class DeepTau(TaggerSpec):
    """The networks of the DeepTau family (DeepTau specification, section H); base of other taggers of taus."""

    name = "deeptau"
    rows = TAU_ROWS.name
    registered_name = "TauAdv>TauTagger"
    default_network = "deeptau_v2p5"
    sizes_are = "(features of a tau, features of a cell, cells of the grids)"
    trainings = (
        TrainingOf(
            "trainings of taus ({})",
            ("train classifier", "train adversarial"),
            "TauAdv.training.settings.taus:ClassifierSettings",
        ),
        TrainingOf(
            "adversarial trainings of taus ({})", ("train adversarial",), "TauAdv.training.settings.taus:AdversarialSettings"
        ),
    )
    trained_by = ("train classifier", "train adversarial")
    evaluated_by = "apply"

    def model_type(self) -> type[Tagger]:
        """Return the class of its models."""
        from TauAdv.models.deeptau.network import TauTagger

        return TauTagger

    def load_network(self, name_or_path: str | Path) -> NetworkSettings:
        """Return the settings of a network."""
        return load_network(name_or_path)

    def sizes(self, network: NetworkSettings) -> Any:
        """Return the numbers of features of a tau and of a cell, and the cells of the grids, of a network."""
        cells = {name: grid.n_cells for name, grid in network.grids.items()}
        return network.tau.n_features, network.n_cell_features, cells

    def sizes_of_table(self, table: Any) -> Any:
        """Return the same of a feature table."""
        return table.layout.tau, table.layout.cell, dict(table.layout.grids)

    def constraints(self, table: Any) -> Constraints:
        """Return what attacks may do to taus."""
        from TauAdv.attacks.constraints.taus import tau_constraints

        return tau_constraints(table)

    def objective(self, settings: Any) -> ClassObjective:
        """Return the loss of the TauLosses family that the settings name; the others are measured, too."""
        from TauAdv.models.deeptau.losses import TauLosses, loss_function
        from TauAdv.taggers.objective import ClassObjective

        pairs = {f"auc_tau_vs_{name}": (_TAU, k) for k, name in enumerate(TAU_CLASSES) if k != _TAU}
        return ClassObjective(loss_function(settings.loss), TauLosses().functions(), pairs)


DEEPTAU = DeepTau()
