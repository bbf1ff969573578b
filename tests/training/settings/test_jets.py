"""Settings of trainings of jets."""

import pytest
from training_classes import jet_settings, load_classifier

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.training.schedules.learning_rates import LearningRateSchedule
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.jets import JetDomainSettings, JetSettings
from TauAdv.training.settings.load import training_settings


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


def test_defaults_are_those_of_the_paper():
    settings = jet_settings(None, ["data.shards=a"])
    assert (settings.data.batch_size, settings.schedule.learning_rate, settings.schedule.optimizer) == (65_536, 1e-4, "adam")
    rates = [settings.schedule.learning_rate_schedule.factor(step, 10, 1000) for step in (0, 9, 10, 300, 305)]
    assert rates == [1, 1, 1 / (1 + 1 / 30), 1 / 2, 1 / 2]


def test_inverse_schedule_warms_up():
    schedule = LearningRateSchedule(kind="inverse", epochs=2, warmup_steps=4)
    assert [schedule.factor(step, 2, 100) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75 / 1.5, 1 / 1.5, 0.5, 0.5])


def test_method_decides_the_class_of_the_settings(tmp_path):
    text = "data: {shards: a, adv_shards: b}\nmethod: reversal\ntagger: jet_flavour\n"
    (tmp_path / "c.yaml").write_text(text)
    assert type(training_settings("c.yaml")) is JetDomainSettings
    assert type(jet_settings(None, {"data.shards": "a", "data.adv_shards": "b", "method": "reversal"})) is JetDomainSettings
    assert type(jet_settings(None, ["data.shards=a", "attack.eps=0.1"])) is JetSettings


@pytest.mark.parametrize(
    ("overrides", "acts"),
    [
        (["attack.eps=0.01"], True),
        (["attack.eps=0"], False),
        (["attack.kind=none"], False),
        (["attack.eps={jet_pt: 0.1, jet_eta: 0}"], True),
        (["attack.eps={jet_pt: 0}"], False),
        (["attack=null"], False),
        (["method=reversal", "data.adv_shards=b", "attack.eps=0.01"], True),
        (["method=reversal", "data.adv_shards=b"], False),
    ],
)
def test_when_an_attack_acts(overrides, acts):
    assert (jet_settings(None, ["data.shards=a", *overrides]).acting_attack is not None) is acts


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["method=adversarial"], "'adversarial' is called 'none' now"),
        (["method=nominal"], "'nominal' is called 'none' now"),
        (["method=domain", "data.adv_shards=b"], "'domain' is called 'reversal' now: method=reversal"),
        (["method=reversl"], "did you mean 'reversal'"),
        (["method=reversal"], "adv_shards: required"),
        (["method=mmd"], "adv_shards: required"),
        (
            ["method=mmd", "data.adv_shards=b", "schedule.devices=mirrored"],
            "method 'mmd': on one device only: pairs of rows",
        ),
        (
            ["method=mmd", "data.adv_shards=b", "method.adv_parameter=[1,2]"],
            "unknown key; it belongs to method reversal",
        ),
        (
            ["data.adv_shards=b"],
            "unknown key; it belongs to 'method: reversal' or 'method: mmd' of trainings of jets",
        ),
        (["attack.eps={jet_pt: -0.1}"], r"attack\.eps"),
        (["attack.eps=-1"], r"attack\.eps: expected at least 0"),
        (["attack.eps=.inf"], r"attack\.eps: expected a finite number"),
        (["data.validation_attack.eps=.inf", "data.validation_fraction=0.1"], r"validation_attack\.eps"),
        (["attack.fraction=0"], r"attack\.fraction"),
        (["attack.fraction=1.5"], r"attack\.fraction"),
        (["attack.trades_beta=2"], "no slope at the clean inputs"),
        (["attack={kind: pgd, random_start: false, trades_beta: 2}"], "no slope at the clean inputs"),
        (["attack={kind: pgd, fraction: 0.5, trades_beta: 2}"], "leave fraction out"),
        (["attack={kind: pgd, restarts: 3, random_start: false}"], "are all the same"),
        (["data.validation_attack.eps=0.1"], "validation_attack needs data.validation_shards"),
        (["data.validation_attack.eps=-0.1", "data.validation_fraction=0.1"], r"validation_attack\.eps"),
        (
            [
                "data.validation_attack.eps=0.1",
                "data.validation_fraction=0.1",
                "data.validation_attack_epochs=2",
                "schedule.early_stopping.metric=val_attacked_loss",
            ],
            "validation_attack_epochs: 1",
        ),
        (["model.loss.gamma=-1"], r"loss\.gamma"),
        (["model.loss.alpha=[1,2,3]"], "set kind: focal"),
        (["schedule.optimizer=sgd"], "nadam"),
        (["data.n_tau=3"], r"n_tau: unknown key; it belongs to trainings of taus \(tauadv train\), as data\.n_tau"),
        (["n_epoch=3"], "did you mean 'schedule.n_epochs'"),
    ],
)
def test_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        jet_settings(None, ["data.shards=a", *overrides])


def test_domain_settings_are_made_by_their_own_class():
    with pytest.raises(ConfigError, match="make its settings with training_settings"):
        load_settings(JetSettings, None, ["data.shards=a", "method=reversal"])


def test_taus_have_the_attack_too():
    assert load_classifier(None, ["data.shards=a"]).acting_attack is None
    settings = load_classifier(None, ["data.shards=a", "attack.eps=0.02"])
    assert settings.acting_attack == TrainingAttack(eps=0.02)


@pytest.mark.parametrize("script", ["train_classifier", "train_adversarial"])
@pytest.mark.parametrize("config", ["jet_nominal", "jet_adversarial"])
def test_settings_of_jets_are_told_as_such(script, config, repository, run_script, capsys):
    path = repository / f"TauAdv/configs/{config}.yaml"
    with pytest.raises(SystemExit, match="2"):
        run_script(f"Training/{script}.py", "--config", path, "data.shards=a", "data.validation_shards=b")
    expected = "is a training of the tagger 'jet_flavour' with method 'none'; this is for Training/train_jet_tagger.py"
    assert f"{path}: {expected}" in capsys.readouterr().err


def test_key_of_the_adversarial_training():
    message = r"n_adv_tau: unknown key; it belongs to 'method: reversal' or 'method: mmd' of .* \(tauadv train\)"
    with pytest.raises(ConfigError, match=message):
        load_classifier(None, ["data.shards=a", "data.n_adv_tau=3"])
