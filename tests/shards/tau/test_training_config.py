"""Training configs of TauMLTools: what is taken, what must agree with the feature table, what is refused."""

import copy

import pytest

from TauAdv.config import yaml_text
from TauAdv.errors import ConfigError
from TauAdv.features.table import FeatureTable
from TauAdv.shards.tau.settings import load_shard_settings
from TauAdv.shards.tau.training_config import TrainingConfig

BLOCKS = ["GridGlobal", "PfCand_electron", "PfCand_muon", "PfCand_chHad", "PfCand_nHad", "PfCand_gamma", "Electron", "Muon"]
# the keys and values of the original's config of DeepTau v2p5, shortened
CONFIG = {
    "Setup": {
        "n_tau": 250,
        "iso_cone": 0.5,
        "n_inner_cells": 11,
        "inner_cell_size": 0.02,
        "n_outer_cells": 21,
        "outer_cell_size": 0.05,
        "n_threads": 1,
        "debug": False,
        "use_weights": True,
        "tau_types_names": {"0": "e", "1": "mu", "2": "tau", "3": "jet"},
        "DeepTauVSjet_cut": -1.0,
        "recompute_tautype": True,
        "include_mismatched": False,
        "input_dir": "tuples",
        "input_spectrum": "spectrum.root",
        "target_spectrum": "spectrum.root",
        "weight_thr": 100000.0,
        "dataloader_core": "TauMLTools/Training/interface/DataLoader_main.h",
        "rm_inner_from_outer": False,
        "input_type": "ROOT",
        "tf_dataset_x_order": [
            "TauFlat",
            *(f"{grid}_{name}" for grid in ("inner", "outer") for name in ("egamma", "muon", "hadron")),
        ],
        "adversarial_weights": "adv_weights.root",
        "n_adv_tau": 100,
        "yaxis": [20.0, 100.0, 1000.0],
        "xaxis_list": [[0.0, 2.5], [0.0, 1.0, 2.5]],
        "xmin": 0,
        "xmax": 2.5,
    },
    "SetupNN": {
        "model_name": "DeepTau2018v0",
        "input_grids": [
            ["GridGlobal", "PfCand_electron", "PfCand_gamma", "Electron"],
            ["GridGlobal", "PfCand_muon", "Muon"],
            ["GridGlobal", "PfCand_chHad", "PfCand_nHad"],
        ],
        "active_features": ["TauFlat", *BLOCKS],
        "cell_locations": ["inner", "outer"],
    },
    "CellObjectType": BLOCKS,
    "Features_disable": {"TauFlat": ["tau_phi"], "GridGlobal": []},
}
# of DeepTau v2p5, as its config has them
GLOBAL = [
    {"rho": [None, None, "linear", 0, 50]},
    {"tau_pt": [None, None, "linear", 20, 1000]},
    {"tau_eta": [None, None, "linear", -2.3, 2.3]},
    {"tau_inside_ecal_crack": [None, None, "no_scaling"]},
]


def features():
    """Return the features of all blocks: written by hand where their scaling is tried, else by name and kind."""
    table = FeatureTable.load("deeptau_v2p5")
    found = {
        name: [{feature.name: [None, None, feature.kind]} for feature in block.features]
        for name, block in table.blocks.items()
    }
    found["GridGlobal"] = copy.deepcopy(GLOBAL)
    found["Muon"][2] = {"muon_deta": [None, {}, "linear", {"inner": [-0.1, 0.1], "outer": [-0.5, 0.5]}]}
    found["Muon"][4] = {"muon_dxy": [None, None, "normal", -5, 5]}
    found["TauFlat"].insert(3, {"tau_phi": [None, None, "linear", -3.14159, 3.14159]})
    return found


@pytest.fixture
def write(tmp_path):
    def config(**setup):
        content = copy.deepcopy(CONFIG) | {"Features_all": features()}
        content["Setup"] |= setup
        for key in [key for key, value in content["Setup"].items() if value is ...]:
            del content["Setup"][key]
        return content

    def write(change=None, **setup):
        content = config(**setup)
        if change is not None:
            change(content)
        path = tmp_path / "training.yaml"
        path.write_text(yaml_text(content))
        return path

    return write


def test_adversarial_set(write):
    settings, folder = load_shard_settings(training_cfg=write(), overrides={"n_batches": 3})
    assert folder == "tuples"
    assert (settings.kind, settings.adversarial_weights, settings.n_tau) == ("adversarial", "adv_weights.root", 100)
    assert (settings.max_taus, settings.recompute, settings.input_spectrum) == (300, False, None)
    assert load_shard_settings(training_cfg=write(), overrides={"adversarial_weights": "w #2.root"})[0].weight_files[
        0
    ].name == ("w #2.root")


