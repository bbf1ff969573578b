"""Settings of trainings of jets."""

import pytest

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.jets import JetDomainSettings, JetSettings, jet_settings
from TauAdv.training.settings.schedules import LearningRateSchedule
from TauAdv.training.settings.taus import AdversarialSettings, ClassifierSettings


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


def test_defaults_are_those_of_the_paper():
    settings = jet_settings(None, ["shards=a"])
    assert (settings.batch_size, settings.learning_rate, settings.optimizer) == (65_536, 1e-4, "adam")
    rates = [settings.learning_rate_schedule.factor(step, 10, 1000) for step in (0, 9, 10, 300, 305)]
    assert rates == [1, 1, 1 / (1 + 1 / 30), 1 / 2, 1 / 2]


def test_inverse_schedule_warms_up():
    schedule = LearningRateSchedule(kind="inverse", epochs=2, warmup_steps=4)
    assert [schedule.factor(step, 2, 100) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75 / 1.5, 1 / 1.5, 0.5, 0.5])


def test_method_decides_the_class_of_the_settings(tmp_path):
    (tmp_path / "c.yaml").write_text("shards: a\nadv_shards: b\nmethod: domain\n")
    assert type(jet_settings("c.yaml")) is JetDomainSettings
    assert type(jet_settings(None, {"shards": "a", "adv_shards": "b", "method": "domain"})) is JetDomainSettings
    assert type(jet_settings(None, ["shards=a", "method=adversarial", "attack.eps=0.1"])) is JetSettings


@pytest.mark.parametrize(
    ("overrides", "acts"),
    [
        (["method=adversarial", "attack.eps=0.01"], True),
        (["method=adversarial", "attack.eps=0"], False),
        (["method=adversarial", "attack.kind=none"], False),
        (["method=adversarial", "attack.eps={jet_pt: 0.1, jet_eta: 0}"], True),
        (["method=adversarial", "attack.eps={jet_pt: 0}"], False),
        (["method=nominal", "attack.eps=0.01"], False),
        (["method=domain", "adv_shards=b", "attack.eps=0.01"], True),
        (["method=domain", "adv_shards=b"], False),
    ],
)
def test_when_an_attack_acts(overrides, acts):
    assert (jet_settings(None, ["shards=a", *overrides]).acting_attack is not None) is acts


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["method=adversarial"], "needs an attack"),
        (["method=adverserial"], "did you mean 'adversarial'"),
        (["method=domain"], "adv_shards: required"),
        (["adv_shards=b"], "adv_shards: unknown key; it belongs to 'method: domain'"),
        (["attack.eps={jet_pt: -0.1}"], r"attack\.eps"),
        (["attack.eps=-1"], r"attack\.eps: expected at least 0"),
        (["attack.eps=.inf"], r"attack\.eps: expected a finite number"),
        (["validation_attack.eps=.inf", "validation_fraction=0.1"], r"validation_attack\.eps"),
        (["attack.fraction=0"], r"attack\.fraction"),
        (["attack.fraction=1.5"], r"attack\.fraction"),
        (["attack.trades_beta=2"], "no slope at the clean inputs"),
        (["attack={kind: pgd, random_start: false, trades_beta: 2}"], "no slope at the clean inputs"),
        (["attack={kind: pgd, fraction: 0.5, trades_beta: 2}"], "leave fraction out"),
        (["attack={kind: pgd, restarts: 3, random_start: false}"], "are all the same"),
        (["validation_attack.eps=0.1"], "validation_attack needs validation_shards"),
        (["validation_attack.eps=-0.1", "validation_fraction=0.1"], r"validation_attack\.eps"),
        (
            [
                "validation_attack.eps=0.1",
                "validation_fraction=0.1",
                "validation_attack_epochs=2",
                "early_stopping.metric=val_attacked_loss",
            ],
            "validation_attack_epochs: 1",
        ),
        (["loss.gamma=-1"], r"loss\.gamma"),
        (["loss.alpha=[1,2,3]"], "set kind: focal"),
        (["optimizer=sgd"], "nadam"),
        (["n_tau=3"], r"n_tau: unknown key; it belongs to trainings of taus \(tauadv train\)"),
        (["n_epoch=3"], "did you mean 'n_epochs'"),
    ],
)
def test_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        jet_settings(None, ["shards=a", *overrides])


def test_domain_settings_are_made_by_their_own_class():
    with pytest.raises(ConfigError, match="settings of its own"):
        load_settings(JetSettings, None, ["shards=a", "method=domain"])


def test_taus_have_the_attack_too():
    assert load_settings(ClassifierSettings, None, ["shards=a"]).acting_attack is None
    settings = load_settings(ClassifierSettings, None, ["shards=a", "attack.eps=0.02"])
    assert settings.acting_attack == TrainingAttack(eps=0.02)


@pytest.mark.parametrize("kind", [ClassifierSettings, AdversarialSettings])
@pytest.mark.parametrize("config", ["jet_nominal", "jet_adversarial", "jet_domain"])
def test_settings_of_jets_are_told_as_such(kind, config, repository):
    with pytest.raises(ConfigError, match=r"1 setting not accepted:\n  .*this is for tauadv train$"):
        load_settings(kind, repository / f"TauAdv/configs/{config}.yaml")


def test_key_of_the_adversarial_training():
    with pytest.raises(ConfigError, match=r"n_adv_tau: unknown key; it belongs to adversarial .* \(tauadv train\)"):
        load_settings(ClassifierSettings, None, ["shards=a", "n_adv_tau=3"])
