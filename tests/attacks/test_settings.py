import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import N_FEATURES, bits, constraints, jet_batch, jet_model

from TauAdv.attacks.constraints.taus import tau_constraints
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.pgd import pgd
from TauAdv.attacks.settings import AttackSettings, make_attack
from TauAdv.attacks.systematic import systematic
from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.features.table import FeatureTable
from TauAdv.models.jet_flavour.losses import crossentropy

OBJECTIVE = label_loss(jet_model(), crossentropy)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kind": "none"}, lambda b, of: b),
        ({"eps": 0.3}, lambda b, of: fgsm(OBJECTIVE, b, of, 0.3)),
        (
            {"kind": "pgd", "eps": 0.3, "steps": 3, "restarts": 2, "step_size": 0.4},
            lambda b, of: pgd(OBJECTIVE, b, of, 0.3, steps=3, restarts=2, step_size=0.4, seed=7),
        ),
        ({"kind": "noise", "eps": 0.3}, lambda b, of: gaussian_noise(b, of, 0.3, seed=7)),
        ({"kind": "systematic", "eps": 0.3, "direction": "down"}, lambda b, of: systematic(b, of, 0.3, direction="down")),
    ],
)
def test_settings_stand_for_functions(settings, expected):
    batch, of = jet_batch(), constraints()
    attacked = make_attack(AttackSettings.model_validate(settings), of)(OBJECTIVE, batch, seed=7)
    np.testing.assert_array_equal(bits(attacked["x"]), bits(expected(batch, of)["x"]))


def test_options_reach_the_constraints():
    batch = jet_batch()
    settings = AttackSettings(eps=0.3, frozen=("f0", "f1"), relative_cap=0.1, groups={"g": ("f3", "-f4")})
    moved = (make_attack(settings, constraints())(OBJECTIVE, batch)["x"] - batch["x"]).numpy()
    assert not moved[:, :2].any()
    assert (np.abs(moved) <= 0.1 * np.abs(batch["x"]) + 1e-6).all()
    np.testing.assert_allclose(moved[:, 3], -moved[:, 4], atol=1e-6)
    free = make_attack(AttackSettings(eps=0.3, protect=False), constraints())
    assert (free(OBJECTIVE, batch)["x"] != batch["x"]).numpy().all()


def test_eps_by_name_and_pattern():
    batch = jet_batch() | {"x_default": tf.zeros((20, N_FEATURES), tf.bool)}
    settings = AttackSettings(eps={"f[01]": 0.1, "f1": 0.4, "f7": 0.2})
    moved = np.abs(make_attack(settings, constraints())(OBJECTIVE, batch)["x"] - batch["x"])
    np.testing.assert_allclose(moved, np.broadcast_to([0.1, 0.4, 0, 0, 0, 0, 0, 0.2], moved.shape), atol=1e-6)


def test_patterns_may_belong_to_one_of_several_tensors():
    of = tau_constraints(FeatureTable.load("deeptau_v2p5"))
    make_attack(AttackSettings(eps={"tau_dxy*": 0.1, "Muon/*": 0.05}, frozen=("PfCand_gamma/*",)), of)
    with pytest.raises(ConfigError, match=r"attack fgsm: no column 'tau_dxz' \(did you mean 'tau_dz'\?\)"):
        make_attack(AttackSettings(eps={"tau_dxz": 0.1}), of)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frozen": ("f9",)}, "no column 'f9'"),
        ({"groups": {"g": ("f2",)}}, "none of its columns may move"),
        ({"unit": "resolution"}, "unit 'resolution': not known for 6 columns"),
    ],
)
def test_settings_that_do_not_fit_the_inputs(settings, message):
    with pytest.raises(ConfigError, match=message):
        make_attack(AttackSettings.model_validate(settings), constraints())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["eps=-0.1"], "eps"),
        (["eps={f0: -1}"], "eps.*expected at least 0"),
        (["kind=fgms"], "kind: expected 'none', 'fgsm', 'pgd', 'noise', 'systematic' or 'ngm'"),
        (["kind=pgd", "steps=0"], "steps: expected at least 1"),
        (["kind=noise", "steps=3"], "steps: unknown key; it belongs to attacks of kind pgd or ngm"),
        (["kind=fgms", "steps=3", "eps=-1"], r"2 settings not accepted:\n  kind: .*'fgsm'\?\); received 'fgms'\n  eps: exp"),
        (["step=3"], r"step: unknown key \(did you mean 'steps'\?\)"),
    ],
)
def test_wrong_settings_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(AttackSettings, None, overrides)


def test_restarts_need_random_starts():
    with pytest.raises(ConfigError, match="restarts=2 without random_start are all the same"):
        load_settings(AttackSettings, None, ["kind=pgd", "restarts=2", "random_start=false"])


def test_attack_works_in_a_compiled_step_with_a_schedule():
    attack = make_attack(AttackSettings(kind="pgd", eps=0.3, steps=2), constraints())

    @tf.function
    def step(batch, seed, strength):
        return attack(OBJECTIVE, batch, seed, strength)["x"]

    batch = jet_batch()
    none, half, whole = (step(batch, tf.constant(1), tf.constant(s)) - batch["x"] for s in (0.0, 0.5, 1.0))
    assert not none.numpy().any()
    assert np.abs(half).max() <= 0.15 + 1e-6 < np.abs(whole).max()
    assert (step(batch, tf.constant(2), tf.constant(1.0)) - batch["x"] != whole).numpy().any()
    assert step.experimental_get_tracing_count() == 1
