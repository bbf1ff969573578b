"""A tagger of TauAdv made of the frozen graphs of a CMS network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from TauAdv.errors import InputError
from TauAdv.models.cms.architecture import network_settings
from TauAdv.models.cms.dialects import LayerConstants, keras_weights, layer_constants
from TauAdv.models.cms.double_graphs import double_graphs
from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.parts import CmsGraphs, read_graphs
from TauAdv.models.comparison import Agreement, GraphComparison, Scores, compare_all, random_taus
from TauAdv.models.deeptau.double_precision import double_network, double_scores
from TauAdv.models.deeptau.network import TauTagger, build_classifier
from TauAdv.models.folded.inference import folded_inference
from TauAdv.models.tagger import inference_function

__all__ = ["ImportedModel", "fill_weights", "import_cms_model", "predictions"]


@dataclass(frozen=True)
class ImportedModel:
    """An imported network.

    Attributes:
        model: the tagger.
        dialect: name of the dialect of the graphs.
        n_constants: number of weight constants in the graphs, all of them used.
        comparison: difference of the scores of its layers from those of the graphs.
        double_precision: the same with both in double precision; decides whether it is the same network.
        rounding: difference of the graphs' scores from those in double precision.
        predictions: the same of its predictions, where normalisations are folded into the weights: rounded elsewhere.
    """

    model: TauTagger
    dialect: str
    n_constants: int
    comparison: GraphComparison
    double_precision: GraphComparison
    rounding: GraphComparison
    predictions: GraphComparison


def import_cms_model(
    inner: Path | str,
    outer: Path | str,
    core: Path | str,
    *,
    name: str = "cms_network",
    dropout: float = 0.2,
    n_taus: int = 500,
    seed: int = 1,
) -> ImportedModel:
    """Return the network of three frozen graphs, checked against executing them.

    Args:
        inner: graph of the cells of the inner grid.
        outer: graph of the cells of the outer grid.
        core: graph from flat features and merged cells to the scores.
        name: of the model.
        dropout: of further training; a frozen graph does not tell it.
        n_taus: random taus to compare scores on.
        seed: of the random taus.

    Raises:
        InputError: if a file cannot be read or belongs to another network, weights and layers do not match one to one (all
            are listed), or the scores differ from those of the graphs: in double precision by more than 1e-9, or in single
            precision by more than the network's own rounding allows.
    """
    graphs = read_graphs(inner, outer, core)
    dialect, constants = layer_constants(graphs)
    network = network_settings(graphs, constants, name=name, dropout=dropout)
    model = build_classifier(network)
    fill_weights(model, constants)
    found = _compare(model, constants, graphs, n_taus=n_taus, seed=seed)
    _require_same_network(found, graphs)
    return ImportedModel(model, dialect.name, sum(map(len, constants.values())), **found)


def _compare(
    model: TauTagger, constants: LayerConstants, graphs: CmsGraphs, *, n_taus: int, seed: int
) -> dict[str, GraphComparison]:
    """Return how far model and graphs are apart, by the name that :class:`ImportedModel` gives the figure."""
    network, layers = model.network, inference_function(model)
    double = build_classifier(double_network(network), dtype="float64")
    fill_weights(double, constants)
    references: dict[str, Scores] = {
        "graphs": FrozenTagger(graphs, network),
        "double": FrozenTagger(double_graphs(graphs), network, dtype=np.float64),
    }
    ways: dict[str, Scores] = {
        "layers": lambda inputs: layers(inputs).numpy(),
        "predictions": predictions(model),
        "layers in double precision": double_scores(double),
    }
    found = compare_all(references, ways, partial(random_taus, network), n_taus=n_taus, seed=seed)
    return {
        "comparison": found["graphs"]["layers"],
        "double_precision": found["double"]["layers in double precision"],
        "rounding": found["double"]["graphs"],
        "predictions": found["graphs"]["predictions"],
    }


def _require_same_network(found: dict[str, GraphComparison], graphs: CmsGraphs) -> None:
    """Refuse a network that is not the one of the graphs.

    Raises:
        InputError: naming the difference, and what is allowed.
    """
    double, allowed = found["double_precision"], Agreement.of_rounding(found["rounding"])
    problems = []
    if not double.relative_difference <= Agreement.DOUBLE_PRECISION:
        problems.append(f"in double precision {double}, allowed {Agreement.DOUBLE_PRECISION:.0e} all together")
    if not allowed.holds(found["comparison"]):
        problems.append(f"in single precision {found['comparison']}; {allowed}")
    if problems:
        msg = (
            f"{graphs.core.path}: the imported network is not the one of the graphs: {'; '.join(problems)}; it has "
            "operations that TauAdv does not know"
        )
        raise InputError(msg)


def predictions(model: TauTagger) -> Scores:
    """Return the scores of a model as predictions are made, a function of network inputs."""
    compute = folded_inference(model, with_adversarial_head=False)
    return lambda inputs: compute(inputs)["main_output"].numpy()


def fill_weights(model: TauTagger, constants: LayerConstants) -> None:
    """Set every weight of a classifier.

    Raises:
        InputError: if a layer has no constants, constants have no layer, or shapes differ; all cases are listed.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    epsilon = model.network.normalisation.epsilon
    problems = [f"{name}: in the graphs, but no such layer in the network" for name in constants if name not in layers]
    values = {}
    for name, layer in layers.items():
        given = keras_weights(constants.get(name, {}), epsilon, np.dtype(layer.variable_dtype).type)
        wanted = {weight.name: weight for weight in layer.weights}
        if given.keys() != wanted.keys():
            problems.append(
                f"{name}: expected {', '.join(sorted(wanted))}; the graphs have {', '.join(sorted(given)) or 'nothing'}"
            )
            continue
        for role, weight in wanted.items():
            if _essential(given[role].shape) != _essential(tuple(weight.shape)):
                problems.append(f"{name}: {role} has the shape {given[role].shape}, expected {tuple(weight.shape)}")
            else:
                values[name, role] = (weight, given[role].reshape(weight.shape))
    if problems:
        msg = f"the graphs do not hold a whole network of the DeepTau family, {len(problems)} problems:\n  "
        raise InputError(msg + "\n  ".join(problems))
    for weight, value in values.values():
        weight.assign(value)


def _essential(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its ones: 1x1 convolutions and slopes are kept with and without the axes of the grid."""
    return tuple(size for size in shape if size != 1)
