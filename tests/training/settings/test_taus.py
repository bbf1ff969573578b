"""Settings of trainings: what is refused, and how."""

import pytest
from training_classes import load_adversarial, load_classifier

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.runs import start_run
from TauAdv.training.settings.of_run import resolved, settings_of_run
from TauAdv.training.settings.taus import TauSettings

NEEDED = {"data.shards": "a", "data.adv_shards": "b"}


def test_keys_of_the_original_keep_their_names():
    changes = {"method.adv_parameter": [1, 3.5], "data.n_adv_tau": 50, "method.adv_learning_rate": 0.02}
    settings = load_adversarial(None, {**NEEDED, **changes, "model.use_previous_opt": False})
    assert (settings.method.adv_parameter, settings.method.adv_learning_rate) == ((1, 3.5), 0.02)
    assert settings.data.n_adv_tau == 50


def test_k2_alone_is_the_second_number_of_adv_parameter(tmp_path):
    typed = [f"{key}={value}" for key, value in NEEDED.items()]
    settings = load_adversarial(None, [*typed, "method.k2=6"])
    assert settings.method.adv_parameter == (1, 6)
    assert settings == load_adversarial(None, [*typed, "method.adv_parameter=[1,6]"])
    assert "k2" not in settings.method.model_dump()
    for line, words, expected in (
        ("k2: 4", ["method.k2=6"], (1, 6)),
        ("k2: 4", ["method.adv_parameter=[2,3]"], (2, 3)),
        ("adv_parameter: [2, 3]", ["method.k2=6"], (2, 6)),
        ("k2: 4", [], (1, 4)),
    ):
        (tmp_path / "own.yaml").write_text(f"method: {{kind: reversal, {line}}}\n")
        assert load_adversarial(tmp_path / "own.yaml", [*typed, *words]).method.adv_parameter == expected
    with pytest.raises(ConfigError, match="k2 and adv_parameter both say how strong the adversary is; leave one out"):
        load_adversarial(None, [*typed, "method.k2=6", "method.adv_parameter=[1,6]"])
    for words in (
        ["method={kind: reversal, k2: 3}", "method.adv_parameter=[5,6]"],
        ["method={k2: 3, adv_parameter: [5,6]}"],
    ):
        with pytest.raises(ConfigError, match="leave one out"):
            load_adversarial(None, [*typed, *words])
    (tmp_path / "own.yaml").write_text("method: {kind: reversal, adv_parameter: [2, 3]}\n")
    assert load_adversarial(tmp_path / "own.yaml", {**NEEDED, "method.k2": 7}).method.adv_parameter == (2, 7)
    for words, message in (
        (["method.k2=-1"], r"method\.k2: expected at least 0"),
        (["method.adv_parameter=null", "method.k2=3"], r"method\.adv_parameter: expected a list of values; received null"),
    ):
        with pytest.raises(ConfigError, match=message):
            load_adversarial(None, [*typed, *words])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method.adv_parametr": [1, 2]}, "did you mean 'adv_parameter'"),
        ({"tagger": "deeptua"}, "tagger 'deeptua'.*did you mean 'deeptau'.*of taus there are deeptau"),
        ({"method.adv_parameter": [1]}, "adv_parameter"),
        ({"method.adv_parameter": [1, -2]}, r"adv_parameter\.1"),
        ({"data.n_adv_tau": 0}, "n_adv_tau"),
        ({"schedule.learning_rate": -1}, "learning_rate"),
        ({"data.validation_fraction": 1.0}, "validation_fraction"),
        ({"data.validation_fraction": 0.2, "data.validation_shards": "c"}, "not both"),
        ({"model.use_previous_opt": True}, r"needs pretrained\.run_id"),
        ({"model.use_previous_opt": True, "model.pretrained.file": "m.keras"}, r"needs pretrained\.run_id"),
        ({"model.batch_norm": "frozen"}, "needs a pretrained model"),
        ({"model.pretrained.mlpath": "mlruns"}, "either run_id"),
        ({"model.pretrained.run_id": "1", "model.pretrained.file": "m.keras"}, "either run_id"),
        ({"schedule.early_stopping.patience": 2}, r"needs data\.validation_shards or data\.validation_fraction"),
        ({"method.k2_schedule.kind": "quadratic"}, "linear"),
        ({"schedule.learning_rate_schedule.kind": "cosinus"}, "cosine"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_adversarial(None, {**NEEDED, **changes})


def test_a_tagger_of_other_rows():
    with pytest.raises(ConfigError, match="tagger 'jet_flavour': of taus there are deeptau"):
        load_settings(TauSettings, None, {"data.shards": "a", "tagger": "jet_flavour"})


def test_all_errors_are_listed_at_once():
    with pytest.raises(ConfigError, match=r"3 settings not accepted(.|\n)*n_tau(.|\n)*shardz(.|\n)*shards|shards(.|\n)*"):
        load_classifier(None, {"data.shardz": "a", "data.n_tau": "many"})


def test_stopping_on_the_adversarial_validation_set():
    changes = {**NEEDED, "data.adv_validation_shards": "c", "schedule.early_stopping.metric": "val_adv_loss"}
    assert load_adversarial(None, changes).data.validates


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changes = {**NEEDED, "model.network": "net.yaml", "model.pretrained.run_id": "1", "model.pretrained.mlpath": "runs/1"}
    settings = resolved(load_adversarial(None, changes))
    assert (settings.data.shards, settings.data.adv_shards) == (tmp_path / "a", tmp_path / "b")
    assert settings.output.mlruns == tmp_path / "mlruns"
    assert settings.model.pretrained.mlpath == tmp_path / "runs" / "1"
    assert settings.model.network == str(tmp_path / "net.yaml")
    assert (
        resolved(load_classifier(None, {"data.shards": "a", "model.network": "deeptau_demo"})).model.network
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
    settings = settings_of_run(run.mlpath, run.id, ["schedule.n_epochs=7"])
    assert (settings.data.n_tau, settings.schedule.n_epochs, settings.output.mlruns) == (50, 7, run.mlpath.parent)
    with pytest.raises(ConfigError, match=rf"run {run.id} \(.*\): data\.n_tau, seed: cannot change when a run is resumed"):
        settings_of_run(run.mlpath, run.id, ["data.n_tau=60", "seed=5"])


@pytest.mark.parametrize("change", ["method=mmd", "method=reversal", "tagger=jet_flavour"])
def test_a_training_stays_what_it_is(tmp_path, change):
    with start_run(tmp_path / "mlruns", "some") as run:
        run.log_text("tagger: deeptau\nmethod: {kind: none}\ndata: {shards: a}\n", "input_cfg/training.yaml")
    with pytest.raises(ConfigError, match=r"training\.yaml: tagger and method cannot change when a run is resumed"):
        settings_of_run(run.mlpath, run.id, [change, "seed=5"])


def test_another_method_is_one_change(tmp_path):
    with start_run(tmp_path / "mlruns", "some") as run:
        text = "tagger: deeptau\nmethod: {kind: reversal}\ndata: {shards: a, adv_shards: b}\n"
        run.log_text(text, "input_cfg/training.yaml")
    with pytest.raises(ConfigError, match=r"\(.*\): method: cannot change when a run is resumed"):
        settings_of_run(run.mlpath, run.id, ["method=mmd"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TauAdv/configs/classifier_deeptau_v2p5", load_classifier),
        ("demo/classifier", load_classifier),
        ("TauAdv/configs/adversarial_deeptau_v2p5", load_adversarial),
        ("demo/adversarial", load_adversarial),
        ("demo/finetune_official", load_adversarial),
    ],
)
def test_shipped_configurations(repository, name, kind):
    networks = {"demo/classifier": "deeptau_demo", "demo/adversarial": None, "demo/finetune_official": None}
    settings = kind(repository / f"{name}.yaml")
    assert settings.model.network == networks.get(name, "deeptau_v2p5")
    if name.endswith("adversarial_deeptau_v2p5"):  # the recipe of section H
        schedule, method = settings.schedule, settings.method
        assert (settings.data.n_tau, settings.data.n_adv_tau, schedule.n_batches, schedule.n_epochs) == (100, 100, 50_000, 1)
        assert (method.adv_parameter, schedule.learning_rate, method.adv_learning_rate) == ((1, 10), 0.001, 0.01)
