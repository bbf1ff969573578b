"""Dropout of rows: independent in filled cells, evenly spread over the empty rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.deeptau.row_dropout import RowDropout

RATE, N_FILLED, N_FEATURES = 0.2, 400, 30


def outputs(n_empty_rows, n_calls=1, dtype="float32"):
    layer = RowDropout(RATE, n_empty_rows, seed=3, dtype=dtype)
    rows = tf.ones((1, N_FILLED + n_empty_rows, 1, N_FEATURES), layer.compute_dtype)
    return np.stack([tf.cast(layer(rows, training=True), tf.float64).numpy()[0, :, 0] for _ in range(n_calls)])


@pytest.mark.parametrize("n_empty_rows", [16, 512, 700])
def test_mean_of_equal_empty_rows_is_kept_for_every_feature(n_empty_rows):
    empty = outputs(n_empty_rows)[0, N_FILLED:]
    np.testing.assert_allclose(empty.mean(axis=0), 1, rtol=1e-6)
    dropped = (empty == 0).mean(axis=0)
    np.testing.assert_allclose(dropped, RATE, rtol=0, atol=1 / n_empty_rows)
    assert len(set(dropped)) == 1


def test_filled_rows_are_dropped_independently():
    filled = outputs(16, n_calls=20)[:, :N_FILLED]
    assert set(np.unique(filled.round(4))) == {0, 1.25}
    counts = (filled == 0).sum(axis=1)  # of 400, for every feature and call
    assert counts.mean() == pytest.approx(N_FILLED * RATE, rel=0.02)
    assert counts.var() == pytest.approx(N_FILLED * RATE * (1 - RATE), rel=0.2)


@pytest.mark.slow
def test_two_features_are_dropped_independently_of_each_other():
    """Over many draws the mean covariance of two features vanishes, and every row is dropped equally often."""
    dropped = (outputs(101, n_calls=300)[:, N_FILLED:] == 0) - RATE
    covariance = np.einsum("sic,sid->cd", dropped, dropped) / (300 * 101)
    np.testing.assert_allclose(np.diag(covariance), RATE * (1 - RATE), rtol=0.05)
    others = covariance[~np.eye(N_FEATURES, dtype=bool)]
    assert abs(others.mean()) < 2e-4
    assert others.std() < 5e-3
    assert np.abs(dropped.mean(axis=(0, 2))).max() < 0.02


@pytest.mark.slow
def test_number_of_dropped_rows_is_the_rate_on_average():
    dropped = (outputs(16, n_calls=300)[:, N_FILLED:] == 0).mean(axis=(1, 2))
    assert set((16 * dropped).round(6)) == {3, 4}
    assert dropped.mean() == pytest.approx(RATE, abs=4 * 0.4 / 16 / np.sqrt(300))


def test_without_empty_rows_it_is_plain_dropout_with_the_gradient_of_the_mask():
    layer = RowDropout(RATE, seed=3)
    grids = tf.Variable(tf.ones((20, 7, 7, 5)))  # an odd number of entries
    with tf.GradientTape() as tape:
        dropped = layer(grids, training=True)
    np.testing.assert_array_equal(tape.gradient(dropped, grids), dropped)
    assert set(np.unique(dropped.numpy().round(4))) == {0, 1.25}
    assert (dropped.numpy() == 0).mean() == pytest.approx(RATE, abs=4 * 0.4 / np.sqrt(20 * 49 * 5))


def test_one_empty_row_and_evaluation():
    assert np.isfinite(outputs(1, n_calls=20)).all()
    layer, rows = RowDropout(RATE, 16, seed=3), tf.random.normal((1, 17, 1, 2))
    np.testing.assert_array_equal(layer(rows, training=False), rows)
    again = RowDropout.from_config(layer.get_config())
    assert (again.rate, again.n_empty_rows, again.seed) == (RATE, 16, 3)


def test_every_call_draws_anew_and_a_seed_repeats():
    first, second = outputs(64, n_calls=2)
    assert (first[N_FILLED:] != second[N_FILLED:]).any()
    np.testing.assert_array_equal(outputs(64, n_calls=2), [first, second])


def test_half_precision_keeps_the_dropped_share():
    empty = outputs(512, dtype="mixed_bfloat16")[0, N_FILLED:]
    np.testing.assert_allclose(empty.mean(axis=0), 1, rtol=4e-3)


@pytest.mark.parametrize("seed", [(3, 0), (-7, 12), (2**31 - 1, 2**31 - 5)])
def test_random_numbers_are_those_of_philox_in_few_operations(seed):
    def philox(seed):
        return tf.random.stateless_uniform((2, 9), seed, dtype=tf.float32, alg="philox")

    def raw(seed):
        return tf.raw_ops.StatelessRandomUniform(shape=(2, 9), seed=seed, dtype=tf.float32)

    np.testing.assert_array_equal(raw(seed), philox(seed))
    spec = tf.TensorSpec((2,), tf.int32)
    short, long = (tf.function(draw).get_concrete_function(spec).graph for draw in (raw, philox))
    assert len(short.get_operations()) < len(long.get_operations()) / 4  # else, tf.random will do


def test_seeds_are_those_of_keras():
    layer, keras_seeds = RowDropout(RATE, 16, seed=3), keras.random.SeedGenerator(3)
    for count in (2, 1, 2):
        np.testing.assert_array_equal(layer._seeds(count), [keras_seeds.next() for _ in range(count)])
