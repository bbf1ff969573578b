"""Why a step was not finite: the first layer, whether weights, inputs or the loss are to blame, and the taus of the batch.

The guard of the step keeps the weights as that step met them, and the content of a batch follows from its number: so the
step is repeated here on a copy of the model, with the same random numbers, and looked at layer by layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.models.jet_flavour.network import LOGITS_LAYER
from TauAdv.models.tagger import network_inputs
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables, named_weights
from TauAdv.training.run.checkpoints import model_variables
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.step.trainer import Trainer

__all__ = ["Finding", "diagnose"]

Arrays = dict[str, NDArray[Any]]
_LARGE_WEIGHT, _LARGE_INPUT = 1e4, 1e10
_VARIABLES = {
    "common": common_variables,
    "class_head": class_head_variables,
    "adversarial_head": adversarial_head_variables,
}


@dataclass(frozen=True)
class Finding:
    """What of a step is not finite.

    Attributes:
        blame: ``weights``, ``inputs``, ``labels``, ``layer``, ``loss``, ``gradients``, or ``unknown``.
        text: what was found.
        layer: first layer in forward order whose output is not finite; ``None`` if all outputs are.
        rows: rows of the batch that are concerned.
    """

    blame: str
    text: str
    layer: str | None = None
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def diagnose(trainer: Trainer, inputs: Inputs, step: int, knobs: Mapping[str, float], steps_done: int) -> Finding:
    """Repeat a step on a copy of the model and return what is not finite in it.

    Args:
        trainer: as it is after the step; its guard has kept the weights.
        inputs: of the training.
        step: number of the step.
        knobs: learning rates, k1 and k2 of the step.
        steps_done: steps that were done by now, this one included.
    """
    clean = inputs.source()(step)
    model, batch = _as_seen(trainer, clean, step, knobs, steps_done)
    outputs = _outputs(model, batch)
    first = next((name for name, values in outputs.items() if not _finite(values)), None)
    searches: list[Callable[[], Finding | None]] = [
        lambda: _in_weights(model, first),
        lambda: _in_inputs(batch, inputs, first),
        lambda: _in_labels(batch, first),
        lambda: None if first is None else _in_layer(model, batch, first, outputs),
        lambda: _in_loss(trainer, batch, outputs),
        lambda: _in_gradients(trainer, *_as_seen(trainer, clean, step, knobs, steps_done), knobs),
    ]
    found = next((finding for search in searches if (finding := search()) is not None), None)
    return found or Finding("unknown", f"all is finite when the step is repeated: {_other_reasons(trainer)}")


def _other_reasons(trainer: Trainer) -> str:
    """Return what can differ in a repeated step, and which of its parts are not repeated."""
    reasons = ["other rounding, or other dropout"]
    reasons += [text for method in trainer.methods for text in method.not_repeated()]
    return "; or ".join(reasons)


def _as_seen(trainer: Trainer, clean: Arrays, step: int, knobs: Mapping[str, float], steps_done: int) -> tuple[Any, Arrays]:
    """Return a copy of the model with the random states before the step, and the batch as the network then saw it.

    In a training against an attack, that is the attacked batch; making it has advanced the random states of the copy.
    """
    model = _before(trainer.model, step, steps_done)
    batch = dict(trainer.objective.weighted({name: tf.constant(values) for name, values in clean.items()}))
    if trainer.attacks.training is not None and all(method.sees_attacked for method in trainer.methods):
        batch = dict(_again(trainer, model).attacks.attacked(batch, step, knobs))
    return model, {name: values.numpy() for name, values in batch.items()}


def _again(trainer: Trainer, model: Any) -> Trainer:
    """Return a trainer like another, of a copy of its model."""
    return Trainer(model, trainer.settings, constraints=trainer.attacks.constraints)


def _before(model: Any, step: int, steps_done: int) -> Any:
    copy = type(model).from_config(model.get_config())
    target = model_variables(copy)
    for name, variable in model_variables(model).items():
        value = keras.ops.convert_to_numpy(variable.value)
        if variable.path.endswith("seed_generator_state"):
            drawn = int(value[1])  # every step draws as often as every other
            value = np.array([value[0], drawn * step // max(steps_done, 1)], value.dtype)
        target[name].assign(value)
    return copy


def _outputs(model: Any, batch: Arrays) -> Arrays:
    """Return the outputs of all layers in training, in forward order."""
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    computed = keras.Model(model.input, {layer.name: layer.output for layer in layers})
    values = computed({name: tf.constant(value) for name, value in network_inputs(batch).items()}, training=True)
    return {layer.name: np.asarray(tf.cast(values[layer.name], tf.float64)) for layer in layers}


def _finite(values: NDArray[Any]) -> bool:
    return bool(np.isfinite(values).all())


def _in_weights(model: Any, first: str | None) -> Finding | None:
    for layer in model.layers:
        bad = [name for name, weight in named_weights(layer).items() if not _finite(keras.ops.convert_to_numpy(weight))]
        if bad and any(not _finite(keras.ops.convert_to_numpy(weight)) for weight in _used(layer)):
            return Finding("weights", f"{' and '.join(bad)} of layer '{layer.name}' hold values that are not finite", first)
    return None


def _used(layer: Any) -> list[Any]:
    """Return the weights that act in training; running statistics do only where the layer is frozen."""
    is_running = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    return layer.trainable_weights if is_running else layer.weights


def _in_inputs(batch: Arrays, inputs: Inputs, first: str | None) -> Finding | None:
    found, rows = [], []
    for name, values in network_inputs(batch).items():
        bad = ~np.isfinite(values)
        if not bad.any():
            continue
        rows.append(_taus(batch, name, np.flatnonzero(bad.any(axis=1))))
        features = [_feature_names(inputs, name)[i] for i in np.flatnonzero(bad.any(axis=0))]
        shown = ", ".join(features[:3]) + (f" and {len(features) - 3} more features" if len(features) > 3 else "")
        found.append(f"'{name}' ({shown})")
    if not found:
        return None
    return Finding("inputs", f"values that are not finite in {' and '.join(found)}", first, np.unique(np.concatenate(rows)))


def _feature_names(inputs: Inputs, name: str) -> list[str]:
    """Return the names of the columns of an input."""
    return inputs.sets["training"].row_type.feature_names(inputs.table, name)


def _taus(batch: Arrays, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the taus that rows of an input, or of the output of a layer, belong to."""
    grid = next((grid for grid in ("inner", "outer") if name.startswith((f"{grid}_", f"input_{grid}_"))), None)
    if grid is None:
        return rows
    owners = batch[f"{grid}_index"][:, 0].astype(np.int64)
    return np.unique(owners[rows[rows < len(owners)]])


