"""FGSM and PGD make the loss larger, PGD more than FGSM; seeds, starts and dropout."""

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits, constraints, jet_batch, jet_model, movable

from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import divergence, label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.errors import InputError
from TauAdv.models.jet_flavour.losses import crossentropy
from TauAdv.models.jet_flavour.network import logits_model


@pytest.fixture(scope="module")
def trained():
    """A tagger that was trained for some seconds, its objective, and jets that it has not seen."""
    model = jet_model(seed=4)
    train, scores = jet_batch(2000, seed=1), logits_model(model)
    # steep classes: the loss is far from linear within the limits of the attacks
    train["x"] = train["x"] * 2
    optimizer, variables = tf.keras.optimizers.Adam(0.01), model.trainable_variables

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(crossentropy(train["y"], scores({"x": train["x"]})))
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)

    optimizer.build(variables)
    for _ in range(150):
        step()
    test = jet_batch(300, seed=2)
    return model, label_loss(model, crossentropy), test | {"x": test["x"] * 2}


def test_fgsm_follows_the_formula(trained):
    model, objective, batch = trained
    of = constraints()
    with tf.GradientTape() as tape:
        tape.watch(batch["x"])
        loss = tf.reduce_mean(crossentropy(batch["y"], logits_model(model)({"x": batch["x"]})))
    expected = batch["x"] + 0.3 * np.sign(tape.gradient(loss, batch["x"])) * movable(batch, of)
    np.testing.assert_array_equal(fgsm(objective, batch, of, 0.3)["x"], expected)


def test_attacks_make_the_loss_larger_and_pgd_more_than_fgsm(trained):
    _, objective, batch = trained
    of = constraints()
    clean = objective(batch).numpy()
    one_step = objective(fgsm(objective, batch, of, 0.8)).numpy()
    many_steps = objective(pgd(objective, batch, of, 0.8, steps=20, random_start=False)).numpy()
    assert clean.mean() < one_step.mean() < many_steps.mean() - 0.001
    assert (many_steps >= clean).all()


def test_more_starts_are_never_weaker(trained):
    _, objective, batch = trained
    of = constraints()
    one, four = (objective(pgd(objective, batch, of, 0.8, steps=4, restarts=n, seed=5)).numpy() for n in (1, 4))
    assert (four >= one - 1e-5).all()
    assert (four > one + 1e-3).any()


def test_worst_point_of_each_example_is_kept(trained):
    """Steps that are far too large overshoot; the best point visited is returned all the same."""
    _, objective, batch = trained
    of = constraints()
    last = objective(fgsm(objective, batch, of, 0.8)).numpy()
    attacked = pgd(objective, batch, of, 0.8, steps=2, step_size=1.0, random_start=False)
    assert (objective(attacked).numpy() >= last - 1e-5).all()


def test_seed_decides_the_start(trained):
    _, objective, batch = trained
    of = constraints()
    first, again, other = (pgd(objective, batch, of, 0.8, steps=1, step_size=0.01, seed=s)["x"] for s in (1, 1, (1, 7)))
    np.testing.assert_array_equal(bits(first), bits(again))
    assert (bits(first) != bits(other)).any()


def test_random_starts_fill_the_box(trained):
    _, _, batch = trained
    of = constraints({"high": 0.3})
    flat = lambda b: tf.zeros(len(b["x"]))  # noqa: E731
    attacked = pgd(flat, batch, of, 0.8, steps=1, step_size=1e-6, seed=1)["x"].numpy()
    moved = (attacked - batch["x"].numpy())[movable(batch, of) & (batch["x"].numpy() < -0.5)]
    np.testing.assert_allclose([moved.min(), moved.max()], [-0.8, 0.8], atol=0.02)
    assert moved.mean() == pytest.approx(0, abs=5 * 0.8 / np.sqrt(3 * len(moved)))


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"restarts": 0}, {"step_size": 0}, {"restarts": 2, "random_start": False}])
def test_wrong_numbers_of_steps_and_starts(trained, wrong):
    _, objective, batch = trained
    with pytest.raises(InputError, match=r"expected steps >= 1|are all the same"):
        pgd(objective, batch, constraints(), 0.1, **wrong)


def test_one_example_does_not_change_another(trained):
    _, objective, batch = trained
    some = {key: values[:7] for key, values in batch.items()}
    whole = pgd(objective, batch, constraints(), 0.4, steps=5, random_start=False)["x"][:7]
    np.testing.assert_allclose(pgd(objective, some, constraints(), 0.4, steps=5, random_start=False)["x"], whole, atol=1e-5)


def test_weights_and_statistics_are_not_touched(trained):
    model, objective, batch = trained
    before = [weight.numpy() for weight in model.weights]
    pgd(objective, batch, constraints(), 0.4, steps=2)
    for first, second in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_dropout_acts_while_the_attack_is_made_only_if_asked():
    model, batch, of = jet_model(dropout=0.5), jet_batch(100), constraints()
    still = [fgsm(label_loss(model, crossentropy), batch, of, 0.1)["x"].numpy() for _ in range(2)]
    noisy = [fgsm(label_loss(model, crossentropy, training=True), batch, of, 0.1)["x"].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert (noisy[0] != noisy[1]).any()


def test_divergence_is_that_of_kullback_and_leibler_and_grows(trained):
    model, _, batch = trained
    objective, of = divergence(model, batch), constraints()
    np.testing.assert_allclose(objective(batch), 0, atol=1e-6)
    attacked = pgd(objective, batch, of, 0.5, steps=5, seed=1)
    p, q = (model({"x": tensors["x"]}).numpy().astype("f8") for tensors in (batch, attacked))
    np.testing.assert_allclose(objective(attacked), (p * np.log(p / q)).sum(axis=1), rtol=1e-3, atol=1e-5)
    random = pgd(lambda b: tf.zeros(len(b["x"])), batch, of, 0.5, steps=1, step_size=1e-6, seed=1)
    assert float(tf.reduce_mean(objective(attacked))) > 2 * float(tf.reduce_mean(objective(random)))


def test_saturated_scores_still_have_a_direction():
    """Where the probability of the truth is 1 in float32, its loss has no slope, but that of the logits has."""
    model, of = jet_model(), constraints()
    layer = model.get_layer("final_dense_last")
    layer.bias.assign([25.0, 0.0, 0.0])
    batch = jet_batch(50) | {"y": tf.constant(np.eye(3, dtype="f4")[np.zeros(50, int)])}
    assert (model({"x": batch["x"]}).numpy()[:, 0] == 1).all()
    moved = fgsm(label_loss(model, crossentropy), batch, of, 0.1)["x"] - batch["x"]
    assert (np.abs(moved)[movable(batch, of)] > 0.05).mean() > 0.95
