"""Attacks on DeepTau: two grids of filled cells and the flat features, with all that must not move."""

import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits

from TauAdv.attacks.constraints.taus import tau_constraints
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.features.scaling import ScalingConstants
from TauAdv.features.table import FeatureTable
from TauAdv.models.deeptau.losses import loss_function
from TauAdv.models.deeptau.network import TauTagger, build_classifier
from TauAdv.models.deeptau.settings import load_network

pytestmark = pytest.mark.slow

TABLE = FeatureTable.load("deeptau_v2p5")
TENSORS = ("tau", "inner_cells", "outer_cells")
LOSS = loss_function("tau_crossentropy_v2")


def scaled_block(generator, features, grid, n_rows):
    """Random scaled values as extraction gives them: flags 0 or 1, absent objects and invalid values at their constants."""
    limits = ScalingConstants.of(features, grid)
    values = np.clip(generator.normal(0, 1, (n_rows, len(features))), limits.low, limits.high).astype("f4")
    for i, feature in enumerate(features):
        if feature.integer:
            values[:, i] = generator.integers(0, 2, n_rows)
        elif feature.guards:
            values[generator.random(n_rows) < 0.3, i] = feature.default
    for i, feature in enumerate(features):
        if feature.key == "valid":
            block = [j for j, other in enumerate(features) if other.block == feature.block]
            values[np.ix_(values[:, i] == 0, block)] = 0
    return values


@pytest.fixture(scope="module")
def batch():
    generator, n_taus = np.random.default_rng(2), 12
    batch = {"tau": scaled_block(generator, TABLE.features("tau"), "inner", n_taus)}
    for grid, cells, filled in (("inner", 11, 60), ("outer", 21, 150)):
        chosen = np.sort(generator.choice(n_taus * cells**2, filled, replace=False))
        batch[f"{grid}_index"] = np.stack(np.unravel_index(chosen, (n_taus, cells, cells)), axis=1).astype("i4")
        batch[f"{grid}_cells"] = scaled_block(generator, TABLE.features("cell"), grid, filled)
        shared = [i for i, feature in enumerate(TABLE.features("cell")) if feature.block == "GridGlobal"]
        batch[f"{grid}_cells"][:, shared] = np.tile(batch["tau"][batch[f"{grid}_index"][:, 0]][:, [0, 1, 2, -2]], 3)
    batch["y"] = np.eye(4, dtype="f4")[generator.integers(0, 4, n_taus)]
    return {name: tf.constant(values) for name, values in batch.items()}


@pytest.fixture(scope="module")
def objective():
    return label_loss(build_classifier(load_network("deeptau_demo"), seed=1), LOSS)


def protected(batch, name):
    """What must keep its bits: integers, invalid values, absent objects; shared features follow the tau."""
    features = TABLE.features("tau" if name == "tau" else "cell")
    values = batch[name].numpy()
    fixed = np.zeros(values.shape, bool)
    flag = {feature.block: values[:, i] for i, feature in enumerate(features) if feature.key == "valid"}
    for i, feature in enumerate(features):
        fixed[:, i] = feature.integer | (bool(feature.guards) & (values[:, i] == feature.default))
        if feature.block in flag:
            fixed[:, i] |= flag[feature.block] == 0
    return fixed


@pytest.mark.parametrize("kind", ["fgsm", "pgd", "noise"])
@pytest.mark.parametrize("recompute", [False, True])
def test_untouchable_inputs_keep_every_bit(batch, objective, kind, recompute):
    constraints = tau_constraints(TABLE, recompute=recompute)
    attacked = {
        "fgsm": lambda: fgsm(objective, batch, constraints, 0.1),
        "pgd": lambda: pgd(objective, batch, constraints, 0.1, steps=2, seed=1),
        "noise": lambda: gaussian_noise(batch, constraints, 0.1, seed=1),
    }[kind]()
    for name in set(batch) - set(TENSORS):
        np.testing.assert_array_equal(attacked[name], batch[name])
    for name in TENSORS:
        fixed = protected(batch, name)
        np.testing.assert_array_equal(bits(attacked[name])[fixed], bits(batch[name])[fixed])
        moved = attacked[name].numpy() != batch[name].numpy()
        assert moved[~fixed].mean() > 0.5
        assert 0.02 < fixed.mean() < 0.95


