"""A transformer over the filled cells of a tau, on the shards of DeepTau."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from TauAdv.models.tau_transformer.settings import TransformerSettings, load_transformer
from TauAdv.taggers.taus import TauTaggerSpec

if TYPE_CHECKING:
    from TauAdv.models.export.formats import Format
    from TauAdv.models.inference import Inference
    from TauAdv.models.tagger import Tagger

__all__ = ["TAU_TRANSFORMER", "TauTransformerSpec"]


class TauTransformerSpec(TauTaggerSpec):
    """Tokens are the filled cells of both grids and the tau itself (docs/models.md)."""

    name = "tau_transformer"
    registered_name = "TauAdv>TauTransformer"
    default_network = "tau_transformer_demo"

    def model_type(self) -> type[Tagger]:
        """Return the class of its models."""
        from TauAdv.models.tau_transformer.network import TauTransformer

        return TauTransformer

    def load_network(self, name_or_path: str | Path) -> TransformerSettings:
        """Return the settings of a network."""
        return load_transformer(name_or_path)

    def inference(self, model: Any, *, with_features: bool = False, with_adversarial_head: bool = True) -> Inference:
        """Return the compiled function that evaluates a model, some taus at a time."""
        from TauAdv.models.tau_transformer.inference import chunked_inference

        return chunked_inference(model, with_features=with_features, with_adversarial_head=with_adversarial_head)

    def export_formats(self) -> Mapping[str, Format]:
        """Return ONNX and SavedModel."""
        from TauAdv.models.export.onnx_format import onnx_format
        from TauAdv.models.export.saved_model import SAVED_MODEL

        return {"onnx": onnx_format(_onnx_graph), "savedmodel": SAVED_MODEL}

    def double_network(self, network: TransformerSettings) -> TransformerSettings:
        """Return the settings of the same network in double precision, with the epsilon that single precision has."""
        return network.model_copy(update={"epsilon": float(np.float32(network.epsilon))})


def _onnx_graph() -> Any:
    from TauAdv.models.tau_transformer.onnx_graph import onnx_transformer

    return onnx_transformer


TAU_TRANSFORMER = TauTransformerSpec()
