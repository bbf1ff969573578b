"""Layers with their batch normalisation folded into kernel and bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TauAdv.models.tagger import TauTagger

__all__ = ["FoldedLayer", "FoldedWeights"]


@dataclass(frozen=True)
class FoldedLayer:
    """A linear layer, its batch normalisation and its PReLU as three arrays.

    Attributes:
        kernel: weights [inputs, outputs] of a fully connected layer, [eta, phi, inputs, outputs] of a convolution.
        bias: [outputs].
        slope: of the PReLU for negative values [outputs]; ``None`` without activation.
    """

    kernel: NDArray
    bias: NDArray
    slope: NDArray | None = None

    def pointwise(self) -> FoldedLayer:
        """Return a 1x1 convolution as a layer that acts on rows [rows, inputs]."""
        return FoldedLayer(self.kernel.reshape(self.kernel.shape[-2:]), self.bias, self.slope)

    def widened(self, n_inputs: int, n_outputs: int) -> FoldedLayer:
        """Return the layer [inputs, outputs] with more inputs, which it ignores, and more outputs, which are zero."""
        inputs, outputs = self.kernel.shape
        more = (0, n_outputs - outputs)
        return FoldedLayer(
            np.pad(self.kernel, ((0, n_inputs - inputs), more)),
            np.pad(self.bias, more),
            None if self.slope is None else np.pad(self.slope, more),
        )


class FoldedWeights:
    """The folded layers of a model by name, as its weights are now.

    Args:
        model: tagger of any settings.
        dtype: number type of the arrays; folding itself is done in double precision.
    """

    def __init__(self, model: TauTagger, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self._weights: dict[str, dict[str, NDArray[np.float64]]] = {
            layer.name: {weight.name: np.asarray(weight.numpy(), np.float64) for weight in layer.weights}
            for layer in model.layers
            if layer.weights
        }
        self._epsilon = model.network.normalisation.epsilon

    def linear(self, name: str) -> FoldedLayer:
        """Return a layer that has neither normalisation nor activation."""
        weights = self._weights[name]
        return FoldedLayer(*(self._cast(weights[role]) for role in ("kernel", "bias")))

    def normalised(self, block: str, kind: str, number: int) -> FoldedLayer:
        """Return a layer of a block, with normalisation and activation.

        With s = gamma/sqrt(variance + epsilon), the kernel is multiplied by s and the bias is (bias - mean) s + beta.

        Args:
            block: name of the block, for example ``inner_egamma``.
            kind: ``dense`` or ``conv``.
            number: of the layer within the block, from 1.
        """
        layer = self._weights[f"{block}_{kind}_{number}"]
        norm = self._weights[f"{block}_norm_{number}"]
        slope = self._weights[f"{block}_activation_{number}"]["alpha"]
        scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + self._epsilon)
        bias = (layer["bias"] - norm["moving_mean"]) * scale + norm["beta"]
        return FoldedLayer(self._cast(layer["kernel"] * scale), self._cast(bias), self._cast(slope.reshape(-1)))

    def _cast(self, values: NDArray[np.float64]) -> NDArray:
        return values.astype(self.dtype)