def _in_labels(batch: Arrays, first: str | None) -> Finding | None:
    for name in ("y", "weight", "y_adv", "weight_adv"):
        if name in batch and not _finite(batch[name]):
            rows = np.flatnonzero(~np.isfinite(batch[name].reshape(len(batch[name]), -1)).all(axis=1))
            return Finding("labels", f"values of '{name}' that are not finite", first, rows)
    return None


def _in_layer(model: Any, batch: Arrays, first: str, outputs: Arrays) -> Finding:
    """Return why a layer whose inputs and weights are finite gives an output that is not."""
    n_taus = len(next(iter(batch.values())))
    bad = ~np.isfinite(outputs[first])
    if bad.shape[0] == 1 and n_taus != 1:  # the rows of a grid: [1, rows, 1, features]
        rows = _taus(batch, first, np.flatnonzero(bad.any(axis=(0, 2, 3))))
    else:
        rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
    weights = {layer.name: _largest(layer.trainable_weights) for layer in model.layers if layer.trainable_weights}
    heaviest = max(weights, key=lambda name: weights[name])
    given = max(float(np.abs(values).max(initial=0)) for values in network_inputs(batch).values())
    before = [name for name in outputs if name != first and _finite(outputs[name])]
    reached = max((float(np.abs(outputs[name]).max(initial=0)) for name in before), default=0.0)
    sizes = (
        f"inputs of the network up to {given:.3g}, weights up to {weights[heaviest]:.3g} (layer '{heaviest}'), finite "
        f"outputs of other layers up to {reached:.3g}"
    )
    blame = "inputs" if given > _LARGE_INPUT else "weights" if weights[heaviest] > _LARGE_WEIGHT else "layer"
    reason = {"inputs": "inputs too large", "weights": "weights too large", "layer": "overflow or a division by zero"}[blame]
    return Finding(blame, f"{reason}: {sizes}", first, rows)


def _largest(weights: list[Any]) -> float:
    return max(float(np.abs(keras.ops.convert_to_numpy(weight)).max(initial=0)) for weight in weights)


def _in_loss(trainer: Trainer, batch: Arrays, outputs: Arrays) -> Finding | None:
    for name, losses in _losses(trainer, batch, outputs):
        if not _finite(losses):
            rows = np.flatnonzero(~np.isfinite(losses))
            return Finding("loss", f"the {name} of {len(rows)} rows is not finite, though all scores are", None, rows)
    return None


def _losses(trainer: Trainer, batch: Arrays, outputs: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    layer = LOGITS_LAYER if trainer.objective.are_logits else "main_output"
    labels, scores = (tf.constant(values, tf.float32) for values in (batch["y"], outputs[layer]))
    yield "class loss", np.asarray(trainer.loss(labels, scores)) * batch["weight"]
    given = [
        {name: tf.constant(values, tf.float32) for name, values in part.items() if np.issubdtype(values.dtype, np.floating)}
        for part in (batch, outputs)
    ]
    for method in trainer.methods:
        for name, losses in method.losses_by_row(*given):
            yield name, np.asarray(losses)


def _in_gradients(trainer: Trainer, model: Any, batch: Arrays, knobs: Mapping[str, float]) -> Finding | None:
    """Return the layers whose gradients of the joint step, without the divergence of TRADES, are not finite."""
    again = _again(trainer, model)
    again.methods = [method for method in again.methods if method.sees_attacked]
    tensors: Any = {name: tf.constant(value) for name, value in batch.items()}
    for method in again.methods:
        method.before(knobs)
    found = again.combined(again.view_of(tensors, tensors, knobs)).gradients
    broken = {
        variable.path.split("/")[0]
        for group, variables in _VARIABLES.items()
        for variable, gradient in zip(variables(model), found.get(group, []), strict=True)
        if not _finite(gradient.numpy())
    }
    order = [layer.name for layer in model.layers if layer.name in broken]
    if not order:
        return None
    text = (
        f"gradients of {len(order)} layers are not finite though all outputs are; the first on the way back: '{order[-1]}'"
    )
    return Finding("gradients", text, order[-1])
