import keras
import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.gradient_reversal import GradientReversal, GradientScaling


def gradient_of_sum_of_squares(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x) ** 2)
    return total, tape.gradient(total, x)


@pytest.mark.parametrize(("kind", "sign"), [(GradientScaling, 1), (GradientReversal, -1)])
def test_forward_is_identity_and_gradient_is_scaled(kind, sign):
    x = tf.constant([[0.3, -1.2]], tf.float64)
    layer = kind(0.1, dtype="float64")
    total, gradient = gradient_of_sum_of_squares(layer, x)
    assert total == tf.reduce_sum(x**2)
    np.testing.assert_array_equal(gradient, 2 * x.numpy() * sign * np.float64(0.1))


def test_compiled_functions_follow_the_scale():
    layer = GradientReversal(2.0)
    x = tf.constant([[1.0, 3.0]])
    compiled = tf.function(lambda value: gradient_of_sum_of_squares(layer, value)[1])
    np.testing.assert_array_equal(compiled(x), -4 * x.numpy())
    layer.scale = 0.5
    np.testing.assert_array_equal(compiled(x), -1 * x.numpy())
    assert compiled.experimental_get_tracing_count() == 1


def test_scale_is_no_parameter_but_is_saved():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, GradientReversal(3.0, name="reversal")(inputs))
    model.get_layer("reversal").scale = 7.5
    assert model.count_params() == 0
    assert model.variables == []
    copy = keras.models.clone_model(model)
    assert float(copy.get_layer("reversal").scale) == 7.5
