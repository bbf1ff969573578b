"""A network in double precision: its scores as they are without rounding, for practical purposes.

Two ways to compute a network are the same network if they agree in double precision. How far they may be apart in single
precision is then a question of rounding alone, and depends on the network: its own distance from double precision says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.models.deeptau.settings import NetworkSettings
from TauAdv.models.tagger import Tagger, TaggerType
from TauAdv.models.transfer import copy_weights_by_name

__all__ = ["double_inputs", "double_model", "double_network", "double_scores"]

Scores = Callable[[Mapping[str, NDArray[Any]]], NDArray[Any]]


def double_network(network: NetworkSettings) -> NetworkSettings:
    """Return the settings with the epsilon that single precision has: 0.001 becomes 0.001000000047..."""
    epsilon = float(np.float32(network.normalisation.epsilon))
    return network.model_copy(update={"normalisation": network.normalisation.model_copy(update={"epsilon": epsilon})})


def double_model(model: TaggerType, network: Any) -> TaggerType:
    """Return the classifier of a model in double precision, with the same weights; ``network``: its settings there."""
    double = type(model).classifier(network, dtype="float64")
    copy_weights_by_name(model, double, require_shapes=True)
    return double


def double_scores(double: Tagger) -> Scores:
    """Return the scores of a model in double precision, as a function of network inputs in any precision."""
    return lambda inputs: double(double_inputs(inputs), training=False).numpy()


def double_inputs(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return network inputs with their floating-point numbers in double precision."""
    return {name: x.astype(np.float64) if np.issubdtype(x.dtype, np.floating) else x for name, x in inputs.items()}
