"""Settings of a training, of the class that its tagger and its method ask for."""

import pytest
from training_classes import AdversarialSettings, ClassifierSettings

from TauAdv.errors import ConfigError
from TauAdv.training.settings.by_method import settings_of_method
from TauAdv.training.settings.jets import JetSettings
from TauAdv.training.settings.load import training_settings
from TauAdv.training.settings.taus import TauSettings


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()


@pytest.mark.parametrize(
    ("text", "words", "defaults", "kind"),
    [
        ("shards: a\n", [], None, ClassifierSettings),
        ("shards: a\nadv_shards: b\nmethod: reversal\n", [], None, AdversarialSettings),
        ("shards: a\nadv_shards: b\nmethod: reversal\n", ["method=mmd"], None, settings_of_method(TauSettings, "mmd")),
        ("shards: a\nadv_shards: b\n", [], {"method": "reversal"}, AdversarialSettings),
        ("shards: a\nmethod: none\n", [], {"method": "reversal"}, ClassifierSettings),
        ("shards: a\n", ["tagger=jet_flavour"], None, settings_of_method(JetSettings, "none")),
        ("shards: a\nbatch_size: 5\n", [], {"tagger": "jet_flavour"}, settings_of_method(JetSettings, "none")),
    ],
)
def test_tagger_and_method_decide(text, words, defaults, kind):
    with open("mine.yaml", "w") as file:
        file.write(text)
    settings = training_settings("mine.yaml", words, defaults)
    assert type(settings) is kind
    assert (settings.tagger, settings.method) == (kind.model_fields["tagger"].default, kind.model_fields["method"].default)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["batch_size=5"], r"batch_size: unknown key; it belongs to trainings of jets \(tauadv train\)"),
        (["tagger=jet_flavor"], r"tagger 'jet_flavor'.*did you mean|of taus there are deeptau"),
        (["method=mdm"], "method: expected 'none' or 'reversal' or 'mmd'.*did you mean 'mmd'"),
        (["method=reversal", "adv_shards=b", "mmd_weight=3"], "mmd_weight: unknown key; it belongs to 'method: mmd' of"),
        (["batch_size"], "expected key=value"),
    ],
)
def test_mistakes(words, message):
    with pytest.raises(ConfigError, match=message):
        training_settings(None, ["shards=a", *words])


def test_no_such_file():
    with pytest.raises(ConfigError, match="no such configuration file"):
        training_settings("gone.yaml")
