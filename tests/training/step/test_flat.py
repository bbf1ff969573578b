"""Flat vectors: what was joined comes apart again, and a part is read and written alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from TauAdv.training.step.flat import Joined, Layout, present_values, with_shapes

SHAPES = [(2, 3), (), (4,), (0, 5), (1, 2, 2)]


def test_joined_in_order_and_split_again():
    tensors = [np.arange(np.prod(shape), dtype="f4").reshape(shape) + 10 * i for i, shape in enumerate(SHAPES)]
    layout = Layout(SHAPES)
    vector = layout.join(tensors)
    np.testing.assert_array_equal(vector, [0, 1, 2, 3, 4, 5, 10, 20, 21, 22, 23, 40, 41, 42, 43])
    assert layout.size == 15
    for found, tensor in zip(layout.split(vector), tensors, strict=True):
        np.testing.assert_array_equal(found, tensor)
        assert found.shape == tensor.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_slice_is_read_and_written_alone(dtype):
    whole = keras.Variable(np.arange(15.0), dtype=dtype)
    part = Layout(SHAPES).slices(whole)[0]
    assert (part.shape, part.dtype) == ((2, 3), dtype)
    np.testing.assert_array_equal(part.numpy(), [[0, 1, 2], [3, 4, 5]])
    part.assign(np.full((2, 3), 7.0))
    np.testing.assert_array_equal(part.value, np.full((2, 3), 7.0))
    np.testing.assert_array_equal(whole.numpy(), [7.0] * 6 + list(range(6, 15)))
    with pytest.raises(tf.errors.InvalidArgumentError):
        part.assign(np.zeros(4))


def test_number_types_are_joined_apart_and_come_back_in_order():
    tensors = [tf.constant(1.0, "float64"), tf.constant([2.0, 3.0]), tf.constant([[4.0]], "float64"), tf.constant([5.0])]
    joined = Joined(tensors)
    assert [(vector.dtype, vector.numpy().tolist()) for vector in joined.vectors] == [
        ("float64", [1, 4]),
        ("float32", [2, 3, 5]),
    ]
    for found, tensor in zip(joined.split([10 * vector for vector in joined.vectors]), tensors, strict=True):
        assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
        np.testing.assert_array_equal(found, 10 * tensor)


def test_shapes_that_tensorflow_does_not_know():
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def doubled(value):
        (known,) = with_shapes([2 * value], [tf.zeros((2, 3))])
        assert known.shape == (2, 3)
        return known

    np.testing.assert_array_equal(doubled(tf.ones((2, 3))), np.full((2, 3), 2))


def test_present_values_of_variables_and_slices():
    whole, other, single = (keras.Variable(values) for values in (np.arange(15.0), -np.arange(15.0), [[1.0, 2.0]]))
    layout = Layout(SHAPES)
    variables = [*layout.slices(whole), single, *layout.slices(other)]
    for found, variable in zip(present_values(variables), variables, strict=True):
        np.testing.assert_array_equal(found, variable.numpy())
        assert found.shape == tuple(variable.shape)
    whole.assign(np.zeros(15))
    assert not present_values(variables)[0].any()
