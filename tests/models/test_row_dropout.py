"""Dropout of rows: independent in filled cells, evenly spread over the empty rows."""

import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.row_dropout import RowDropout, next_prime

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
    np.testing.assert_allclose(dropped, RATE, atol=(next_prime(n_empty_rows) - n_empty_rows + 1.5) / n_empty_rows)


def test_filled_rows_are_dropped_independently():
    filled = outputs(16, n_calls=20)[:, :N_FILLED]
    assert set(np.unique(filled.round(5))) == {0, 1.25}
    counts = (filled == 0).sum(axis=1)  # of 400, for every feature and call
    assert counts.mean() == pytest.approx(N_FILLED * RATE, rel=0.02)
    assert counts.var() == pytest.approx(N_FILLED * RATE * (1 - RATE), rel=0.2)


def test_two_features_are_dropped_independently_of_each_other():
    """Over many draws the mean covariance of two features vanishes, and every row is dropped equally often."""
    dropped = (outputs(101, n_calls=300)[:, N_FILLED:] == 0) - RATE
    covariance = np.einsum("sic,sid->cd", dropped, dropped) / (300 * 101)
    np.testing.assert_allclose(np.diag(covariance), RATE * (1 - RATE), rtol=0.05)
    others = covariance[~np.eye(N_FEATURES, dtype=bool)]
    assert abs(others.mean()) < 2e-4
    assert others.std() < 5e-3
    assert np.abs(dropped.mean(axis=(0, 2))).max() < 0.02


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


def test_primes():
    assert [next_prime(n) for n in (1, 2, 4, 16, 512, 521, 2048)] == [2, 2, 5, 17, 521, 521, 2053]