def test_loss_grows_and_pgd_does_more(batch, objective):
    constraints = tau_constraints(TABLE)
    clean, one_step = objective(batch), objective(fgsm(objective, batch, constraints, 0.05))
    assert (one_step > clean).numpy().mean() > 0.9
    many_steps = objective(pgd(objective, batch, constraints, 0.05, steps=8, random_start=False))
    assert float(tf.reduce_mean(many_steps)) > float(tf.reduce_mean(one_step))
    assert (many_steps >= clean).numpy().all()


def test_scaled_values_stay_within_their_clip_limits_and_eps(batch, objective):
    attacked = fgsm(objective, batch, tau_constraints(TABLE), 0.5)
    for name in TENSORS:
        features = TABLE.features("tau" if name == "tau" else "cell")
        limits = ScalingConstants.of(features, "outer" if name == "outer_cells" else "inner")
        assert ((attacked[name].numpy() >= limits.low) & (attacked[name].numpy() <= limits.high)).all()
        assert np.abs(attacked[name] - batch[name]).max() <= 0.5 + 1e-6


def test_features_repeated_in_the_cells_follow_their_tau(batch, objective):
    attacked = fgsm(objective, batch, tau_constraints(TABLE), 0.1)
    names = [feature.name for feature in TABLE.features("tau")]
    for grid in ("inner", "outer"):
        rows = batch[f"{grid}_index"][:, 0].numpy()
        for i, feature in enumerate(TABLE.features("cell")):
            if feature.block == "GridGlobal" and not feature.integer:
                source = names.index(feature.name)
                expected = (attacked["tau"].numpy() - batch["tau"].numpy())[rows, source]
                moved = (attacked[f"{grid}_cells"].numpy() - batch[f"{grid}_cells"].numpy())[:, i]
                np.testing.assert_allclose(moved, expected, atol=1e-6)
                assert np.abs(moved).max() > 0.05


def test_gradient_of_the_tau_includes_its_copies_in_the_cells(batch):
    """A loss of the copies alone still moves the tau's own feature."""
    rows = batch["outer_index"][:, 0]
    summed = lambda b: tf.math.unsorted_segment_sum(b["outer_cells"][:, 1], rows, 12)  # noqa: E731
    moved = (fgsm(summed, batch, tau_constraints(TABLE), 0.1)["tau"] - batch["tau"]).numpy()
    filled = np.bincount(rows, minlength=12) > 0
    room = batch["tau"].numpy()[:, 1] < 0.9
    np.testing.assert_allclose(moved[filled & room, 1], 0.1, atol=1e-6)
    assert not moved[:, [0, 2, 3]].any()


def test_significances_follow_where_asked(batch, objective):
    names = [feature.name for feature in TABLE.features("tau")]
    value, significance = names.index("tau_dxy"), names.index("tau_dxy_sig")
    attacked = fgsm(objective, batch, tau_constraints(TABLE, recompute=True), 0.1)
    constants = ScalingConstants.of(TABLE.features("tau"))
    before, after = (tensors["tau"].numpy() * constants.std + constants.mean for tensors in (batch, attacked))
    inside = np.abs(attacked["tau"].numpy()[:, significance]) < 4.9
    moved = inside & (after[:, value] != before[:, value]) & ~protected(batch, "tau")[:, significance]
    assert moved.any()
    ratios = [(np.abs(x[:, value]) / x[:, significance])[moved] for x in (before, after)]
    np.testing.assert_allclose(*ratios, rtol=2e-3)


def test_compiled_once_for_all_numbers_of_cells(batch):
    network = load_network("deeptau_demo")
    objective = label_loss(build_classifier(network, seed=1), LOSS)
    signature = {**TauTagger.input_signature(network), "y": tf.TensorSpec((None, 4), tf.float32)}
    constraints = tau_constraints(TABLE)
    compiled = tf.function(lambda b: fgsm(objective, b, constraints, 0.05), input_signature=[signature])
    some = {name: tensor[batch[f"{name.split('_')[0]}_index"][:, 0] < 5] if "_" in name else tensor[:5]
            for name, tensor in batch.items()}  # fmt: skip
    for inputs in (batch, some):
        received, expected = compiled(inputs), fgsm(objective, inputs, constraints, 0.05)
        for name in TENSORS:
            assert (np.abs(received[name] - expected[name]) > 1e-5).mean() < 0.02  # where a slope is nearly 0
    assert compiled.experimental_get_tracing_count() == 1
