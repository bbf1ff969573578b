"""Whole trainings, by the scripts: what a run keeps, and how it goes on after a kill."""

import json
import os
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from synthetic_shards import write_shards

from TauAdv.config import dump_settings
from TauAdv.features.table import FeatureTable
from TauAdv.models.loading import load_model
from TauAdv.models.tagger import inference_function
from TauAdv.runs import list_runs
from TauAdv.training.run.checkpoints import State
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.train import _resumption
from TauAdv.training.settings.of_run import resolved, settings_of_run

pytestmark = pytest.mark.slow


def write_config(path, settings):
    path.write_text(dump_settings(settings))
    return path


def weights_of(run):
    return {weight.path: weight.numpy() for weight in load_model(run.artifacts / "model" / "model.keras").weights}


def test_run_explains_itself(classifier_run):
    settings, run = classifier_run
    folder = run.artifacts / "input_cfg"
    assert settings_of_run(run.mlpath, run.id) == resolved(settings)
    assert FeatureTable.load(folder / "features.yaml").digest == run.tags["feature_table"]
    assert yaml.safe_load((folder / "network.yaml").read_text())["name"] == "test"
    metrics = set(json.loads((folder / "metrics.json").read_text())["metrics"])
    assert {"loss", "accuracy"} <= metrics
    assert "adv_accuracy" not in metrics  # of a method that this training does not have
    manifest = json.loads((folder / "shards" / "training.json").read_text())
    assert manifest["kind"] == "classification"
    assert (run.name, run.status, run.tags["kind"]) == ("classifier", "FINISHED", "training")
    assert (run.tags["tagger"], run.tags["method"]) == ("deeptau", "none")
    assert run.params["data.n_tau"] == "32"
    assert [step for step, _ in run.metric_history("val_loss")] == [1, 2, 3]
    names = sorted(path.name for path in (run.artifacts / "model_checkpoints").iterdir())
    assert names == ["checksums.json", *(f"epoch_000{i}.keras" for i in (1, 2, 3)), "step_000000010", "step_000000015"]


def test_commit_of_the_checkout_is_kept(classifier_run, repository):
    done = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True)
    if done.returncode:
        assert classifier_run[1].tags["git_commit"].startswith("none: the package is not in a git checkout")
    else:
        assert len(classifier_run[1].tags["git_commit"]) == len(done.stdout.strip())


def test_classifier_learns(classifier_run):
    losses = [value for _, value in classifier_run[1].metric_history("loss")]
    assert losses[-1] < losses[0]


def test_dry_run_shows_and_writes_nothing(classifier_settings, tmp_path, run_script, capsys):
    config = write_config(tmp_path / "training.yaml", classifier_settings())
    run_script(
        "Training/train_classifier.py", "--config", config, "--dry-run", "schedule.learning_rate=0.5", "schedule.n_epochs=7"
    )
    shown = capsys.readouterr().out
    for expected in (
        *("160 taus", "learning_rate: 0.5", "7 x 5 steps", "trainable parameters", "nothing was written"),
        *(
            "class head        final ",
            "widths 8, 4",
            "memory: weights, gradients and optimisers",
            "would be written: a new run in",
            "7 models, one per epoch",
        ),
    ):
        assert expected in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training.yaml"]


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("classifier", ["--config", "{config}", "n_ta=3"], "did you mean 'data.n_tau'"),
        ("classifier", [], "give --config FILE"),
        ("classifier", ["--config", "nowhere.yaml"], "no such configuration file"),
        ("classifier", ["--resume", "abc", "--mlpath", "{folder}"], "found no mlflow.db"),
        ("adversarial", ["--config", "{config}"], "with method 'none'; this is for Training/train_classifier.py"),
        ("adversarial", ["--config", "{config}", "method=reversal"], "adv_shards: required"),
    ],
)
def test_errors_of_the_scripts(classifier_settings, tmp_path, run_script, capsys, script, arguments, message):
    config = write_config(tmp_path / "training.yaml", classifier_settings())
    arguments = [argument.format(config=config, folder=tmp_path) for argument in arguments]
    with pytest.raises(SystemExit, match="2"):
        run_script(f"Training/train_{script}.py", *arguments)
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training.yaml"]


def test_finished_run_has_nothing_left_to_do(classifier_run, run_script, capsys):
    _, run = classifier_run
    before = weights_of(run)
    left = run.artifacts / "model_checkpoints" / f".epoch_0001.{'0' * 32}.tmp.keras"
    left.write_text("half")  # of a kill while the model of an epoch was written
    run_script("Training/train_classifier.py", "--resume", run.id, "--mlpath", run.mlpath)
    assert not left.exists()
    said = capsys.readouterr().out
    assert "finished: all 15 steps of 3 epochs are done; a larger schedule.n_epochs than 3 continues it" in said
    assert "resuming" not in said
    for name, value in weights_of(run).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("asked", [1, 2])
def test_fewer_epochs_than_are_done_are_not_called_all(asked):
    schedule = SimpleNamespace(n_epochs=asked, early_stopping=None)
    inputs = SimpleNamespace(settings=SimpleNamespace(schedule=schedule), n_steps=4 * asked)
    said = _resumption(State(step=8, epoch=2), inputs)
    assert said.startswith("finished: all 8 steps of 2 epochs are done; a larger schedule.n_epochs than 2 continues it")
    assert said.endswith("such as schedule.n_epochs=4")


def test_changed_inputs_are_not_resumed(classifier_run, data, tmp_path, run_script, capsys):
    _, run = classifier_run
    other = tmp_path / "class"
    write_shards(other, "classification", 160, 7)  # the same name, other taus
    with pytest.raises(SystemExit, match="2"):
        run_script("Training/train_classifier.py", "--resume", run.id, "--mlpath", run.mlpath, f"data.shards={other}")
    assert f"the training set changed since it was started (data.shards: {other}, digest " in capsys.readouterr().err


def test_adversarial_fine_tuning(adversarial_settings, classifier_run, data, tmp_path, run_script, capsys, monkeypatch):
    _, classifier = classifier_run
    pretrained = {"run_id": classifier.id, "mlpath": classifier.mlpath}
    settings = adversarial_settings(
        pretrained=pretrained, use_previous_opt=True, adv_validation_shards=data / "adv_val", batch_norm="frozen"
    )
    config = write_config(tmp_path / "training.yaml", settings)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run_script("Training/train_adversarial.py", "--config", config, "output.gradient_steps=0", "schedule.n_epochs=3")
    (run,) = list_runs(settings.output.mlruns)
    shown = capsys.readouterr().out
    for text in (shown, (run.artifacts / "input_cfg" / "pretrained.txt").read_text()):
        assert "not in the source, left as initialised: final_adv_dense_1" in text
        assert "starting afresh: adv_optimizer" in text
    assert run.params["method.adv_parameter"] == "[1.0, 2.0]"
    assert set(run.metrics) >= {"adv_loss", "adv_accuracy", "val_adv_loss", "loss", "accuracy"}
    assert os.listdir(tmp_path / "elsewhere") == []
    before, after = weights_of(classifier), weights_of(run)
    assert all(np.array_equal(after[name], value) for name, value in before.items() if "_norm_" in name)
    assert any(not np.array_equal(after[name], value) for name, value in before.items() if "_norm_" not in name)
    model = load_model(run.artifacts / "model" / "model.keras")
    batch = next(iter(open_inputs(settings).training(0)))
    scores = inference_function(model)({name: batch[name] for name in model.input})
    assert scores["main_output"].shape == (52, 4)
    assert scores["adv_output"].shape == (52, 1)
