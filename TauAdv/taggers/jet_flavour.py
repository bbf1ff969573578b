"""The jet-flavour tagger: b, c and light jets from a vector of scaled inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.domain.classes import JET_CLASSES
from TauAdv.models.jet_flavour.settings import JetNetworkSettings, load_jet_network
from TauAdv.shards.jet.layout import JET_ROWS
from TauAdv.taggers.spec import TaggerSpec, TrainingOf

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.constraints import Constraints
    from TauAdv.models.comparison import Inputs
    from TauAdv.models.export.formats import Format
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
    training = TrainingOf("trainings of jets ({})", ("train jets",), "TauAdv.training.settings.jets:JetSettings")
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

        loss = jet_loss(settings.model.loss, len(JET_CLASSES))
        return ClassObjective(
            loss,
            terms={"unweighted_loss": loss, "crossentropy": crossentropy},
            pairs={"auc_b_vs_light": (0, 2), "auc_b_vs_c": (0, 1), "auc_c_vs_light": (1, 2)},
            are_logits=True,
            by_weight=True,
            use_weights=settings.data.use_weights,
        )

    def export_formats(self) -> Mapping[str, Format]:
        """Return ONNX and SavedModel."""
        from TauAdv.models.export.jet_formats import JET_FORMATS

        return JET_FORMATS

    def random_inputs(self, network: JetNetworkSettings, n_rows: int, seed: int) -> Inputs:
        """Return scaled inputs of random jets."""
        from TauAdv.models.jet_flavour.inputs import random_jets

        return random_jets(network.n_features, n_rows, seed)

    def random_values(self, network: JetNetworkSettings, table: Any, n_rows: int, seed: int) -> Inputs:
        """Return physical values of random jets, some of them absent."""
        from TauAdv.models.export.jet_formats import VALUES
        from TauAdv.models.jet_flavour.inputs import random_values

        return {VALUES: random_values(table, n_rows, seed)}

    def preprocessed(self, network: JetNetworkSettings, table: Any, values: Inputs) -> Inputs:
        """Return the scaled inputs of physical values."""
        from TauAdv.models.export.jet_formats import VALUES

        return {"x": JET_ROWS.from_arrays(table, values[VALUES]).x}

    def feature_text(self, table: Any, network: JetNetworkSettings) -> str:
        """Return the text of ``features.json``: order, defaults and scaling of the inputs."""
        from TauAdv.models.jet_flavour.inputs import feature_text

        return feature_text(table)


JET_FLAVOUR = JetFlavour()
