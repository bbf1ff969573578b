import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.errors import ConfigError
from TauAdv.models.jet_flavour.losses import JetLossSettings, jet_loss, weighted_mean

LABELS = np.eye(3)[[0, 1, 2, 2, 0]]


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def reference(logits, gamma=0.0, alpha=(1, 1, 1), double=False):
    p = softmax(softmax(logits)) if double else softmax(logits)
    p_y = (LABELS * p).sum(axis=1)
    return -(LABELS @ np.array(alpha)) * (1 - p_y) ** gamma * np.log(p_y)


@given(
    st.lists(st.floats(-6, 6), min_size=15, max_size=15),
    st.floats(0, 30),
    st.tuples(*[st.floats(0.1, 5)] * 3),
    st.booleans(),
)
@settings(max_examples=30)
def test_losses_follow_the_formula_in_float64(values, gamma, alpha, double):
    logits = np.reshape(values, (5, 3))
    focal = jet_loss(JetLossSettings(kind="focal", gamma=gamma, alpha=alpha, paper_compatible=double))
    np.testing.assert_allclose(focal(LABELS, logits), reference(logits, gamma, alpha, double), rtol=1e-9, atol=1e-30)
    plain = jet_loss(JetLossSettings(paper_compatible=double))
    np.testing.assert_allclose(plain(LABELS, logits), reference(logits, double=double), rtol=1e-9, atol=1e-14)


def test_double_softmax_has_a_floor_and_hides_the_gradient():
    logits = tf.constant(np.array([[30.0, 0.0, 0.0]], "f4"))
    label = tf.constant([[0.0, 1.0, 0.0]])
    slopes = {}
    for double in (False, True):
        loss = jet_loss(JetLossSettings(paper_compatible=double))
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(label, logits)
        slopes[double] = np.abs(tape.gradient(value, logits)).max()
    assert slopes[False] == pytest.approx(1)
    assert slopes[True] < 1e-10
    best = jet_loss(JetLossSettings(paper_compatible=True))(tf.constant([[1.0, 0, 0]]), logits)
    assert float(best[0]) == pytest.approx(np.log(1 + 2 / np.e), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 25.0])
def test_extreme_logits_keep_values_and_gradients_finite(gamma):
    logits = tf.constant(np.array([[200.0, 0, 0], [-200, 0, 0], [0, 0, 0]], "f4"))
    labels = tf.constant(np.array([[1.0, 0, 0]] * 3, "f4"))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = jet_loss(JetLossSettings(kind="focal", gamma=gamma))(labels, logits)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, logits)).all()


def test_gradient_survives_where_the_probability_rounds_to_one():
    logits = tf.constant([[25.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = jet_loss(JetLossSettings())(tf.constant([[1.0, 0, 0]]), logits)
    assert float(tf.nn.softmax(logits)[0, 0]) == 1
    assert (tape.gradient(value, logits).numpy()[0, 1:] > 0).all()


def test_mean_is_normalised_by_the_weights():
    values, weights = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.0, 2.0])
    assert float(weighted_mean(tf.constant(values), weights)) == pytest.approx(np.average(values, weights=weights))
    assert float(weighted_mean(tf.constant(values), np.zeros(3))) == 0


def test_wrong_number_of_alphas():
    with pytest.raises(ConfigError, match=r"alpha: expected one factor for each of the 3 classes, received 2"):
        jet_loss(JetLossSettings(kind="focal", alpha=(1.0, 2.0)))
