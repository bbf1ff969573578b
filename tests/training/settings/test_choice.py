"""Which training a configuration is of."""

import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.runs import start_run
from TauAdv.training.settings.choice import kind_of_run, kind_of_settings


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("classifier_deeptau_v2p5", "classifier"),
        ("deeptau_fgsm", "classifier"),
        ("adversarial_deeptau_v2p5", "adversarial"),
        ("jet_nominal", "jets"),
        ("jet_adversarial", "jets"),
        ("jet_domain", "jets"),
    ],
)
def test_shipped_configurations(name, kind):
    assert kind_of_settings(name) == kind


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [
        ("shards: a\n", [], "classifier"),
        ("shards: a\n", ["adv_shards=b"], "adversarial"),
        ("shards: a\nn_adv_tau: 3\n", [], "adversarial"),
        ("shards: a\n", ["n_jets=5"], "jets"),
        ("shards: a\n", ["method=nominal"], "jets"),
        ("shards: a\nbatch_size: 5\n", [], "jets"),
        ("shards: a\n", ["pretrained.file=x", "unknown=1"], "classifier"),
    ],
)
def test_keys_decide(tmp_path, text, words, kind):
    (tmp_path / "mine.yaml").write_text(text)
    assert kind_of_settings(tmp_path / "mine.yaml", words) == kind


def test_mistakes(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        kind_of_settings(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="expected key=value"):
        kind_of_settings("jet_nominal", ["batch_size"])


def test_kind_of_a_run(tmp_path):
    with start_run(tmp_path / "mlruns", "e", "one") as run:
        run.log_text("shards: a\nadv_shards: b\n", "input_cfg/training.yaml")
    with start_run(tmp_path / "mlruns", "e", "two") as other:
        pass
    assert kind_of_run(tmp_path / "mlruns", run.id) == "adversarial"
    with pytest.raises(ConfigError, match="it is not a training that can be resumed"):
        kind_of_run(tmp_path / "mlruns", other.id)
    with pytest.raises(InputError, match="no run 'x'"):
        kind_of_run(tmp_path / "mlruns", "x")
