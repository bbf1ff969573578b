"""Settings of a training, of the class that its tagger and its method ask for."""

import pytest
from training_classes import placed

from TauAdv.config import dump_settings
from TauAdv.config.yaml_writer import yaml_text
from TauAdv.errors import ConfigError
from TauAdv.training.settings.jets import JetDomainSettings, JetSettings
from TauAdv.training.settings.load import training_settings
from TauAdv.training.settings.taus import TauDomainSettings, TauSettings


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


SHARDS = {"data": {"shards": "a"}}
BOTH = {"data": {"shards": "a", "adv_shards": "b"}}
ADVERSARY = {"tagger": "deeptau", "method": "reversal"}


@pytest.mark.parametrize(
    ("content", "words", "defaults", "kind", "method"),
    [
        (SHARDS, [], None, TauSettings, "none"),
        ({**BOTH, "method": "reversal"}, [], None, TauDomainSettings, "reversal"),
        ({**BOTH, "method": {"kind": "mmd", "mmd_weight": 3}}, [], None, TauDomainSettings, "mmd"),
        ({**BOTH, "method": "reversal"}, ["method=mmd"], None, TauDomainSettings, "mmd"),
        ({**BOTH, "method": {"kind": "reversal"}}, ["method.kind=mmd"], None, TauDomainSettings, "mmd"),
        ({**BOTH, "method": "reversal"}, ["method.adv_head_steps=3"], None, TauDomainSettings, "reversal"),
        (SHARDS, ["method={kind: mmd}", "data.adv_shards=b"], None, TauDomainSettings, "mmd"),
        (BOTH, [], ADVERSARY, TauDomainSettings, "reversal"),
        (BOTH, ["method.adv_head_steps=2"], ADVERSARY, TauDomainSettings, "reversal"),
        ({**BOTH, "method": {"adv_parameter": [1, 2]}}, [], ADVERSARY, TauDomainSettings, "reversal"),
        ({**SHARDS, "method": "none"}, [], ADVERSARY, TauSettings, "none"),
        (SHARDS, ["tagger=jet_flavour"], None, JetSettings, "none"),
        ({"data": {"shards": "a", "batch_size": 5}}, [], {"tagger": "jet_flavour"}, JetSettings, "none"),
        (BOTH, ["method=mmd"], {"tagger": "jet_flavour"}, JetDomainSettings, "mmd"),
    ],
)
def test_tagger_and_method_decide(content, words, defaults, kind, method):
    with open("mine.yaml", "w") as file:
        file.write(yaml_text(content))
    settings = training_settings("mine.yaml", words, defaults)
    assert (type(settings), settings.method.kind) == (kind, method)
    assert settings.tagger == kind.model_fields["tagger"].default
    with open("again.yaml", "w") as file:
        file.write(dump_settings(settings))
    assert training_settings("again.yaml") == settings


@pytest.mark.parametrize("text", ["method: null", "method:", "schedule: null", "data:"])
def test_a_group_is_not_unset(text):
    with open("mine.yaml", "w") as file:
        file.write(f"model: {{network: x}}\n{text}\n")
    with pytest.raises(
        ConfigError, match=f"{text.partition(':')[0]}: (expected a group .* received null|empty; write a value)"
    ):
        training_settings("mine.yaml", [] if text == "data:" else ["data.shards=a"], ADVERSARY)


def test_settings_of_a_method_given_by_its_kind_alone():
    settings = training_settings(None, ["data.shards=a", "data.adv_shards=b", "method=mmd", "method.mmd_weight=3"])
    assert (settings.method.kind, settings.method.mmd_weight) == ("mmd", 3)


def test_another_method_leaves_the_settings_of_the_first(tmp_path):
    words = ["data.shards=a", "data.adv_shards=b", "method={kind: reversal, adv_head_steps: 3}"]
    (tmp_path / "training.yaml").write_text("method: {kind: reversal, adv_head_steps: 3}\n")
    assert training_settings(tmp_path / "training.yaml", [*words[:2], "method=mmd"]).method.kind == "mmd"
    with pytest.raises(ConfigError, match=r"method\.adv_head_steps: unknown key; it belongs to method reversal"):
        training_settings(None, [*words, "method.kind=mmd"])


def test_an_attack_by_its_kind_alone():
    settings = training_settings(None, ["data.shards=a", "attack=pgd", "attack.steps=3"])
    assert (settings.attack.kind, settings.attack.steps) == ("pgd", 3)


