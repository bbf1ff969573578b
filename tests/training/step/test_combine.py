import numpy as np
import pytest
import tensorflow as tf
from network_batches import freeze_batch_statistics, paired_batch, randomise, take_taus, tiny_network

from TauAdv.models.conversion import class_part, with_grid_mode
from TauAdv.models.deeptau.losses import loss_function
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.taggers.objective import ClassObjective
from TauAdv.training.methods.acting import Acting, StepView, Surroundings
from TauAdv.training.methods.reversal import Reversal
from TauAdv.training.step.combine import joint_gradients, mean_magnitude, separate_gradients
from TauAdv.training.step.losses import losses_of, regularisation

pytestmark = pytest.mark.slow

LOSS = loss_function("tau_crossentropy_v2")
N_CLASS, N_ADV = 9, 5
K1, K2 = 1.3, 7.0


def model_and_batch(mode="dense", k1=K1, k2=K2, **changes):
    network = tiny_network(grid_mode=mode, **changes)
    model = build_adversarial(network, dtype="float64", k1=k1, k2=k2)
    randomise(model)
    return model, paired_batch(network, N_CLASS, N_ADV)


def computed(combine, model, batch, counts, methods, training=True, knobs=None):
    """Losses and gradients by name."""
    view = StepView(batch, batch, batch, *counts, model, knobs or {})
    found = combine(model, lambda: losses_of(model, view, methods, LOSS, training=training), methods, view.knobs)
    losses = found.losses
    result = {"loss": losses.loss, "pure_loss": losses.pure, "regularisation": losses.penalty, "gradients": found.gradients}
    result |= dict(zip(("adv_loss",), (term for _, term in losses.domain), strict=False))
    measured = zip(("common_adv",), found.of_domain, strict=False)
    result["gradients"] |= {"common_class": found.of_class, **dict(measured)}
    return result


def reversal_of(model):
    return Reversal().begin(Surroundings(model, ClassObjective(LOSS), lambda *arguments: None, N_ADV))


def classifier_gradients(model, batch, n_class):
    return computed(joint_gradients, model, batch, (n_class,), [Acting()])


def adversarial_gradients(model, batch, n_class, n_adv, training=True):
    return computed(joint_gradients, model, batch, (n_class, n_adv), [reversal_of(model)], training)


def two_tape_gradients(model, batch, n_class, n_adv, k1, k2):
    return computed(separate_gradients, model, batch, (n_class, n_adv), [reversal_of(model)], knobs={"k1": k1, "k2": k2})


