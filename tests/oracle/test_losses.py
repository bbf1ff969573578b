"""The loss family against the reference values, saturated scores included."""

import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.deeptau.losses import LOSS_NAMES, TauLosses, adversarial_crossentropy


@pytest.fixture(scope="module")
def reference(oracle):
    with np.load(oracle / "expected" / "losses.npz") as content:
        return dict(content)


def assert_close(received, expected):
    """1e-6 relative or 2e-6 absolute."""
    received, expected = np.asarray(received, "f8"), np.asarray(expected, "f8")
    difference = np.abs(received - expected)
    wrong = (difference > 1e-6 * np.abs(expected)) & (difference > 2e-6)
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size} differ, by up to {difference[wrong].max()}"


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_class_loss(name, reference):
    losses = TauLosses(tuple(reference["sf_input"].tolist()))
    np.testing.assert_allclose(losses.kappa, reference["sf_normalised"], rtol=1e-12)
    labels, scores = tf.constant(reference["y_true"]), tf.constant(reference["y_pred"])
    received = losses.functions()[name](labels, scores)
    assert received.dtype == tf.float32
    assert_close(received, reference[name])


def test_every_loss_of_the_reference_is_there(reference):
    inputs = {"y_true", "y_pred", "sf_input", "sf_normalised", "adv_true", "adv_pred", "crossentropy_adversarial"}
    assert set(reference) - inputs == set(LOSS_NAMES)


def test_adversarial_loss(reference):
    received = adversarial_crossentropy(tf.constant(reference["adv_true"]), tf.constant(reference["adv_pred"]))
    assert received.dtype == tf.float32
    assert_close(received, reference["crossentropy_adversarial"])


def test_reference_holds_saturated_scores(reference):
    assert {0.0, 1.0} <= set(np.unique(reference["y_pred"]).tolist())
