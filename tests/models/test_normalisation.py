import keras
import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.normalisation import WeightedBatchNormalization, normalised, shared_moments

WEIGHTS = np.array([1, 3, 1, 2, 5])


def pair_of_layers(n_features):
    layers = [
        kind(momentum=0.7, epsilon=1e-3, dtype="float64")
        for kind in (WeightedBatchNormalization, keras.layers.BatchNormalization)
    ]
    generator = np.random.default_rng(1)
    start = [generator.uniform(0.5, 2, n_features) for _ in range(4)]
    for layer in layers:
        layer.build((1, None, 1, n_features))
        layer.set_weights(start)
    return layers


def test_a_row_of_weight_w_counts_as_w_rows():
    rows = np.random.default_rng(0).normal(2, 3, (1, len(WEIGHTS), 1, 4))
    weighted, plain = pair_of_layers(4)
    target = np.random.default_rng(2).normal(size=(1, WEIGHTS.sum(), 1, 4))

    x = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(x)
        expanded = tf.repeat(
            weighted(x, tf.constant(WEIGHTS[None, :, None, None], tf.float64), training=True), WEIGHTS, axis=1
        )
        loss = tf.reduce_sum(expanded * target)
    gradients = tape.gradient(loss, [x, weighted.gamma.value, weighted.beta.value])

    x = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(x)
        reference = plain(tf.repeat(x, WEIGHTS, axis=1), training=True)
        loss = tf.reduce_sum(reference * target)
    expected = tape.gradient(loss, [x, plain.gamma.value, plain.beta.value])

    np.testing.assert_allclose(expanded, reference, rtol=0, atol=1e-12)
    for received, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(received, wanted, rtol=0, atol=1e-11)
    for received, wanted in zip(weighted.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(received, wanted, rtol=0, atol=1e-12)


def test_running_statistics_are_used_outside_training_and_when_frozen():
    rows = np.random.default_rng(0).normal(2, 3, (1, len(WEIGHTS), 1, 4))
    weighted, plain = pair_of_layers(4)
    weights = tf.constant(WEIGHTS[None, :, None, None], tf.float64)
    expected = plain(rows, training=False)
    np.testing.assert_array_equal(weighted(rows, weights, training=False), expected)
    before = weighted.get_weights()
    weighted.trainable = False
    np.testing.assert_array_equal(weighted(rows, weights, training=True), expected)
    for value, old in zip(weighted.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_without_weights_it_is_the_keras_layer():
    rows = np.random.default_rng(0).normal(2, 3, (2, 5, 5, 4))
    weighted, plain = pair_of_layers(4)
    np.testing.assert_array_equal(weighted(rows, training=True), plain(rows, training=True))


@pytest.mark.parametrize("with_weights", [True, False])
def test_shared_statistics_are_those_of_one_device(with_weights):
    """Of one replica; what the layer makes of them has the gradients that are written out for one device."""
    generator = np.random.default_rng(3)
    rows = tf.constant(generator.normal(2, 3, (1, len(WEIGHTS), 1, 4)))
    weights = tf.constant(WEIGHTS[None, :, None, None], tf.float64) if with_weights else None
    gamma, beta = (tf.constant(generator.uniform(0.5, 2, 4)) for _ in range(2))
    target = generator.normal(size=rows.shape)

    def shared(rows):
        mean, variance = shared_moments(rows, weights)
        scale = gamma * tf.math.rsqrt(variance + 1e-3)
        return rows * scale + (beta - mean * scale), mean, variance

    def single(rows):
        return normalised(rows, weights, gamma, beta, 1e-3)

    results = []
    for way in (shared, single):
        with tf.GradientTape() as tape:
            tape.watch([rows, gamma, beta])
            outputs, mean, variance = way(rows)
            loss = tf.reduce_sum(outputs * target)
        results.append([outputs, mean, variance, *tape.gradient(loss, [rows, gamma, beta])])
    for received, expected in zip(*results, strict=True):
        np.testing.assert_allclose(received, expected, rtol=0, atol=1e-12)