def assert_groups_close(received, expected, tolerance, groups=("common", "class_head", "adversarial_head")):
    for group in groups:
        assert len(received[group]) == len(expected[group]) > 0
        assert max(float(tf.reduce_max(tf.abs(gradient))) for gradient in expected[group]) > 1e-3
        for first, second in zip(received[group], expected[group], strict=True):
            np.testing.assert_allclose(first, second, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mode", ["dense", "sparse"])
@pytest.mark.parametrize("l2", [0.0, 1e-2])
def test_one_pass_equals_two_tapes(mode, l2):
    model, batch = model_and_batch(mode, l2=l2)
    one = adversarial_gradients(model, batch, N_CLASS, N_ADV)
    two = two_tape_gradients(model, batch, N_CLASS, N_ADV, k1=K1, k2=K2)
    for name in ("loss", "adv_loss"):
        assert float(one[name]) == pytest.approx(float(two[name]), rel=1e-13)
    assert_groups_close(one["gradients"], two["gradients"], 1e-10)
    mixed = [K1 * a - K2 * b for a, b in zip(two["gradients"]["common_class"], two["gradients"]["common_adv"], strict=True)]
    assert_groups_close(one["gradients"], {"common": mixed}, 1e-10, groups=("common",))


def test_two_tapes_leave_the_scales_as_they_were_also_when_compiled():
    model, batch = model_and_batch()
    expected = two_tape_gradients(model, batch, N_CLASS, N_ADV, k1=2.0, k2=3.0)["gradients"]

    @tf.function(autograph=False)
    def compiled(batch):
        return two_tape_gradients(model, batch, N_CLASS, N_ADV, k1=2.0, k2=3.0)["gradients"]

    assert_groups_close(compiled(batch), expected, 1e-10)
    assert [float(model.get_layer(name).scale) for name in ("class_gradient", "adv_gradient")] == [K1, K2]


def test_sparse_gradients_equal_dense_ones_without_dropout():
    sparse, batch = model_and_batch("sparse")
    dense = with_grid_mode(sparse, "dense")
    first, second = (adversarial_gradients(model, batch, N_CLASS, N_ADV) for model in (sparse, dense))
    assert_groups_close(first["gradients"], second["gradients"], 1e-10)
    for layer in dense.layers:
        if "_norm_" in layer.name:  # running statistics after the step
            for ours, theirs in zip(sparse.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_without_the_adversary_it_is_the_class_gradient(mode):
    model, batch = model_and_batch(mode, k1=1.0, k2=0.0, l2=1e-2)
    classifier = class_part(model)
    received = adversarial_gradients(model, batch, N_CLASS, N_ADV)
    expected = classifier_gradients(classifier, batch, N_CLASS)
    for name in ("loss", "pure_loss", "regularisation"):
        assert float(received[name]) == pytest.approx(float(expected[name]), rel=1e-13)
    assert_groups_close(received["gradients"], expected["gradients"], 1e-10, groups=("common", "class_head"))


def without_weight(batch, rows):
    """The batch with no weight of either kind on some rows."""
    mask = np.ones(len(batch["tau"]), "f4")
    mask[rows] = 0
    return batch | {name: batch[name] * mask for name in ("weight", "weight_adv")}


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_rows_of_zero_weight_change_nothing_with_running_statistics(mode):
    model, batch = model_and_batch(mode)
    freeze_batch_statistics(model)
    idle = [1, 4, N_CLASS + 2]
    batch = without_weight(batch, idle)
    rest = take_taus(batch, np.setdiff1d(np.arange(N_CLASS + N_ADV), idle))
    received, expected = (adversarial_gradients(model, rows, N_CLASS, N_ADV) for rows in (batch, rest))
    for name in ("loss", "adv_loss"):
        assert float(received[name]) == pytest.approx(float(expected[name]), rel=1e-13)
    assert_groups_close(received["gradients"], expected["gradients"], 1e-12)


def test_rows_of_zero_weight_enter_batch_statistics_in_training():
    model, batch = model_and_batch()
    batch = without_weight(batch, [1])
    rest = take_taus(batch, np.setdiff1d(np.arange(N_CLASS + N_ADV), [1]))
    losses, means = [], []
    start = model.get_weights()
    for rows in (batch, rest):
        model.set_weights(start)
        losses.append(float(adversarial_gradients(model, rows, N_CLASS, N_ADV)["loss"]))
        means.append(model.get_layer("tau_norm_1").moving_mean.numpy())
    assert losses[0] != losses[1]
    assert np.abs(means[0] - means[1]).max() > 1e-4


def test_scales_reach_a_compiled_step_and_only_the_common_layers():
    model, batch = model_and_batch(dropout=0.0)

    @tf.function(autograph=False)
    def compiled(batch):
        return adversarial_gradients(model, batch, N_CLASS, N_ADV)["gradients"]

    set_gradient_scales(model, 0.0, 1.0)
    single = compiled(batch)
    set_gradient_scales(model, 0.0, 4.0)
    fourfold = compiled(batch)
    assert compiled.experimental_get_tracing_count() == 1
    assert_groups_close(fourfold, {"common": [4 * gradient for gradient in single["common"]]}, 1e-12, groups=("common",))
    assert_groups_close(fourfold, single, 1e-12, groups=("class_head", "adversarial_head"))


def test_counts_of_rows_divide_the_losses():
    model, batch = model_and_batch()
    first = adversarial_gradients(model, batch, N_CLASS, N_ADV, training=False)
    second = adversarial_gradients(model, batch, 2 * N_CLASS, 4 * N_ADV, training=False)
    assert float(second["pure_loss"]) == pytest.approx(float(first["pure_loss"]) / 2, rel=1e-13)
    assert float(second["adv_loss"]) == pytest.approx(float(first["adv_loss"]) / 4, rel=1e-13)


def test_regularisation_by_part():
    model, _ = model_and_batch(l2=0.5)
    kernels = [layer.kernel for layer in model.layers if layer.name.startswith("final_dense_last")]
    others = [layer.kernel for layer in model.layers if layer.name in {"final_dense_1", "final_dense_2"}]
    expected = sum(0.5 * float(tf.reduce_sum(tf.square(kernel.value))) for kernel in kernels + others)
    assert float(regularisation(model, "class_head")) == pytest.approx(expected, rel=1e-12)
    assert float(regularisation(model_and_batch()[0], "common")) == 0


def test_mean_magnitude():
    assert float(mean_magnitude([tf.constant([1.0, -3.0]), tf.constant([[-4.0]])])) == 3.0
