"""Losses and gradients of one batch: pure functions of model and batch, for any training loop.

The batch is the flat dictionary of the shards: network inputs, ``y`` [n, classes] and ``weight`` [n], and in paired batches
``y_adv`` [n, 1] and ``weight_adv`` [n]. Rows of the other kind carry weight zero. Losses are sums over the batch divided by
a number that the caller gives: of rows (TauMLTools, arXiv:2201.08458), or the sum of weights (arXiv:2203.13890).

Where several replicas share a batch, the caller gives the counts of the whole batch. Losses and penalty are then the
replica's shares, which add up to those of the batch; gradients are summed over all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from TauAdv.models.deeptau.losses import LossFunction, adversarial_crossentropy
from TauAdv.models.gradient_reversal import ADVERSARIAL_GRADIENT, CLASS_GRADIENT, set_gradient_scales
from TauAdv.models.replicas import replica_share, sum_over_replicas
from TauAdv.models.scores import class_scores
from TauAdv.models.tagger import Tagger, network_inputs
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables, part_of_layer

__all__ = ["adversarial_gradients", "classifier_gradients", "mean_magnitude", "regularisation", "two_tape_gradients"]

Batch = Mapping[str, tf.Tensor]
Groups = dict[str, list[tf.Tensor]]


Further = Callable[[Any], tf.Tensor]
"""From the outputs of a scoring model to a term that is added to the class loss."""


def classifier_gradients(
    model: Tagger,
    batch: Batch,
    n_class: float | tf.Tensor,
    *,
    loss: LossFunction,
    training: bool = True,
    forward: Callable[..., Any] | None = None,
    further: Further | None = None,
) -> dict[str, Any]:
    """Return losses and gradients of the class loss.

    Args:
        model: classifier.
        batch: network inputs, ``y`` and ``weight``.
        n_class: number of rows, or sum of weights, that the summed loss is divided by.
        loss: class loss per row of labels and scores.
        training: whether dropout and batch statistics are those of training.
        forward: evaluates the model in its place: a scoring model (:mod:`TauAdv.models.scores`), perhaps with more outputs.
        further: term to be added to the loss.

    Returns:
        ``loss`` (with penalty and further term), ``pure_loss``, ``further``, ``regularisation``, ``outputs`` of the model,
        and ``gradients``: a list for each of ``common`` and ``class_head``, in the order of
        :mod:`TauAdv.models.variables`.
    """
    groups = {"common": common_variables(model), "class_head": class_head_variables(model)}
    with tf.GradientTape() as tape:
        outputs = (forward or model)(network_inputs(batch), training=training)
        pure = class_loss(loss, batch, class_scores(outputs), n_class)
        added = _added(further, outputs, pure)
        penalty = regularisation(model, "common") + regularisation(model, "class_head")
        total = pure + added + penalty
    return {
        "loss": total,
        "pure_loss": pure,
        "further": added,
        "regularisation": penalty,
        "outputs": outputs,
        "gradients": _gradients(tape, total, groups),
    }


def adversarial_gradients(
    model: Tagger,
    batch: Batch,
    n_class: float | tf.Tensor,
    n_adv: float | tf.Tensor,
    *,
    loss: LossFunction,
    adversarial_loss: LossFunction = adversarial_crossentropy,
    training: bool = True,
    forward: Callable[..., Any] | None = None,
    further: Further | None = None,
) -> dict[str, Any]:
    """Return losses and gradients of an adversarial step, in one forward and one backward pass.

    The factors k1 and k2 are those set in the model (:func:`TauAdv.models.gradient_reversal.set_gradient_scales`): common
    layers receive k1 dL_class - k2 dL_adv, the heads the gradient of their own loss.

    Args:
        model: model with an adversarial head.
        batch: network inputs, ``y``, ``weight``, ``y_adv``, ``weight_adv``.
        n_class: number of class rows, or sum of their weights.
        n_adv: number of adversarial rows, or sum of their weights.
        loss: class loss per row.
        adversarial_loss: loss of data against simulation per row.
        training: whether dropout and batch statistics are those of training.
        forward: evaluates the model in its place and may have further outputs.
        further: term to be added to the class loss.

    Returns:
        As :func:`classifier_gradients`, with ``adv_loss`` and the gradients of ``adversarial_head``.
    """
    groups = _all_groups(model)
    k1 = model.get_layer(CLASS_GRADIENT).scale
    with tf.GradientTape() as tape:
        outputs = (forward or model)(network_inputs(batch), training=training)
        pure = class_loss(loss, batch, class_scores(outputs), n_class)
        added = _added(further, outputs, pure)
        adversarial = adversary_loss(adversarial_loss, batch, outputs["adv_output"], n_adv)
        common_penalty, head_penalty = regularisation(model, "common"), regularisation(model, "class_head")
        # the penalty is part of L_class but does not pass the layer that multiplies its gradient by k1
        joint = pure + added + head_penalty + adversarial + tf.cast(k1, pure.dtype) * common_penalty
    penalty = common_penalty + head_penalty
    return {
        "loss": pure + added + penalty,
        "pure_loss": pure,
        "further": added,
        "regularisation": penalty,
        "adv_loss": adversarial,
        "outputs": outputs,
        "gradients": _gradients(tape, joint, groups),
    }


def two_tape_gradients(
    model: Tagger,
    batch: Batch,
    n_class: float | tf.Tensor,
    n_adv: float | tf.Tensor,
    *,
    k1: float | tf.Tensor,
    k2: float | tf.Tensor,
    loss: LossFunction,
    adversarial_loss: LossFunction = adversarial_crossentropy,
    training: bool = True,
    forward: Callable[..., Any] | None = None,
    further: Further | None = None,
) -> dict[str, Any]:
    """Return the gradients of an adversarial step by two backward passes that know nothing of reversal: the definition.

    Slower than :func:`adversarial_gradients`, but it also gives both losses' gradients on the common layers before k1 and k2
    (``common_class``, ``common_adv`` in ``gradients``), for the metrics.
    """
    groups = _all_groups(model)
    scales = [model.get_layer(name).scale.read_value() for name in (CLASS_GRADIENT, ADVERSARIAL_GRADIENT)]
    set_gradient_scales(model, 1.0, -1.0)  # plain gradients through both branches
    try:
        with tf.GradientTape() as class_tape, tf.GradientTape() as adversarial_tape:
            outputs = (forward or model)(network_inputs(batch), training=training)
            pure = class_loss(loss, batch, class_scores(outputs), n_class)
            added = _added(further, outputs, pure)
            penalty = regularisation(model, "common") + regularisation(model, "class_head")
            total = pure + added + penalty
            adversarial = adversary_loss(adversarial_loss, batch, outputs["adv_output"], n_adv)
        by_class = _gradients(class_tape, total, {key: groups[key] for key in ("common", "class_head")})
        by_adversary = _gradients(
            adversarial_tape, adversarial, {key: groups[key] for key in ("common", "adversarial_head")}
        )
    finally:
        set_gradient_scales(model, *scales)
    k1, k2 = (_number(factor, total.dtype) for factor in (k1, k2))
    common = [k1 * a - k2 * b for a, b in zip(by_class["common"], by_adversary["common"], strict=True)]
    gradients = {
        "common": common,
        "class_head": by_class["class_head"],
        "adversarial_head": by_adversary["adversarial_head"],
        "common_class": by_class["common"],
        "common_adv": by_adversary["common"],
    }
    return {
        "loss": total,
        "pure_loss": pure,
        "further": added,
        "regularisation": penalty,
        "adv_loss": adversarial,
        "outputs": outputs,
        "gradients": gradients,
    }


def class_loss(loss: LossFunction, batch: Batch, scores: tf.Tensor, n_class: float | tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of the class loss over the batch divided by the number that the caller gives."""
    weighted = tf.cast(batch["weight"], scores.dtype) * loss(tf.cast(batch["y"], scores.dtype), scores)
    return tf.reduce_sum(weighted) / tf.cast(n_class, scores.dtype)


