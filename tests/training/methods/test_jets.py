"""Whole trainings of taggers of jets."""

import json

import numpy as np
import pytest

from TauAdv.config import dump_settings, replaced
from TauAdv.errors import ConfigError, InputError
from TauAdv.jets.features import JetFeatures
from TauAdv.models.jet_flavour.network import JetTagger
from TauAdv.models.loading import load_tagger
from TauAdv.runs import find_run, list_runs
from TauAdv.shards.store import ShardSet
from TauAdv.training.run import loop
from TauAdv.training.run.checkpoints import latest_checkpoint
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.train import train
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.of_run import settings_of_run

pytestmark = pytest.mark.slow

METHODS = {
    "nominal": {"schedule.optimizer": "nadam", "schedule.weight_average": 0.8},
    "pgd": {
        "attack": {"kind": "pgd", "eps": 0.2, "steps": 2, "restarts": 2, "fraction": 0.5, "training": True},
    },
    "trades": {"attack": {"kind": "pgd", "eps": 0.2, "steps": 2, "trades_beta": 2}},
    "domain": {"method": "reversal", "attack": {"eps": 0.1, "warmup_epochs": 1}, "method.adv_head_steps": 2},
}


class Stopped(BaseException):
    """What a kill looks like to the code."""


def trained(settings):
    return find_run(settings.output.mlruns, train(settings))


def variables(run):
    with np.load(latest_checkpoint(run.artifacts / "model_checkpoints") / "variables.npz") as stored:
        return {name: stored[name] for name in stored.files}


def history(run, *, without=("jets_per_second", "system/")):
    names = [name for name in run.metrics if not any(part in name for part in without)]
    return {name: run.metric_history(name) for name in names}


def equal(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)


@pytest.fixture(scope="module")
def whole(request, jets, tmp_path_factory):
    """Function: method -> (settings, run) of a training of four epochs that nothing stopped."""
    from training_classes import jet_settings

    made = {}

    def run(method):
        if method not in made:
            common = {"data.shards": jets / "jets/train", "data.validation_shards": jets / "jets/val", "data.batch_size": 64}
            common |= {
                "model.network": str(jets / "small.yaml"),
                "output.mlruns": tmp_path_factory.mktemp(method) / "mlruns",
            }
            common |= {
                "schedule.n_epochs": 4,
                "schedule.learning_rate": 0.01,
                "output.log_steps": 2,
                "output.checkpoint_steps": 2,
                "output.gradient_steps": 0,
            }
            if method in ("domain", "mmd"):
                common |= {
                    "data.adv_shards": jets / "domains/train",
                    "data.adv_batch_size": 32,
                    "method.adv_parameter": [1, 2],
                }
            settings = jet_settings(None, {**common, "data.validation_attack": {"eps": 0.2}, **METHODS[method]})
            made[method] = settings, trained(settings)
        return made[method]

    return run


@pytest.mark.parametrize("method", ["pgd", "domain"])
def test_killed_training_goes_on_to_the_same_end(whole, method, monkeypatch, tmp_path):
    settings, uninterrupted = whole(method)
    cut = replaced(settings, {"output.mlruns": tmp_path / "mlruns"})
    real = loop.Loop._step

    def step(self, batch):
        if self.state.step == 9:  # in the second epoch, between two checkpoints
            raise Stopped
        real(self, batch)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(loop.Loop, "_step", step)
        train(cut)
    (run,) = list_runs(cut.output.mlruns)
    assert latest_checkpoint(run.artifacts / "model_checkpoints").name == "step_000000008"
    train(settings_of_run(cut.output.mlruns, run.id), resume=run.id)
    equal(variables(uninterrupted), variables(find_run(cut.output.mlruns, run.id)))
    assert history(find_run(cut.output.mlruns, run.id)) == history(uninterrupted)


def test_adding_epochs_equals_having_asked_for_them(whole, tmp_path):
    settings, longer = whole("pgd")
    short = trained(replaced(settings, {"output.mlruns": tmp_path / "mlruns", "schedule.n_epochs": 2}))
    train(settings_of_run(short.mlpath, short.id, ["schedule.n_epochs=4"]), resume=short.id)
    equal(variables(longer), variables(find_run(short.mlpath, short.id)))


def test_without_eps_the_training_is_a_nominal_one(whole, tmp_path):
    settings, nominal = whole("nominal")
    without = TrainingAttack(eps=0, training=True)
    run = trained(replaced(settings, {"attack": without, "output.mlruns": tmp_path / "mlruns"}))
    equal(variables(nominal), variables(run))
    assert history(run) == history(nominal)


@pytest.mark.parametrize("method", ["trades", "domain"])
def test_training_in_mixed_precision_is_near_that_in_single_precision(settings_of_jets, jets, method):
    common = {"model.network": str(jets / "still.yaml"), "schedule.n_batches": 2, "attack": {"eps": 0.1}}
    common |= {"method": "reversal"} if method == "domain" else {}
    if method == "trades":
        common |= {"attack": {"kind": "pgd", "eps": 0.1, "steps": 1, "trades_beta": 2}}
    single, mixed = (trained(settings_of_jets(**common, precision=name)) for name in ("float32", "mixed_bfloat16"))
    assert mixed.metrics["loss"] == pytest.approx(single.metrics["loss"], rel=0.02)  # 8 bits of a number: 0.4 %
    assert mixed.metrics["loss"] != single.metrics["loss"]


