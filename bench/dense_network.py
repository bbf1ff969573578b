"""The baseline of the network's timings: DeepTau in plain Keras on dense grids, trained with two gradient tapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.deeptau.losses import adversarial_crossentropy, loss_function
from TauAdv.models.deeptau.settings import NetworkSettings

layers = keras.layers


def dense_network(network: NetworkSettings, *, with_adversary: bool) -> keras.Model:
    """Return the network from flat features and the grids of every component, every cell evaluated.

    Inputs are those of ``synthetic_taus.dense_grids``; outputs ``main_output`` [n, classes] and, with the adversarial head,
    ``adv_output`` [n, 1].
    """
    dropout = network.dropout
    tau = keras.Input((network.tau.n_features,), name="tau")
    inputs, parts = {"tau": tau}, [_dense_stack("tau", tau, network.tau.layer_widths(dropout), network)]
    for grid, settings in network.grids.items():
        merged = []
        for component, (first, last) in network.component_columns().items():
            name = f"{grid}_{component}"
            inputs[name] = keras.Input((settings.n_cells, settings.n_cells, last - first), name=name)
            widths = network.component_widths(component)
            merged.append(_convolutions(name, inputs[name], [(1, 1, width) for width in widths], network))
        x = _convolutions(f"{grid}_all", layers.Concatenate()(merged), [(1, 1, w) for w in network.merge_widths()], network)
        shapes = [(layer.kernel, layer.stride, layer.width) for layer in settings.convolutions(x.shape[-1])]
        parts.append(layers.Flatten()(_convolutions(f"{grid}_3x3", x, shapes, network)))
    features = layers.Concatenate(name="features")(parts)
    head = _dense_stack("final", features, network.class_head.widths, network)
    outputs = {"main_output": layers.Dense(network.n_classes, activation="softmax", name="final_last")(head)}
    if with_adversary:
        head = _dense_stack("adversary", features, network.adversarial_head.widths, network)
        outputs["adv_output"] = layers.Dense(1, activation="sigmoid", name="adversary_last")(head)
    return keras.Model(inputs, outputs)


def _dense_stack(name: str, x: Any, widths: tuple[int, ...], network: NetworkSettings) -> Any:
    for number, width in enumerate(widths):
        x = layers.Dense(width, kernel_initializer="he_uniform", name=f"{name}_{number}")(x)
        x = layers.BatchNormalization(name=f"{name}_norm_{number}", **network.normalisation.model_dump())(x)
        x = layers.Dropout(network.dropout)(layers.PReLU(name=f"{name}_prelu_{number}")(x))
    return x


def _convolutions(name: str, x: Any, shapes: list[tuple[int, int, int]], network: NetworkSettings) -> Any:
    for number, (kernel, stride, width) in enumerate(shapes):
        options: Any = {"strides": stride, "kernel_initializer": "he_uniform", "name": f"{name}_{number}"}
        x = layers.Conv2D(width, kernel, **options)(x)
        x = layers.BatchNormalization(name=f"{name}_norm_{number}", **network.normalisation.model_dump())(x)
        x = layers.Dropout(network.dropout)(layers.PReLU(shared_axes=(1, 2), name=f"{name}_prelu_{number}")(x))
    return x


def two_tape_step(
    model: keras.Model, n_class: int, n_adv: int, *, k1: float = 1.0, k2: float = 10.0
) -> Callable[[Mapping[str, tf.Tensor], Mapping[str, tf.Tensor]], None]:
    """Return the compiled step (inputs, labels and weights): a forward pass, a backward pass per loss, two optimisers."""
    trained = model.trainable_variables
    adversary = [variable for variable in trained if "adversary" in variable.path]
    head = [variable for variable in trained if "final" in variable.path]
    common = [v for v in trained if not any(v is other for other in (*adversary, *head))]
    main, other = keras.optimizers.Nadam(1e-3), keras.optimizers.Nadam(1e-2)
    main.build([*common, *head])
    other.build(adversary)
    loss = loss_function("tau_crossentropy_v2")

    @tf.function
    def step(inputs: Mapping[str, tf.Tensor], truth: Mapping[str, tf.Tensor]) -> None:
        with tf.GradientTape() as first, tf.GradientTape() as second:
            outputs = model(inputs, training=True)
            of_class = tf.reduce_sum(truth["weight"] * loss(truth["y"], outputs["main_output"])) / n_class
            of_domain = truth["weight_adv"] * adversarial_crossentropy(truth["y_adv"], outputs["adv_output"])
            of_domain = tf.reduce_sum(of_domain) / n_adv
        a = first.gradient(of_class, [*common, *head])
        b = second.gradient(of_domain, [*common, *adversary])
        n = len(common)
        joint = [k1 * x - k2 * y for x, y in zip(a[:n], b[:n], strict=True)]
        main.apply([*joint, *a[n:]], [*common, *head])
        other.apply(b[n:], adversary)

    return step