@pytest.mark.parametrize("change", [["data={n_tau: 7}"], {"data": {"n_tau": 7}}, {"data.n_tau": 7}])
def test_a_changed_group_keeps_its_other_keys(change):
    with open("mine.yaml", "w") as file:
        file.write("data: {shards: a, validation_fraction: 0.2}\n")
    data = training_settings("mine.yaml", change).data
    assert (str(data.shards), data.validation_fraction, data.n_tau) == ("a", 0.2, 7)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["data.batch_size=5"],
            r"batch_size: unknown key; it belongs to trainings of jets \(tauadv train\), as data.batch_size",
        ),
        (["tagger=jet_flavor"], r"tagger 'jet_flavor'.*did you mean|of taus there are deeptau"),
        (["method=mdm"], "method: expected 'none', 'reversal' or 'mmd'.*did you mean 'mmd'"),
        (["method=fgsm"], "method: 'fgsm' is an attack, which any method may have: write attack: fgsm"),
        (["method.kind=trades"], "method.kind: 'trades' is a way to train against an attack: write attack.trades_beta"),
        (["run_id=x"], r"run_id: unknown key; write model\.pretrained\.run_id"),
        (["model.run_id=x"], r"model\.run_id: unknown key; write model\.pretrained\.run_id"),
        (["patience=x"], r"patience: unknown key; write schedule\.early_stopping\.patience"),
        (["model={network:x}"], "model.network:x: unknown key; a space belongs behind the colon: network: x"),
        (["schedule.learning_rate_schedule=cosin"], r"learning_rate_schedule: expected .*did you mean 'cosine'"),
        (["method=domain"], "method: 'domain' is called 'reversal' now"),
        (
            ["method=reversal", "data.adv_shards=b", "method.mmd_weight=3"],
            r"method\.mmd_weight: unknown key; it belongs to method mmd",
        ),
        (["batch_size"], "expected key=value"),
        (["n_epochs=3"], r"n_epochs: unknown key; write schedule\.n_epochs"),
        (["data.n_epochs=3"], r"data\.n_epochs: unknown key; write schedule\.n_epochs"),
        (["early_stopping.patience=3"], r"early_stopping: unknown key; write schedule\.early_stopping"),
        (["eps=3"], r"eps: unknown key; write attack\.eps"),
        (["mmd_weight=3"], r"'method: mmd' of trainings of taus .* as method\.mmd_weight"),
        (["model=3"], "model: expected a group of settings"),
        (["schedule=null"], "schedule: expected a group of settings"),
        (["schedule.n_epochs.x=3"], "schedule.n_epochs: expected a whole number"),
    ],
)
def test_mistakes(words, message):
    with pytest.raises(ConfigError, match=message):
        training_settings(None, ["data.shards=a", *words])


@pytest.mark.parametrize("method", ["reversal", "mmd"])
def test_a_second_set_is_needed_by_the_method(method):
    (line,) = lines_of(["data.shards=a", f"method={method}"])
    assert line.startswith(f"data.adv_shards: required by method '{method}', which reads a second set")


def test_flat_keys_are_not_called_missing_as_well():
    lines = lines_of(["shards=a", "adv_shards=b", "method=reversal"])
    assert lines == ["shards: unknown key; write data.shards", "adv_shards: unknown key; write data.adv_shards"]


def test_the_training_of_the_documentation(repository, tmp_path, monkeypatch):
    """What docs/production.md lets a new user type, without a change."""
    text = (repository / "docs/production.md").read_text()
    (tmp_path / "small.yaml").write_text(text.partition("`small.yaml`:\n\n```yaml\n")[2].partition("```")[0])
    for name in ("classification", "adversarial"):
        (tmp_path / "own/shards" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    found = training_settings("small.yaml")
    assert (found.command, found.method.kind, found.data.n_adv_tau) == ("train adversarial", "reversal", 64)


def test_a_typed_group_has_no_line(tmp_path):
    (tmp_path / "own.yaml").write_text("tagger: deeptau\ndata:\n  shards: a\n")
    with pytest.raises(ConfigError, match=r"\n  command line: data\.n_tuu: unknown key \(did you mean 'n_tau'\?\)$"):
        training_settings(tmp_path / "own.yaml", ["data={shards: b, n_tuu: 3}"])


@pytest.mark.parametrize("text", ["schedule: {learning_rate_schedule: cosine}", "{}"])
def test_a_schedule_by_its_kind_alone(text, tmp_path):
    (tmp_path / "own.yaml").write_text(text)
    words = ["data.shards=a", *(["schedule.learning_rate_schedule=cosine"] if text == "{}" else [])]
    assert training_settings(tmp_path / "own.yaml", words).schedule.learning_rate_schedule.kind == "cosine"


def test_no_such_file():
    with pytest.raises(ConfigError, match="no such configuration file"):
        training_settings("gone.yaml")


@pytest.mark.parametrize("key", ["schedule.n_epochs", "method.adv_head_steps"])
def test_a_key_with_its_group_in_a_file(key):
    group, _, name = key.partition(".")
    with open("mine.yaml", "w") as file:
        file.write(f"data: {{shards: a}}\n{key}: 2\n")
    with pytest.raises(ConfigError, match=f"line 2: {key}: unknown key; in a file, {name} stands in the block of {group}"):
        training_settings("mine.yaml")


def lines_of(words):
    with pytest.raises(ConfigError) as caught:
        training_settings(None, words)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_all_that_is_wrong_at_once():
    words = ["schedule.early_stopping.patience=2", "schedule.n_epochs=0", "model.batch_norm=frozen", "output.runs=x"]
    lines = lines_of(["data.shards=gone", *words])
    assert sorted(line.partition(": ")[0] for line in lines) == [
        "data.shards",
        "model",
        "output.runs",
        "schedule.early_stopping on val_loss needs data.validation_shards or data.validation_fraction",
        "schedule.n_epochs",
    ]


def test_what_follows_from_a_bad_setting_is_not_reported():
    lines = lines_of(["data.shards=a", "data.validation_fraction=2", "schedule.early_stopping.patience=2"])
    assert lines == ["data.validation_fraction: expected less than 1.0; received 2"]


FLAT = {"shards": "a", "n_tau": 5, "adv_parameter": [1, 2], "network": "x", "n_epochs": 2, "mlruns": "r", "features": "f"}


@pytest.mark.parametrize(("key", "place"), [*zip(FLAT, placed(FLAT), strict=True)])
def test_every_flat_key_of_before_names_its_place(key, place):
    (line,) = [line for line in lines_of(FLAT) if line.startswith(f"{key}: ")]
    assert line.startswith(f"{key}: unknown key; ")
    assert line.endswith(f" {place}")