def test_metrics_of_an_attacked_validation(whole):
    _, run = whole("domain")
    metrics = run.metrics
    for name in ("loss", "accuracy", "unweighted_loss", "auc_b_vs_light", "auc_b_vs_c", "auc_c_vs_light"):
        assert [epoch for epoch, _ in run.metric_history(f"val_{name}")] == [1, 2, 3, 4]
        assert np.isfinite(metrics[f"val_attacked_{name}"])
    assert metrics["val_attacked_loss"] > metrics["val_loss"]
    assert metrics["val_attacked_auc_b_vs_light"] < metrics["val_auc_b_vs_light"]
    assert "adv_loss" in metrics
    assert "val_attacked_adv_loss" not in metrics
    assert dict(run.metric_history("step/attack_strength"))[2] < dict(run.metric_history("step/attack_strength"))[8] == 1


def test_metrics_of_a_validation_are_those_of_its_jets(whole, jets):
    _, run = whole("nominal")
    shards = ShardSet.open(jets / "jets/val")
    rows, columns = shards.take(slice(None))
    p = load_tagger(run.artifacts / "model_checkpoints/epoch_0004.keras").predict({"x": rows.x}, verbose=0)
    losses = -np.log(p[np.arange(len(p)), columns["label"]])
    weight = columns["weight"].astype(float)
    assert run.metrics["val_loss"] == pytest.approx((weight * losses).sum() / weight.sum(), rel=1e-5)
    assert run.metrics["val_unweighted_loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert run.metrics["val_accuracy"] == pytest.approx((p.argmax(1) == columns["label"]).mean())


def test_attacks_are_every_n_epochs(settings_of_jets):
    run = trained(settings_of_jets(n_epochs=3, validation_attack={"eps": 0.1}, validation_attack_epochs=2))
    assert [epoch for epoch, _ in run.metric_history("val_attacked_loss")] == [2]
    assert [epoch for epoch, _ in run.metric_history("val_loss")] == [1, 2, 3]


def test_run_explains_itself(whole, jets):
    settings, run = whole("trades")
    folder = run.artifacts / "input_cfg"
    features = JetFeatures.from_text((folder / "features.yaml").read_text())
    assert features.digest == run.tags["feature_table"] == ShardSet.open(jets / "jets/train").table_digest
    assert (run.tags["tagger"], run.tags["method"]) == ("jet_flavour", "none")
    assert json.loads((folder / "shards/training.json").read_text())["rows"] == "jets"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["areas"]["auc_b_vs_c"] == [0, 1]
    assert "divergence" in metrics["metrics"]
    assert "divergence" in run.metrics
    assert isinstance(load_tagger(run.artifacts / "model/model.keras"), JetTagger)
    assert settings_of_run(run.mlpath, run.id) == settings


def test_early_stopping_on_an_area_and_more_patience(settings_of_jets, monkeypatch):
    areas = iter([0.5, 0.7, 0.6, 0.65, 0.8, 0.9])
    monkeypatch.setattr(loop.Loop, "_validate", lambda self: {"val_auc_b_vs_c": next(areas)})
    stopping = {"metric": "val_auc_b_vs_c", "patience": 2}
    settings = settings_of_jets(n_epochs=6, early_stopping=stopping)
    run = trained(settings)
    assert [value for _, value in run.metric_history("val_auc_b_vs_c")] == [0.5, 0.7, 0.6, 0.65]
    best = load_tagger(run.artifacts / "model_checkpoints/epoch_0002.keras")
    kept = load_tagger(run.artifacts / "model/model.keras")
    for one, other in zip(best.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    train(settings_of_run(run.mlpath, run.id, ["schedule.early_stopping.patience=4"]), resume=run.id)
    assert len(find_run(run.mlpath, run.id).metric_history("val_auc_b_vs_c")) == 6
    with pytest.raises(ConfigError, match=r"early_stopping\.metric: cannot change"):
        settings_of_run(run.mlpath, run.id, ["schedule.early_stopping.metric=val_loss"])


def test_number_of_jets_and_weights(settings_of_jets, capsys):
    train(settings_of_jets(n_jets=100, use_weights=False), dry_run=True)
    assert "100 jets" in capsys.readouterr().out
    inputs = open_inputs(settings_of_jets(n_jets=100, validation_fraction=0.0))
    assert (inputs.sets["training"].num_rows, inputs.steps_per_epoch) == (100, 1)


def test_pretrained_tagger_gets_an_adversarial_head(whole, settings_of_jets, capsys):
    _, run = whole("nominal")
    pretrained = {"run_id": run.id, "mlpath": run.mlpath}
    settings = settings_of_jets(method="reversal", pretrained=pretrained, network=None, n_epochs=1, n_batches=1)
    tuned = trained(settings)
    assert "weights of 4 layers copied" not in capsys.readouterr().err
    assert load_tagger(tuned.artifacts / "model/model.keras").is_adversarial


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"data.shards": "{data}/class"},
            InputError,
            "expected shards of jets, received taus; train them with tauadv train",
        ),
        (
            {"data.shards": "{jets}/domains/train"},
            InputError,
            "expected a set of kind 'classification', received 'adversarial'",
        ),
        ({"data.shards": "{jets}/jets"}, InputError, "give one of its parts"),
        ({"data.validation_shards": "{other}/jets/val"}, InputError, "expected shards of the feature table"),
        ({"data.n_jets": 2, "data.batch_size": 2}, InputError, "no jets of class"),
        ({"data.batch_size": 65536}, InputError, "do not fill one batch of data.batch_size = 65,536"),
        ({"model.network": "jet_flavor"}, InputError, "did you mean 'jet_flavour'"),
        ({"model.network": "{jets}/narrow.yaml"}, InputError, "takes this number of features of a jet: 20, but"),
        ({"model.loss": {"kind": "focal", "alpha": [1, 2]}}, InputError, "one factor for each of the 3 classes"),
        ({"attack": {"eps": {"track_0_DO": 0.1}}}, ConfigError, "did you mean 'track_0_D0'"),
        ({"schedule.early_stopping": {"metric": "val_auc_b_vs_lite"}}, ConfigError, "did you mean 'val_auc_b_vs_light'"),
    ],
)
def test_bad_input(settings_of_jets, jets, data, other_jets, changes, error, message):
    from prepared_jets import write_jet_network

    write_jet_network(jets / "narrow.yaml", n_features=20)
    places = {"data": data, "jets": jets, "other": other_jets}
    filled = {key: value.format(**places) if isinstance(value, str) else value for key, value in changes.items()}
    with pytest.raises(error, match=message):
        train(settings_of_jets(**filled))


