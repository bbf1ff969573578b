"""Steps of a training against attacks: the losses and their gradients are what their formulas say, in float64."""

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits, constraints, jet_batch, jet_model
from training_classes import jet_settings, placed

from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.objectives import divergence, label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.errors import ConfigError
from TauAdv.models.jet_flavour.network import build_jet_classifier, logits_model
from TauAdv.models.jet_flavour.settings import JetNetworkSettings
from TauAdv.training.step.attacked_batches import STRENGTH, TrainingAttacks
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

KNOBS = {"learning_rate": 1e-3}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()


def settings(**changes):
    return jet_settings(None, placed({"shards": "a", "batch_size": 20, "precision": "float64", **changes}))


def double_model(dropout=0.0):
    network = {"name": "small", "n_features": 8, "hidden": [16, 16], "common_layers": 1, "dropout": dropout}
    return build_jet_classifier(JetNetworkSettings.model_validate(network), dtype="float64", seed=1)


def expected_gradients(model, loss):
    with tf.GradientTape() as tape:
        value = loss(logits_model(model))
    return value.numpy(), [g.numpy() for g in tape.gradient(value, [v.value for v in model.trainable_variables])]


def gradients_of_step(trainer, batch, knobs=KNOBS):
    """Loss and gradients of a step, in the order of the model's variables; the optimiser does nothing."""
    found = {}

    class Recorder:
        learning_rate = 0.0

        def apply(self, values, variables):
            found.update({v.path: np.asarray(g) for v, g in zip(variables, values, strict=True)})

    trainer.optimizers["optimizer"] = Recorder()
    trainer._step({name: tf.convert_to_tensor(values) for name, values in batch.items()}, knobs)
    values = means(trainer.sums.names, trainer.sums.take())
    return values, [found[v.path] for v in trainer.model.trainable_variables]


def weighted(batch, losses):
    weight = tf.cast(batch["weight"], tf.float64)
    return tf.reduce_sum(weight * losses) / tf.reduce_sum(weight)


def entropy(batch, logits):
    return tf.nn.softmax_cross_entropy_with_logits(tf.cast(batch["y"], tf.float64), logits)


def agree(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("use_weights", [True, False])
def test_nominal_loss_is_the_weighted_mean(use_weights):
    model, batch = double_model(), jet_batch()
    trainer = Trainer(model, settings(use_weights=use_weights))
    if not use_weights:
        ones = {**batch, "weight": tf.ones(20)}
    counted = batch if use_weights else ones
    loss, expected = expected_gradients(model, lambda f: weighted(counted, entropy(batch, f({"x": batch["x"]}))))
    values, found = gradients_of_step(trainer, batch)
    assert values["loss"] == pytest.approx(loss, rel=1e-12)
    agree(found, expected)


def test_focal_loss_with_alpha():
    model, batch = double_model(), jet_batch()
    trainer = Trainer(model, settings(loss={"kind": "focal", "gamma": 1.5, "alpha": [0.5, 2, 1]}))

    def focal(f):
        log_p = tf.nn.log_softmax(f({"x": batch["x"]}))
        y = tf.cast(batch["y"], tf.float64)
        own = tf.reduce_sum(y * log_p, axis=1)
        return weighted(batch, -tf.linalg.matvec(y, tf.constant([0.5, 2, 1], tf.float64)) * (1 - tf.exp(own)) ** 1.5 * own)

    loss, expected = expected_gradients(model, focal)
    values, found = gradients_of_step(trainer, batch)
    assert values["loss"] == pytest.approx(loss, rel=1e-6)  # alpha is kept in float32
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-12)


def test_fgsm_replaces_the_batch():
    model, batch = double_model(), jet_batch()
    trainer = Trainer(model, settings(attack={"eps": 0.1}), constraints=constraints())
    attacked = fgsm(label_loss(model, trainer.loss), batch, constraints(), 0.1)
    assert (attacked["x"] != batch["x"]).numpy().any()
    loss, expected = expected_gradients(model, lambda f: weighted(batch, entropy(batch, f({"x": attacked["x"]}))))
    values, found = gradients_of_step(trainer, batch)
    assert values["loss"] == pytest.approx(loss, rel=1e-12)
    agree(found, expected)


def test_trades_adds_the_divergence():
    model, batch, beta, seed = double_model(), jet_batch(), 3.0, 7
    attack = {"kind": "pgd", "eps": 0.2, "steps": 3, "trades_beta": beta}
    trainer = Trainer(model, settings(attack=attack, seed=seed), constraints=constraints())
    trainer.guard.start(5)
    attacked = pgd(divergence(model, batch), batch, constraints(), 0.2, steps=3, seed=tf.constant([seed, 5]))

    def loss_of(f):
        clean, moved = f({"x": batch["x"]}), f({"x": attacked["x"]})
        p = tf.nn.softmax(clean)
        kl = tf.reduce_sum(p * (tf.nn.log_softmax(clean) - tf.nn.log_softmax(moved)), axis=1)
        return weighted(batch, entropy(batch, clean)) + beta * weighted(batch, kl)

    loss, expected = expected_gradients(model, loss_of)
    pure, _ = expected_gradients(model, lambda f: weighted(batch, entropy(batch, f({"x": batch["x"]}))))
    values, found = gradients_of_step(trainer, batch)
    assert values["loss"] == pytest.approx(loss, rel=1e-12)
    assert values["pure_loss"] == pytest.approx(pure, rel=1e-12)
    assert values["divergence"] == pytest.approx((loss - pure) / beta, rel=1e-9)
    assert values["divergence"] > 0
    agree(found, expected)


