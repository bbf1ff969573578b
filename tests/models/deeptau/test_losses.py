import math

import numpy as np
import pytest
import tensorflow as tf

from TauAdv.errors import ConfigError
from TauAdv.models.deeptau.losses import (
    LOSS_NAMES,
    TauLosses,
    adversarial_crossentropy,
    focal_adversarial_crossentropy,
    loss_function,
)

TAU_LABEL = tf.constant([[0.0, 0.0, 1.0, 0.0]])


def test_value_of_an_undecided_tau():
    scores = tf.fill((1, 4), 0.25)
    assert TauLosses().tau_crossentropy_v2(TAU_LABEL, scores).numpy() == pytest.approx(2 * math.log(4), rel=1e-6)


def test_class_importance_is_scaled_to_four():
    assert TauLosses().kappa == pytest.approx((0.4, 1.0, 2.0, 0.6))
    assert TauLosses((1, 1, 1, 1)).kappa == (1, 1, 1, 1)


def test_saturated_scores_are_clipped_in_float32():
    labels, scores = tf.constant([[0.0, 0.0, 0.0, 1.0]]), tf.constant([[0.0, 0.0, 1.0, 0.0]])
    loss = TauLosses().binary_crossentropy(labels, scores)
    assert loss.dtype == tf.float32
    assert loss.numpy()[0] == pytest.approx(-math.log(float(np.float32(1) - np.float32(1 - 1e-7))), rel=1e-6)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_gradients_of_saturated_scores_are_finite(name):
    labels = tf.repeat(tf.eye(4), 4, axis=0)
    scores = tf.tile(tf.eye(4), (4, 1))
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = tf.reduce_sum(loss_function(name)(labels, scores))
    assert np.isfinite(tape.gradient(loss, scores)).all()


def test_rows_without_a_label_cost_only_the_background_terms():
    scores = tf.constant([[0.2, 0.1, 0.6, 0.1]])
    values = {name: float(function(tf.zeros((1, 4)), scores)[0]) for name, function in TauLosses().functions().items()}
    assert {name for name, value in values.items() if value} == {"Hbin", "Fcmb", "tau_crossentropy_v2"}


def test_focal_loss_without_focus_is_the_cross_entropy():
    generator = np.random.default_rng(0)
    labels, scores = generator.integers(0, 2, (20, 1)).astype("f4"), generator.random((20, 1)).astype("f4")
    np.testing.assert_allclose(
        focal_adversarial_crossentropy(0.0)(labels, scores), adversarial_crossentropy(labels, scores), rtol=1e-6
    )
    easy = focal_adversarial_crossentropy(2.0)(np.ones((1, 1), "f4"), np.full((1, 1), 0.9, "f4"))
    assert easy.numpy()[0] == pytest.approx(-0.01 * math.log(0.9), rel=1e-5)


def test_unknown_loss_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'tau_crossentropy_v2'"):
        loss_function("tau_crossentropy_v3")
