"""DeepTau: taus from flat features and two grids of cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.models.deeptau.settings import NetworkSettings, load_network
from TauAdv.taggers.taus import TauTaggerSpec

if TYPE_CHECKING:
    from TauAdv.models.export.formats import Format
    from TauAdv.models.inference import Inference
    from TauAdv.models.tagger import Tagger

__all__ = ["DEEPTAU", "DeepTau"]


class DeepTau(TauTaggerSpec):
    """The networks of the DeepTau family (TauMLTools, arXiv:2201.08458)."""

    name = "deeptau"
    registered_name = "TauAdv>TauTagger"
    default_network = "deeptau_v2p5"

    def model_type(self) -> type[Tagger]:
        """Return the class of its models."""
        from TauAdv.models.deeptau.network import TauTagger

        return TauTagger

    def load_network(self, name_or_path: str | Path) -> NetworkSettings:
        """Return the settings of a network."""
        return load_network(name_or_path)

    def inference(self, model: Any, *, with_features: bool = False, with_adversarial_head: bool = True) -> Inference:
        """Return the compiled function that evaluates a model, batch normalisation folded into its weights."""
        from TauAdv.models.folded.inference import folded_inference

        return folded_inference(model, with_features=with_features, with_adversarial_head=with_adversarial_head)

    def export_formats(self) -> Mapping[str, Format]:
        """Return CMS graphs, ONNX and SavedModel."""
        from TauAdv.models.export.deeptau_formats import DEEPTAU_FORMATS

        return DEEPTAU_FORMATS

    def double_network(self, network: NetworkSettings) -> NetworkSettings:
        """Return the settings of the same network in double precision, with the epsilon that single precision has."""
        from TauAdv.models.deeptau.double_precision import double_network

        return double_network(network)


DEEPTAU = DeepTau()
