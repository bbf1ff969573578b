"""The jet-flavour tagger: b, c and light jets from a vector of scaled inputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.domain.classes import JET_CLASSES
from TauAdv.models.jet_flavour.settings import JetNetworkSettings, load_jet_network
from TauAdv.shards.jet.layout import JET_ROWS
from TauAdv.taggers.spec import TaggerSpec, TrainingOf

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.constraints import Constraints
    from TauAdv.models.tagger import Tagger
    from TauAdv.taggers.objective import ClassObjective

__all__ = ["JET_FLAVOUR", "JetFlavour"]


class JetFlavour(TaggerSpec):
    """The network of arXiv:2203.13890."""

    name = "jet_flavour"
    rows = JET_ROWS.name
    registered_name = "TauAdv>JetTagger"
    default_network = "jet_flavour"
    sizes_are = "this number of features of a jet:"
    trainings = (
        TrainingOf("trainings of jets ({})", ("train jets",), "TauAdv.training.settings.jets:JetSettings"),
        TrainingOf("'method: domain' of {}", ("train jets",), "TauAdv.training.settings.jets:JetDomainSettings"),
    )
    trained_by = ("train jets",)
    evaluated_by = "robustness"

    def model_type(self) -> type[Tagger]:
        """Return the class of its models."""
        from TauAdv.models.jet_flavour.network import JetTagger

        return JetTagger

    def load_network(self, name_or_path: str | Path) -> JetNetworkSettings:
        """Return the settings of a network."""
        return load_jet_network(name_or_path)

    def sizes(self, network: JetNetworkSettings) -> int:
        """Return the number of inputs of a network."""
        return network.n_features

    def sizes_of_table(self, table: Any) -> int:
        """Return the number of features of a table."""
        return len(table)

    def constraints(self, table: Any) -> Constraints:
        """Return what attacks may do to jets."""
        from TauAdv.attacks.constraints.jets import jet_constraints

        return jet_constraints(table)

    def objective(self, settings: Any) -> ClassObjective:
        """Return the cross entropy or focal loss of the settings, of logits, divided by the sum of weights."""
        from TauAdv.models.jet_flavour.losses import crossentropy, jet_loss
        from TauAdv.taggers.objective import ClassObjective

        loss = jet_loss(settings.loss, len(JET_CLASSES))
        return ClassObjective(
            loss,
            terms={"unweighted_loss": loss, "crossentropy": crossentropy},
            pairs={"auc_b_vs_light": (0, 2), "auc_b_vs_c": (0, 1), "auc_c_vs_light": (1, 2)},
            are_logits=True,
            by_weight=True,
            use_weights=settings.use_weights,
        )


JET_FLAVOUR = JetFlavour()