def test_mixed_batches_are_clean_and_attacked():
    model, batch = double_model(), jet_batch(400)
    trainer = Trainer(model, settings(attack={"eps": 0.1, "fraction": 0.3}, seed=4), constraints=constraints())
    whole = fgsm(label_loss(model, trainer.loss), batch, constraints(), 0.1)["x"].numpy()
    mixed = {step: trainer.attacks.attacked(batch, step, {})["x"].numpy() for step in (1, 2)}
    clean = batch["x"].numpy()
    chosen = (mixed[1] != clean).any(axis=1)
    assert 0.3 * 400 - 3 * 9.2 < chosen.sum() < 0.3 * 400 + 3 * 9.2  # binomial: sqrt(400 x 0.3 x 0.7) = 9.2
    np.testing.assert_array_equal(bits(mixed[1]), bits(np.where(chosen[:, None], whole, clean)))
    assert ((mixed[2] != clean).any(axis=1) != chosen).any()
    trainer.guard.start(1)
    loss, expected = expected_gradients(model, lambda f: weighted(batch, entropy(batch, f({"x": tf.constant(mixed[1])}))))
    values, found = gradients_of_step(trainer, batch)
    assert values["loss"] == pytest.approx(loss, rel=1e-12)
    agree(found, expected)


def test_strengths_of_examples_are_uniform():
    model, batch = double_model(), jet_batch(400)
    attack = {"eps": 0.2, "strength": "uniform", "fraction": 0.75}
    trainer = Trainer(model, settings(attack=attack, seed=4), constraints=constraints())
    moved = trainer.attacks.attacked(batch, 1, {})["x"].numpy() - batch["x"].numpy()
    largest = np.abs(moved).max(axis=1) / 0.2
    clean = largest == 0
    assert 0.25 * 400 - 3 * 8.7 < clean.sum() < 0.25 * 400 + 3 * 8.7  # binomial: sqrt(400 x 0.25 x 0.75) = 8.7
    positions, n = np.sort(largest[~clean]), np.count_nonzero(~clean)
    distance = np.abs(positions - (np.arange(n) + 0.5) / n).max()
    assert distance < 1.95 / np.sqrt(n)  # Kolmogorov-Smirnov: 1 in 1000
    assert positions.max() <= 1 + 1e-5


def test_eps_grows_with_the_strength():
    model, batch = jet_model(), jet_batch()
    trainer = Trainer(model, settings(attack={"eps": 0.2, "warmup_epochs": 2}), constraints=constraints())
    moved = trainer.attacks.attacked(batch, 0, {STRENGTH: tf.constant(0.25)})["x"] - batch["x"]
    assert np.abs(moved).max() == pytest.approx(0.05, rel=1e-5)


def test_rows_of_the_other_domain_stay_clean():
    model, batch = jet_model(), dict(jet_batch())
    labels = batch["y"].numpy()
    labels[12:] = 0
    batch |= {"y": tf.constant(labels), "y_adv": tf.zeros((20, 1))}
    attack = settings(attack={"kind": "pgd", "eps": 0.2, "steps": 2})
    attacks = TrainingAttacks.of(model, attack, constraints(), attack.spec.objective(attack))
    moved = (attacks.attacked(batch, 0, {})["x"] != batch["x"]).numpy().any(axis=1)
    assert moved[:12].all()
    assert not moved[12:].any()


def test_dropout_acts_in_the_attack_if_asked_for():
    batch = jet_batch()
    moved = []
    for training in (False, True):
        model = jet_model(dropout=0.5)
        found = settings(attack={"eps": 0.2, "training": training})
        attacks = TrainingAttacks.of(model, found, constraints(), found.spec.objective(found))
        moved.append([attacks.attacked(batch, 0, {})["x"].numpy() for _ in range(2)])
    np.testing.assert_array_equal(*moved[0])
    assert (moved[1][0] != moved[1][1]).any()


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ({"eps": {"f0": 0.1, "nothing": 0.2}}, "no column 'nothing'"),
        ({"frozen": ["f9"]}, "no column 'f9'"),
        ({"unit": "resolution"}, "give their resolution"),
    ],
)
def test_attack_that_does_not_fit_the_inputs(attack, message):
    with pytest.raises(ConfigError, match=message):
        Trainer(jet_model(), settings(attack={"eps": 0.1, **attack}), constraints=constraints())


def test_attack_without_facts_about_the_inputs():
    with pytest.raises(ConfigError, match="feature table"):
        Trainer(jet_model(), settings(attack={"eps": 0.1}))
