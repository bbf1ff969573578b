"""Settings of trainings: what is refused, and how."""

import pytest
from training_classes import AdversarialSettings, ClassifierSettings

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.runs import start_run
from TauAdv.training.settings.of_run import resolved, settings_of_run

NEEDED = {"shards": "a", "adv_shards": "b"}


def test_keys_of_the_original_are_flat():
    settings = load_settings(
        AdversarialSettings,
        None,
        {**NEEDED, "adv_parameter": [1, 3.5], "n_adv_tau": 50, "adv_learning_rate": 0.02, "use_previous_opt": False},
    )
    assert (settings.adv_parameter, settings.n_adv_tau, settings.adv_learning_rate) == ((1, 3.5), 50, 0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adv_parametr": [1, 2]}, "did you mean 'adv_parameter'"),
        ({"tagger": "deeptua"}, "tagger 'deeptua'.*did you mean 'deeptau'.*of taus there are deeptau"),
        ({"tagger": "jet_flavour"}, "of taus there are deeptau"),
        ({"adv_parameter": [1]}, "adv_parameter"),
        ({"adv_parameter": [1, -2]}, r"adv_parameter\.1"),
        ({"n_adv_tau": 0}, "n_adv_tau"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"validation_fraction": 0.2, "validation_shards": "c"}, "not both"),
        ({"use_previous_opt": True}, r"needs pretrained\.run_id"),
        ({"use_previous_opt": True, "pretrained.file": "m.keras"}, r"needs pretrained\.run_id"),
        ({"batch_norm": "frozen"}, "needs a pretrained model"),
        ({"pretrained.mlpath": "mlruns"}, "either run_id"),
        ({"pretrained.run_id": "1", "pretrained.file": "m.keras"}, "either run_id"),
        ({"early_stopping.patience": 2}, "needs validation_shards or validation_fraction"),
        ({"k2_schedule.kind": "quadratic"}, "linear"),
        ({"learning_rate_schedule.kind": "cosinus"}, "cosine"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(AdversarialSettings, None, {**NEEDED, **changes})


def test_all_errors_are_listed_at_once():
    with pytest.raises(ConfigError, match=r"3 settings not accepted(.|\n)*n_tau(.|\n)*shardz(.|\n)*shards|shards(.|\n)*"):
        load_settings(ClassifierSettings, None, {"shardz": "a", "n_tau": "many"})


def test_stopping_on_the_adversarial_validation_set():
    changes = {**NEEDED, "adv_validation_shards": "c", "early_stopping.metric": "val_adv_loss"}
    assert load_settings(AdversarialSettings, None, changes).validates


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changes = {**NEEDED, "network": "net.yaml", "pretrained.run_id": "1", "pretrained.mlpath": "runs/1"}
    settings = resolved(load_settings(AdversarialSettings, None, changes))
    assert (settings.shards, settings.adv_shards, settings.mlruns) == (tmp_path / "a", tmp_path / "b", tmp_path / "mlruns")
    assert (settings.network, settings.pretrained.mlpath) == (str(tmp_path / "net.yaml"), tmp_path / "runs" / "1")
    assert (
        resolved(load_settings(ClassifierSettings, None, {"shards": "a", "network": "deeptau_demo"})).network
        == "deeptau_demo"
    )


def test_run_that_is_no_training_cannot_be_resumed(tmp_path):
    with start_run(tmp_path / "mlruns", "other") as run:
        pass
    with pytest.raises(ConfigError, match=r"keeps no input_cfg/training\.yaml"):
        settings_of_run(run.mlpath, run.id)
    with pytest.raises(InputError, match=f"no run 'abc'(.|\n)*{run.id}"):
        settings_of_run(run.mlpath, "abc")


def test_resuming_keeps_the_settings_of_the_steps(tmp_path):
    with start_run(tmp_path / "mlruns", "some") as run:
        run.log_text("shards: a\nn_tau: 50\n", "input_cfg/training.yaml")
    settings = settings_of_run(run.mlpath, run.id, ["n_epochs=7"])
    assert (settings.n_tau, settings.n_epochs, settings.mlruns) == (50, 7, run.mlpath.parent)
    with pytest.raises(ConfigError, match=rf"run {run.id} \(.*\): n_tau, seed: cannot change when a run is resumed"):
        settings_of_run(run.mlpath, run.id, ["n_tau=60", "seed=5"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TauAdv/configs/classifier_deeptau_v2p5", ClassifierSettings),
        ("demo/classifier", ClassifierSettings),
        ("TauAdv/configs/adversarial_deeptau_v2p5", AdversarialSettings),
        ("demo/adversarial", AdversarialSettings),
        ("demo/finetune_official", AdversarialSettings),
    ],
)
def test_shipped_configurations(repository, name, kind):
    networks = {"demo/classifier": "deeptau_demo", "demo/adversarial": None, "demo/finetune_official": None}
    settings = load_settings(kind, repository / f"{name}.yaml")
    assert settings.network == networks.get(name, "deeptau_v2p5")
    if name.endswith("adversarial_deeptau_v2p5"):  # the recipe of section H
        assert (settings.n_tau, settings.n_adv_tau, settings.n_batches, settings.n_epochs) == (100, 100, 50_000, 1)
        assert (settings.adv_parameter, settings.learning_rate, settings.adv_learning_rate) == ((1, 10), 0.001, 0.01)
