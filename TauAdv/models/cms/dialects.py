"""From the constants of a frozen graph to the weights of named layers.

There are two dialects (facts measured on the public files): ``TF2-frozen`` (DeepTau 2018 v2p5, newer and boosted versions),
where each variable is a constant named after the operation that reads it; and ``TF1-folded`` (2017 v2p6 and before), where
some weights keep the variable's name and others went into constants made by folding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.models.cms.graph_files import FrozenGraph
from TauAdv.models.cms.parts import CmsGraphs

__all__ = [
    "DIALECTS",
    "TF1_FOLDED",
    "TF2_FROZEN",
    "Dialect",
    "LayerConstants",
    "dialect_of",
    "graph_constants",
    "keras_weights",
    "layer_constants",
]

#: Weights of layers: layer -> role of the constant -> value.
LayerConstants = dict[str, dict[str, NDArray[np.float32]]]

_LINEAR, _NORM, _ACTIVATION = r"(?P<layer>[^/]+)", r"(?P<layer>[^/]+_norm_\d+)", r"(?P<layer>[^/]+_activation_\d+)"
_FOLDED = r"/_\d+__cf__\d+"


@dataclass(frozen=True)
class Dialect:
    """How a kind of frozen graph names its weights.

    Attributes:
        name: of the dialect.
        mark: expression that constants of this dialect match and those of others do not.
        roles: (expression for the name of a constant, its role in the layer).
    """

    name: str
    mark: re.Pattern[str]
    roles: tuple[tuple[re.Pattern[str], str], ...]

    def locate(self, constant: str) -> tuple[str, str] | None:
        """Return layer and role of a constant; ``None`` if the dialect knows no such name."""
        for pattern, role in self.roles:
            if match := pattern.fullmatch(constant):
                return match["layer"], role
        return None


def _dialect(name: str, mark: str, roles: Mapping[str, str]) -> Dialect:
    return Dialect(name, re.compile(mark), tuple((re.compile(pattern), role) for pattern, role in roles.items()))


#: Of the normalisation of flat features the number of the operation tells mean, variance and offset apart.
TF2_FROZEN = _dialect(
    "TF2-frozen",
    r".*/resource",
    {
        _LINEAR + r"/(?:MatMul|Tensordot|Conv2D)/ReadVariableOp/resource": "kernel",
        _LINEAR + r"/BiasAdd/ReadVariableOp/resource": "bias",
        _NORM + r"/ReadVariableOp/resource": "gamma",
        _NORM + r"/ReadVariableOp_1/resource": "beta",
        _NORM + r"/FusedBatchNormV3/ReadVariableOp/resource": "moving_mean",
        _NORM + r"/FusedBatchNormV3/ReadVariableOp_1/resource": "moving_variance",
        _NORM + r"/batchnorm/mul/ReadVariableOp/resource": "gamma",
        _NORM + r"/batchnorm/ReadVariableOp/resource": "moving_variance",
        _NORM + r"/batchnorm/ReadVariableOp_1/resource": "moving_mean",
        _NORM + r"/batchnorm/ReadVariableOp_2/resource": "beta",
        _ACTIVATION + r"/ReadVariableOp/resource": "alpha",
    },
)

TF1_FOLDED = _dialect(
    "TF1-folded",
    r".*/(?:kernel|bias|_\d+__cf__\d+)",
    {
        _LINEAR + r"/kernel": "kernel",
        _LINEAR + r"/bias": "bias",
        _NORM + r"/gamma": "gamma",
        _NORM + r"/beta": "beta",
        _NORM + r"/moving_mean": "moving_mean",
        _NORM + r"/moving_variance": "moving_variance",
        _NORM + r"(?:/[^/]+)*/mul" + _FOLDED: "scale",
        _NORM + r"(?:/[^/]+)*/sub" + _FOLDED: "shift",
        _ACTIVATION + r"/Neg" + _FOLDED: "minus_alpha",
    },
)

DIALECTS = (TF2_FROZEN, TF1_FOLDED)


def dialect_of(graph: FrozenGraph) -> Dialect:
    """Return the dialect of a graph.

    Raises:
        InputError: if it is none of the known ones.
    """
    found = [dialect for dialect in DIALECTS if any(dialect.mark.fullmatch(name) for name in graph.weights)]
    if len(found) != 1:
        names = ", ".join(dialect.name for dialect in DIALECTS)
        msg = (
            f"{graph.path}: the names of its {len(graph.weights)} weights follow {'several' if found else 'none'} of the "
            f"dialects {names}; expected a graph of a CMS DeepTau network"
        )
        raise InputError(msg)
    return found[0]


def layer_constants(graphs: CmsGraphs) -> tuple[Dialect, LayerConstants]:
    """Return the dialect of a network's graphs and all of their weights, by layer and role.

    Raises:
        InputError: if the graphs are of different dialects, or a weight belongs to no layer or to a layer of two graphs.
    """
    dialects = {name: dialect_of(graph) for name, graph in graphs.parts.items()}
    if len(set(dialects.values())) > 1:
        listed = ", ".join(f"{graphs.parts[name].path.name} {dialect.name}" for name, dialect in dialects.items())
        msg = f"graphs of different versions, made in different ways: {listed}"
        raise InputError(msg)
    layers: LayerConstants = {}
    for name, graph in graphs.parts.items():
        own = graph_constants(graph, dialects[name])
        if common := sorted(own.keys() & layers.keys()):
            msg = f"{graph.path}: has the layer '{common[0]}' of another graph too ({len(common)} such layers)"
            raise InputError(msg)
        layers |= own
    return dialects["core"], layers


def graph_constants(graph: FrozenGraph, dialect: Dialect) -> LayerConstants:
    """Return the weights of one graph by layer and role.

    Raises:
        InputError: listing the weights that belong to no layer, or naming a role that two constants have.
    """
    layers: LayerConstants = {}
    unknown = []
    for constant, value in graph.weights.items():
        found = dialect.locate(constant)
        if found is None:
            unknown.append(f"{constant} {value.shape}")
            continue
        layer, role = found
        if role in layers.setdefault(layer, {}):
            msg = f"{graph.path}: two constants are the {role} of layer '{layer}', '{constant}' is one"
            raise InputError(msg)
        layers[layer][role] = value
    if unknown:
        msg = f"{graph.path}: {len(unknown)} weights belong to no layer of a DeepTau network: {', '.join(unknown)}"
        raise InputError(msg)
    return layers


def keras_weights(
    constants: Mapping[str, NDArray[np.float32]], epsilon: float, dtype: type[np.floating] = np.float32
) -> dict[str, NDArray[Any]]:
    """Return the weights of a layer under the names that Keras gives them, in the precision of the model that takes them.

    Folded scale and shift become a normalisation of mean 0 and variance 1 - epsilon; a folded slope changes sign.
    """
    weights: dict[str, NDArray[Any]] = {role: value.astype(dtype) for role, value in constants.items()}
    if "scale" in weights and "shift" in weights:
        weights["gamma"], weights["beta"] = weights.pop("scale"), weights.pop("shift")
        weights["moving_mean"] = np.zeros_like(weights["gamma"])
        weights["moving_variance"] = np.full_like(weights["gamma"], dtype(1) - dtype(epsilon))
    if "minus_alpha" in weights:
        weights["alpha"] = -weights.pop("minus_alpha")
    return weights