def adversary_loss(loss: LossFunction, batch: Batch, scores: tf.Tensor, n_adv: float | tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of the adversarial loss over the batch divided by the number of adversarial rows."""
    weighted = tf.cast(batch["weight_adv"], scores.dtype) * loss(tf.cast(batch["y_adv"], scores.dtype), scores)
    return tf.reduce_sum(weighted) / tf.cast(n_adv, scores.dtype)


def regularisation(model: Tagger, part: str) -> tf.Tensor:
    """Return the penalty on the weights of one part (``common``, ``class_head``, ``adversarial_head``); zero without one.

    One of n replicas has an n-th of it.
    """
    penalties = [penalty for layer in model.layers if part_of_layer(layer.name) == part for penalty in layer.losses]
    if not penalties:
        return tf.zeros((), model.layers[-1].variable_dtype)
    return replica_share(tf.add_n(penalties))


def mean_magnitude(gradients: list[tf.Tensor]) -> tf.Tensor:
    """Return the mean over variables of the mean absolute gradient."""
    return tf.add_n([tf.reduce_mean(tf.abs(gradient)) for gradient in gradients]) / len(gradients)


def _number(value: float | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    # tf.cast would round a Python number to float32 on its way to float64
    return tf.cast(value, dtype) if tf.is_tensor(value) else tf.constant(value, dtype)


def _all_groups(model: Tagger) -> dict[str, list[Any]]:
    return {
        "common": common_variables(model),
        "class_head": class_head_variables(model),
        "adversarial_head": adversarial_head_variables(model),
    }


def _added(further: Further | None, outputs: Any, pure: tf.Tensor) -> tf.Tensor:
    return tf.zeros_like(pure) if further is None else tf.cast(further(outputs), pure.dtype)


def _gradients(tape: tf.GradientTape, target: tf.Tensor, groups: dict[str, list[Any]]) -> Groups:
    """Return the gradients by group; zeros where the target does not depend on a variable."""
    flat = [variable.value if hasattr(variable, "value") else variable for group in groups.values() for variable in group]
    found = tape.gradient(target, flat, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    gradients = iter(sum_over_replicas(found))
    return {name: [next(gradients) for _ in group] for name, group in groups.items()}
