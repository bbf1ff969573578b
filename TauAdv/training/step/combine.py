"""From the losses of a batch to the gradients that its optimisers take.

Common layers receive k1 dL_class (k1 = 1 without a method that says otherwise) and what each method adds; every head the
gradient of its own loss. Gradients are summed over all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from TauAdv.models.replicas import sum_over_replicas
from TauAdv.models.tagger import Tagger
from TauAdv.models.variables import class_head_variables, common_variables
from TauAdv.training.methods.acting import Acting, Knobs
from TauAdv.training.step.flat import with_shapes
from TauAdv.training.step.losses import Losses

__all__ = ["Combined", "joint_gradients", "mean_magnitude", "separate_gradients"]

Groups = dict[str, list[Any]]


@dataclass(frozen=True)
class Combined:
    """Losses of a batch and their gradients.

    Attributes:
        losses: of the batch.
        gradients: by group of variables: ``common``, ``class_head``, and those of the methods' heads.
        of_class: gradient of the class loss alone on the common layers.
        of_domain: the same of each loss in ``losses.domain``, before its factor; empty if it was not measured.
    """

    losses: Losses
    gradients: Groups
    of_class: list[tf.Tensor]
    of_domain: Sequence[list[tf.Tensor]] = field(default=())


def joint_gradients(model: Tagger, compute: Callable[[], Losses], methods: Sequence[Acting], knobs: Knobs) -> Combined:
    """Return the gradients of all losses, in one backward pass.

    Args:
        model: the model.
        compute: evaluates the losses.
        methods: of the training.
        knobs: what changes from step to step.
    """
    factor = _only([method.class_layer_factor() for method in methods])
    with tf.GradientTape() as tape:
        losses = compute()
        total = losses.loss if factor is None else losses.class_part + losses.head_penalty
        for method, term in losses.domain:
            term = tf.cast(term, total.dtype)
            total += term if method.layers_scale else _number(method.domain_factor(knobs), total.dtype) * term
        if factor is not None:
            # the penalty is part of L_class but does not pass the layer that multiplies its gradient by k1
            total += tf.cast(factor, losses.pure.dtype) * losses.common_penalty
    gradients = _gradients(tape, total, _groups(model, methods))
    return Combined(losses, gradients, gradients["common"])


def separate_gradients(model: Tagger, compute: Callable[[], Losses], methods: Sequence[Acting], knobs: Knobs) -> Combined:
    """Return the same by one backward pass for each loss, without scaling or reversing layers: the definition.

    Slower than :func:`joint_gradients`, but it also gives the gradient of each loss on the common layers, for the metrics.
    """
    n_domain = sum(method.compares_domains for method in methods)
    with ExitStack() as plain:
        for method in methods:
            plain.enter_context(method.plain_gradients())
        with ExitStack() as recording:
            class_tape, *tapes = [recording.enter_context(tf.GradientTape()) for _ in range(1 + n_domain)]
            losses = compute()
            total = losses.loss
        by_class = _gradients(class_tape, total, _own(model))
        by_domain = [
            _gradients(tape, term, {"common": common_variables(model), **method.groups()})
            for tape, (method, term) in zip(tapes, losses.domain, strict=True)
        ]
    k1 = _only([method.class_factor(knobs) for method in methods])
    common = by_class["common"] if k1 is None else [_number(k1, total.dtype) * a for a in by_class["common"]]
    heads: Groups = {}
    for (method, _), found in zip(losses.domain, by_domain, strict=True):
        factor = _number(method.domain_factor(knobs), total.dtype)
        common = [a + factor * b for a, b in zip(common, found["common"], strict=True)]
        heads |= {name: found[name] for name in method.groups()}
    gradients = {"common": common, "class_head": by_class["class_head"], **heads}
    return Combined(losses, gradients, by_class["common"], [found["common"] for found in by_domain])


def mean_magnitude(gradients: list[tf.Tensor]) -> tf.Tensor:
    """Return the mean over variables of the mean absolute gradient."""
    return tf.add_n([tf.reduce_mean(tf.abs(gradient)) for gradient in gradients]) / len(gradients)


def _only(values: Sequence[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _number(value: Any, dtype: tf.DType) -> tf.Tensor:
    # tf.cast would round a Python number to float32 on its way to float64
    return tf.cast(value, dtype) if tf.is_tensor(value) else tf.constant(value, dtype)


def _own(model: Tagger) -> Groups:
    return {"common": common_variables(model), "class_head": class_head_variables(model)}


def _groups(model: Tagger, methods: Sequence[Acting]) -> Groups:
    return _own(model) | {name: variables for method in methods for name, variables in method.groups().items()}


def _gradients(tape: tf.GradientTape, target: tf.Tensor, groups: Groups) -> Groups:
    """Return the gradients by group; zeros where the target does not depend on a variable."""
    flat = [variable.value if hasattr(variable, "value") else variable for group in groups.values() for variable in group]
    found = tape.gradient(target, flat, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    gradients = iter(sum_over_replicas(with_shapes(found, flat)))
    return {name: [next(gradients) for _ in group] for name, group in groups.items()}