def test_classification_set(write):
    settings, _ = load_shard_settings(training_cfg=write(), overrides={"kind": "classification"})
    assert (settings.n_tau, settings.input_spectrum, settings.adversarial_weights) == (250, "spectrum.root", None)
    assert settings.types == {0: "e", 1: "mu", 2: "tau", 3: "jet"}


def test_console_says_what_is_taken(write):
    text = "\n".join(TrainingConfig.read(write()).lines("adversarial"))
    assert "n_tau 100, as always in the original's adversarial sets; its 250 is that of the training" in text
    assert "adversarial_weights adv_weights.root" in text
    assert "not taken: Setup.n_threads, Setup.debug, Setup.tau_types_names, Setup.recompute_tautype" in text
    assert "Setup.adversarial_weights" in "\n".join(TrainingConfig.read(write()).lines("classification"))


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ({"n_inner_cells": 15}, "Setup.n_inner_cells: expected 11, received 15"),
        ({"outer_cell_size": 0.1}, "Setup.outer_cell_size: expected 0.05, received 0.1"),
        ({"iso_cone": 0.3}, "Setup.iso_cone: expected 0.5, received 0.3"),
        ({"xmax": 3.0}, "Setup.xmax: expected 2.5, received 3.0"),
        ({"xmin": "none"}, "Setup.xmin: expected 0.0, received none"),
        (
            {"dataloader_core": "TauMLTools/Training/interface/DataLoaderReco_main.h"},
            "expected DataLoader_main.h, received TauML",
        ),
        ({"input_type": "HDF5"}, "Setup.input_type: expected ROOT or tf"),
        ({"use_weights": False}, "Setup.use_weights: expected True, received False"),
        ({"tf_dataset_x_order": ["TauFlat", "inner_muon"]}, "Setup.tf_dataset_x_order: expected"),
        ({"recompute_tautypes": True}, r"unknown key Setup.recompute_tautypes \(did you mean 'recompute_tautype'\?\)"),
        ({"adversarial_weights": ""}, "adversarial_weights: empty"),
        ({"DeepTauVSjet_cut": "high"}, "DeepTauVSjet_cut: expected a number; received 'high'"),
    ],
)
def test_refused_setup(write, setup, message):
    with pytest.raises(ConfigError, match=message):
        load_shard_settings(training_cfg=write(**setup))


def drop(*path):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def put(value, *path):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("Setup"), "no group 'Setup'"),
        (put({}, "Setups"), r"unknown key Setups \(did you mean 'Setup'\?\)"),
        (drop("SetupNN", "input_grids", 1), "SetupNN.input_grids: expected"),
        (put(["inner"], "SetupNN", "cell_locations"), "SetupNN.cell_locations: expected"),
        (drop("SetupNN", "active_features", 0), "SetupNN.active_features: expected"),
        (drop("CellObjectType", 0), "CellObjectType: expected"),
        (drop("Features_all", "Muon"), "Features_all: expected"),
        (drop("Features_all", "Muon", 7), "Features_all.Muon: missing muon_normalizedChi2"),
        (put([], "Features_disable", "TauFlat"), "Features_all.TauFlat: not of the table tau_phi"),
        (put(["rho"], "Features_disable", "GridGlobal"), "Features_all.GridGlobal: missing rho"),
        (
            put([None, None, "linear", -3.0, 3.0], "Features_all", "GridGlobal", 2, "tau_eta"),
            r"expected \[-2.3, 2.3\], received",
        ),
        (put([None, None, "linear", 0, 200], "Features_all", "GridGlobal", 0, "rho"), r"GridGlobal.rho: linear limits"),
        (
            put([None, None, "normal", -5, 5], "Features_all", "GridGlobal", 0, "rho"),
            "rho: scaling: expected linear, received",
        ),
        (put([None, None, "normal", -3, 3], "Features_all", "Muon", 4, "muon_dxy"), r"muon_dxy: normal limits \(inner\)"),
        (
            put([None, {}, "linear", {"inner": [-0.1, 0.1], "outer": [-0.4, 0.4]}], "Features_all", "Muon", 2, "muon_deta"),
            r"muon_deta: linear limits \(outer\): expected \[-0.5, 0.5\], received \[-0.4, 0.4\]",
        ),
        (lambda content: content["Features_all"]["Muon"].reverse(), "Features_all.Muon: the features are in another order"),
        (put("all", "Features_all"), "Features_all, Features_disable: expected groups"),
        (put({"a": 1}, "Features_all", "Muon"), "Features_all.Muon: expected a list of features"),
    ],
)
def test_other_networks_are_refused(write, change, message):
    with pytest.raises(ConfigError, match=message):
        load_shard_settings(training_cfg=write(change))
