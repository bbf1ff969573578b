"""Settings that runs keep, those of before ``tagger`` and ``method`` too."""

import pytest

from TauAdv.config import dump_settings
from TauAdv.config.yaml_writer import yaml_text
from TauAdv.errors import ConfigError, InputError
from TauAdv.runs import start_run
from TauAdv.training.settings.load import training_settings
from TauAdv.training.settings.of_run import present_form, settings_of_run


def kept(tmp_path, content):
    with start_run(tmp_path / "mlruns", "e", "one") as run:
        run.log_text(content if isinstance(content, str) else yaml_text(content), "input_cfg/training.yaml")
    return run


@pytest.mark.parametrize(
    ("content", "tagger", "method"),
    [
        ({"n_tau": 5}, "deeptau", "none"),
        ({"n_tau": 5, "adv_shards": "b", "adv_parameter": [1, 2]}, "deeptau", "reversal"),
        ({"method": "adversarial", "attack": {"kind": "fgsm", "eps": 0.1}}, "jet_flavour", "none"),
        ({"method": "domain", "adv_shards": "b", "adv_parameter": [1, 2]}, "jet_flavour", "reversal"),
        ({"tagger": "tau_transformer", "adv_shards": "b", "adv_parameter": [1, 2]}, "tau_transformer", "reversal"),
        ({"tagger": "deeptau", "method": "mmd", "adv_shards": "b"}, "deeptau", "mmd"),
    ],
)
def test_former_settings_say_tagger_and_method(content, tagger, method):
    found = present_form(content)
    assert (found.pop("tagger"), found["method"].pop("kind")) == (tagger, method)
    placed = {key: value for group in ("data", "method", "schedule") for key, value in found.pop(group, {}).items()}
    assert {**found, **placed} == {key: value for key, value in content.items() if key not in {"tagger", "method"}}


def test_former_settings_are_in_groups_now():
    content = {"shards": "a", "n_tau": 5, "network": "x", "n_epochs": 2, "seed": 3, "mlruns": "r", "attack": None, "odd": 1}
    assert present_form({"tagger": "deeptau", "method": "none", **content}) == {
        "tagger": "deeptau",
        "seed": 3,
        "model": {"network": "x"},
        "data": {"shards": "a", "n_tau": 5},
        "method": {"kind": "none"},
        "attack": None,
        "schedule": {"n_epochs": 2},
        "output": {"mlruns": "r"},
        "odd": 1,
    }


def test_present_settings_stay(tmp_path):
    content = {"tagger": "deeptau", "data": {"shards": "a"}, "method": {"kind": "none"}}
    assert present_form(content) == content


def test_attack_of_a_nominal_training_did_not_act():
    assert present_form({"method": "nominal", "attack": {"eps": 0.1}})["attack"] is None


def test_former_runs_are_resumed(tmp_path):
    run = kept(tmp_path, {"shards": "a", "adv_shards": "b", "adv_parameter": [1, 3], "n_adv_tau": 7, "n_epochs": 2})
    settings = settings_of_run(run.mlpath, run.id, ["schedule.n_epochs=5"])
    assert (settings.method.kind, settings.method.adv_parameter) == ("reversal", (1, 3))
    assert (settings.data.n_adv_tau, settings.schedule.n_epochs) == (7, 5)
    with pytest.raises(
        ConfigError,
        match=r"method: cannot change when a run is resumed",
    ):
        settings_of_run(run.mlpath, run.id, ["method=mmd"])


@pytest.mark.parametrize("words", [["data.adv_shards=b", "method=mmd"], ["method=reversal", "data.adv_shards=b"], []])
def test_kept_settings_are_read_again(tmp_path, words):
    settings = training_settings(None, ["data.shards=a", f"output.mlruns={tmp_path / 'mlruns'}", *words])
    run = kept(tmp_path, dump_settings(settings))
    assert settings_of_run(run.mlpath, run.id) == settings


def test_what_is_no_training(tmp_path):
    with start_run(tmp_path / "mlruns", "e", "two") as other:
        pass
    with pytest.raises(ConfigError, match="it is not a training that can be resumed"):
        settings_of_run(tmp_path / "mlruns", other.id)
    with pytest.raises(InputError, match="no run 'x'"):
        settings_of_run(tmp_path / "mlruns", "x")
