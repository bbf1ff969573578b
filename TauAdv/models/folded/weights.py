"""Layers with their batch normalisation folded into kernel and bias."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from TauAdv.models.deeptau.network import TauTagger
from TauAdv.models.layer_weights import folded_layer

__all__ = ["FoldedLayer", "FoldedWeights"]


@dataclass(frozen=True)
class FoldedLayer:
    """A linear layer, its batch normalisation and its PReLU as three arrays.

    Attributes:
        kernel: weights [inputs, outputs] of a fully connected layer, [eta, phi, inputs, outputs] of a convolution.
        bias: [outputs].
        slope: of the PReLU [outputs]; ``None`` without activation.
        flipped: features whose slope exceeds one are made with the opposite sign.
    """

    kernel: NDArray
    bias: NDArray
    slope: NDArray | None = None
    flipped: bool = False

    def pointwise(self) -> FoldedLayer:
        """Return a 1x1 convolution as a layer that acts on rows [rows, inputs]."""
        return replace(self, kernel=self.kernel.reshape(self.kernel.shape[-2:]))

    def widened(self, n_inputs: int, n_outputs: int) -> FoldedLayer:
        """Return the layer [inputs, outputs] with more inputs, which it ignores, and more outputs, which are zero."""
        inputs, outputs = self.kernel.shape
        more = (0, n_outputs - outputs)
        return replace(
            self,
            kernel=np.pad(self.kernel, ((0, n_inputs - inputs), more)),
            bias=np.pad(self.bias, more),
            slope=None if self.slope is None else np.pad(self.slope, more),
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
        return FoldedLayer(self._cast(weights["kernel"]), self._cast(weights["bias"]))

    def block(self, block: str, kind: str, depth: int) -> list[FoldedLayer]:
        """Return the layers of a block, each with normalisation and activation.

        Between two layers of a block, features whose slope exceeds one are carried with the opposite sign: the kernel that
        makes them and the one that takes them change sign, which is exact, and the activation is then
        max(x, slope x) for every slope (see :func:`TauAdv.models.folded.layers.prelu`). The last layer keeps its signs.

        Args:
            block: name of the block, for example ``inner_egamma``.
            kind: ``dense`` or ``conv``.
            depth: number of layers.
        """
        layers, signs = [], np.ones(1, self.dtype)
        for number in range(1, depth + 1):
            kernel, bias, slope = self._normalised(block, kind, number)
            taken, flipped = signs, number < depth
            signs = np.where((slope > 1) & flipped, -1, 1).astype(self.dtype)
            layers.append(FoldedLayer(kernel * taken[:, None] * signs, bias * signs, slope, flipped))
        return layers

    def _normalised(self, block: str, kind: str, number: int) -> tuple[NDArray, NDArray, NDArray]:
        """Return kernel, bias and slope of a layer with its normalisation."""
        kernel, bias = folded_layer(self._weights, block, kind, number, self._epsilon)
        slope = self._weights[f"{block}_activation_{number}"]["alpha"]
        return self._cast(kernel), self._cast(bias), self._cast(slope.reshape(-1))

    def _cast(self, values: NDArray[np.float64]) -> NDArray:
        return values.astype(self.dtype)
