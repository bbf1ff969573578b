import json

import pytest
import yaml

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.settings import ShardSettings, load_shard_settings

SETUP = {
    "n_tau": 250,
    "n_threads": 1,
    "tau_types_names": {"0": "e", "3": "jet"},
    "DeepTauVSjet_cut": 0.5,
    "recompute_tautype": True,
    "include_mismatched": False,
    "rm_inner_from_outer": True,
    "input_dir": "somewhere",
    "input_spectrum": "input.root",
    "target_spectrum": "target.root",
    "weight_thr": 1000.0,
    "yaxis": [20, 30, 40],
    "xaxis_list": [[0, 1], [0, 2]],
    "input_type": "ROOT",
}


@pytest.fixture
def training_cfg(tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text(yaml.safe_dump({"Setup": SETUP, "SetupNN": {"model_name": "x"}}))
    return path


def test_defaults_of_the_kinds():
    classification, adversarial = ShardSettings(), ShardSettings(kind="adversarial")
    assert classification.recompute
    assert not adversarial.recompute
    assert 8 in adversarial.types
    assert 8 not in classification.types
    assert ShardSettings(n_tau=10, n_batches=3).max_taus == 30


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"input_spectrum": "a.root"}, "give both, or neither"),
        ({"adversarial_weights": "a.root"}, "a classification set has spectrum weights"),
        ({"kind": "adversarial", "input_spectrum": "a", "target_spectrum": "b"}, "an adversarial set has pT weights"),
        ({"tau_types_names": {0: "electron"}}, "expected classes e, mu, tau, jet, received electron"),
        ({"chunk_sise": 10}, r"chunk_sise: unknown key \(did you mean 'chunk_size'\?\)"),
        ({"n_batches": 0}, "n_batches: expected more than 0"),
    ],
)
def test_refused_settings(content, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(ShardSettings, overrides=content)


def test_training_config_of_the_original(training_cfg):
    settings, folder = load_shard_settings(training_cfg=training_cfg, overrides=["n_batches=7"])
    assert folder == "somewhere"
    assert (settings.kind, settings.max_taus, settings.recompute, settings.input_spectrum) == (
        "adversarial",
        700,  # the original's adversarial sets have batches of 100, whatever n_tau of the training is
        False,
        None,
    )
    assert 8 in settings.types
    assert (settings.DeepTauVSjet_cut, settings.rm_inner_from_outer, settings.weight_thr) == (0.5, True, 1000.0)
    settings, _ = load_shard_settings(training_cfg=training_cfg, overrides=["kind=classification", "DeepTauVSjet_cut=-1"])
    assert settings.types == {0: "e", 3: "jet"}
    assert settings.target_spectrum == "target.root"
    assert settings.weight_bins.abs_eta_rows() == [[0, 1], [0, 2]]
    assert (settings.DeepTauVSjet_cut, settings.n_tau) == (-1, 250)
    assert load_shard_settings(training_cfg=training_cfg, overrides={"n_tau": 7})[0].n_tau == 7


def test_file_without_setup(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("kind: adversarial\n")
    with pytest.raises(ConfigError, match="no group 'Setup'"):
        load_shard_settings(training_cfg=path)


@pytest.mark.parametrize("name", ["shards_classification", "shards_adversarial"])
def test_shipped_configs(repository, name):
    settings, _ = load_shard_settings(repository / f"TauAdv/configs/{name}.yaml")
    assert settings.kind == name.removeprefix("shards_")
    assert settings == ShardSettings(
        kind=settings.kind, tau_types_names=settings.tau_types_names, recompute_tautype=settings.recompute_tautype
    )


def test_script(run_script, adv_file, table_file, adv_folder, tmp_path, capsys):
    contributions = json.dumps({0: "data", 1: "MC"})
    run_script(
        *("Production/make_shards.py", "--kind", "adversarial", "--input", adv_file, "--output", tmp_path / "out"),
        *(f"features={table_file}", f"contributions={contributions}", "chunk_size=16"),
    )
    assert ShardSet.open(tmp_path / "out").manifest["parts"] == ShardSet.open(adv_folder).manifest["parts"]
    assert f"{ShardSet.open(adv_folder).num_taus} of 90 taus" in capsys.readouterr().out


def test_script_with_the_options_of_the_original(run_script, adv_file, table_file, training_cfg, tmp_path):
    run_script(
        *("Production/make_shards.py", "--n_batches", 2, "--save_path", tmp_path / "out", "--input_dir", adv_file.parent),
        *("--training_cfg", training_cfg, "--n_tau", 10, f"features={table_file}", "contributions={0: data, 1: MC}"),
    )
    shards = ShardSet.open(tmp_path / "out")
    assert shards.num_taus == 20
    assert shards.manifest["settings"]["DeepTauVSjet_cut"] == 0.5


def test_script_reports_errors(run_script, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_script("Production/make_shards.py", "--output", tmp_path / "out")
    assert "no tuples to read: give --input" in capsys.readouterr().err