@pytest.fixture(scope="module")
def other_jets(tmp_path_factory):
    """Jets with other scalers."""
    from prepared_jets import prepared_jets

    return prepared_jets(tmp_path_factory.mktemp("other"), 300)


def test_jets_for_a_training_of_taus(jets, classifier_settings):
    from TauAdv.training.run.train import train

    with pytest.raises(InputError, match=r"expected shards of taus, received jets; train them with tauadv train"):
        train(classifier_settings(shards=jets / "jets/train"))


def test_script_resumes_only_jets(classifier_run, run_script, capsys):
    _, run = classifier_run
    with pytest.raises(SystemExit, match="2"):
        run_script("Training/train_jet_tagger.py", "--resume", run.id, "--mlpath", run.mlpath)
    expected = "is a training of the tagger 'deeptau' with method 'none'; this is for Training/train_classifier.py"
    assert expected in capsys.readouterr().err


def test_values_that_are_not_finite_name_the_jets(settings_of_jets, monkeypatch):
    from TauAdv.shards.batching import Batches

    real = Batches.__call__

    def spoiled(self, step, part=(0, 1)):
        batch = real(self, step, part)
        if step == 2:
            batch["x"] = batch["x"].copy()
            batch["x"][5, 3] = np.nan
        return batch

    monkeypatch.setattr(Batches, "__call__", spoiled)
    settings = settings_of_jets(attack={"eps": 0.1, "training": True})
    with pytest.raises(InputError, match=r"step 2 are not finite(.|\n)*inputs(.|\n)*1 of the 64 jets(.|\n)*jet_id"):
        train(settings)


def test_config_file_and_dry_run(settings_of_jets, tmp_path, run_script, capsys):
    config = tmp_path / "training.yaml"
    config.write_text(dump_settings(settings_of_jets(attack={"eps": 0.1})))
    run_script("Training/train_jet_tagger.py", "--config", config, "--dry-run", "attack.eps=0.3", "data.batch_size=50")
    shown = capsys.readouterr().out
    for expected in ("attack on every batch, as the loss sees it: fgsm, eps 0.3", "50 class jets", "nothing was written"):
        assert expected in shown
    assert "outputs of all layers for one batch" in shown
    assert not (tmp_path / "mlruns").exists()
    assert "a new network, its weights are drawn at random" in shown
    run_script("Training/train_jet_tagger.py", "--config", config, "--dry-run", "attack.eps=0")
    assert "does NOT act" in capsys.readouterr().out


def test_resuming_what_stopped_early_says_so(settings_of_jets, capsys):
    never_better = {"metric": "val_loss", "patience": 1, "min_delta": 100}
    settings = settings_of_jets(n_epochs=4, early_stopping=never_better)
    run = trained(settings)
    assert [epoch for epoch, _ in run.metric_history("val_loss")] == [1, 2]
    capsys.readouterr()
    train(settings, resume=run.id)
    said = capsys.readouterr().out
    assert "stopped early after step" in said
    assert "a larger schedule.early_stopping.patience than 1 continues it" in said
