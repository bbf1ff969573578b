"""The weights of a model by layer and name, for writing it in another format."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.tagger import Tagger
from TauAdv.models.variables import named_weights

__all__ = ["LayerWeights", "folded_layer", "layer_weights"]

#: layer -> name of the weight -> float32 value.
LayerWeights = Mapping[str, Mapping[str, NDArray[np.float32]]]


def layer_weights(model: Tagger, source: str) -> LayerWeights:
    """Return the weights of a model in single precision.

    Args:
        model: a tagger.
        source: where it comes from, for messages.

    Raises:
        InputError: listing the layers with weights that are not finite.
    """
    weights = {
        layer.name: {name: np.array(weight.numpy(), np.float32) for name, weight in named_weights(layer).items()}
        for layer in model.layers
        if layer.weights
    }
    broken = [
        f"{layer} ({name}: {int((~np.isfinite(value)).sum())} of {value.size})"
        for layer, values in weights.items()
        for name, value in values.items()
        if not np.isfinite(value).all()
    ]
    if broken:
        msg = f"{source}: weights that are not finite in {', '.join(broken)}; take the model of an earlier checkpoint"
        raise InputError(msg)
    return weights


def folded_layer(
    weights: Mapping[str, Mapping[str, NDArray]], block: str, kind: str, number: int, epsilon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return kernel and bias of a layer of a block with its batch normalisation in them, in double precision.

    With s = gamma/sqrt(variance + epsilon) the kernel is multiplied by s, and the bias becomes (bias - mean) s + beta.

    Args:
        weights: of the network, in any precision.
        block: name of the block, for example ``inner_egamma``.
        kind: ``dense`` or ``conv``.
        number: of the layer within the block, from 1.
        epsilon: added to the variance.
    """
    layer, norm = (
        {role: np.asarray(value, np.float64) for role, value in weights[f"{block}_{name}_{number}"].items()}
        for name in (kind, "norm")
    )
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + epsilon)
    return layer["kernel"] * scale, (layer["bias"] - norm["moving_mean"]) * scale + norm["beta"]
