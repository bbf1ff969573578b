"""Checks before anything is read: every problem in one message."""

import pytest

from TauAdv.errors import InputError
from TauAdv.runs import start_run
from TauAdv.training.run.preflight import require_inputs


def test_settings_in_order(adversarial_settings, classifier_settings, data):
    require_inputs(classifier_settings(validation_shards=data / "class_val"))
    require_inputs(adversarial_settings(adv_validation_shards=data / "adv_val", features="deeptau_v2p5"))


def test_all_problems_are_told_at_once(adversarial_settings, data, tmp_path):
    (tmp_path / "empty").mkdir()
    changes = {
        "data.shards": tmp_path / "nowhere",
        "data.validation_shards": tmp_path / "empty",
        "data.adv_shards": data / "class",
        "model.network": "deeptau_v2p4",
        "data.features": "table.yaml",
        "model.loss": "tau_crossentropy_v1",
        "model.pretrained": {"file": tmp_path / "model.keras"},
    }
    with pytest.raises(InputError) as caught:
        require_inputs(adversarial_settings(**changes))
    title, *lines = str(caught.value).splitlines()
    assert title == "7 problems with what the settings name:"
    for key, words in {
        "data.shards": "nowhere: no such file or folder",
        "data.validation_shards": "no manifest",
        "data.adv_shards": "expected a set of kind 'adversarial', received 'classification'",
        "model.network": "did you mean 'deeptau_v2p5'",
        "data.features": "table.yaml: no such file or folder",
        "model.loss": "did you mean 'tau_crossentropy",
        "model.pretrained.file": "no such file or folder",
    }.items():
        (line,) = [line for line in lines if line.startswith(f"  {key}: ")]
        assert words in line


def test_unknown_pretrained_run_is_told_with_the_rest(adversarial_settings, data, tmp_path):
    with start_run(tmp_path / "mlruns", "trainings", "known") as run:
        pass
    settings = adversarial_settings(
        adv_shards=data / "class", pretrained={"run_id": "0123", "mlpath": tmp_path / "mlruns"}, network=None
    )
    with pytest.raises(InputError, match="2 problems with what the settings name") as caught:
        require_inputs(settings)
    assert "--config shards_adversarial" in str(caught.value)
    assert "pretrained.run_id: " in str(caught.value)
    assert f"      {run.id}  known" in str(caught.value)
    with pytest.raises(InputError, match="1 problem with"):
        require_inputs(settings, resumed=True)


def test_script_lists_missing_inputs_with_wrong_keys(run_script, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training.yaml").write_text("data: {shards: a, adv_shards: b}\nschedule: {learning_rat: 3}\n")
    with pytest.raises(SystemExit, match="2"):
        run_script("Training/train_adversarial.py", "--config", "training.yaml")
    shown = capsys.readouterr().err
    for words in ("3 settings not accepted", "did you mean 'learning_rate'", "shards: a: no such", "adv_shards: b: no such"):
        assert words in shown
