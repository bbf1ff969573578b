"""The whole chain on the committed sample, by the scripts and the demo's configs, with few steps."""

import json
from contextlib import nullcontext

import pandas as pd
import pytest
import yaml
from synthetic_shards import write_network

from TauAdv.errors import InputWarning
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.runs import list_runs
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow

SIMULATED = ("DYtautau", "DYmumu", "DYee", "TT", "WJets", "QCD")
TAUS_PER_BATCH = 200  # demo/mix.yaml
BATCHES = {"train": 2, "test": 1}


@pytest.fixture(scope="module")
def chain(tmp_path_factory, run_script, repository):
    """Run everything from tuples to the shards; return the folder."""
    folder = tmp_path_factory.mktemp("chain")
    sample, demo = repository / "tests/data/sample", repository / "demo"
    config = yaml.safe_load((demo / "demo.yaml").read_text())
    for name, skim in config["skims"].items():
        selection = config["selection"] + (f" && mytauType=={skim['mytauType']}" if "mytauType" in skim else "")
        module = ["--processing-module", "recompute_tautype.py:compute"] if "mytauType" in skim else []
        run_script(
            "Production/skim_tree.py", "--input", sample / f"{skim['input']}.root", "--tree", "taus",
            "--output", folder / f"{name}_skimmed.root", "--sel", selection, *module,
            "--comp-algo", "zstd", "--comp-level", 1,
        )  # fmt: skip
    targets = [f"mt_inclusive/EMB={folder}/SingleMuon_skimmed.root", f"mt_inclusive/W={folder}/Wjets_skimmed.root"]
    run_script(
        "Production/make_spectra.py", "--target", targets[0], "--target", targets[1], "--output", folder / "datacard.root"
    )
    for name, drop in config["drops"].items():
        run_script(
            "Production/EventDrop.py", "--input_file", folder / f"{name}_skimmed.root", "--maximum", "robust",
            "--max_relative_error", drop["max_relative_error"],
            "--target_file", folder / "datacard.root", "--target_histo", drop["target_histo"],
            "--save_path", folder / f"{name}_skimmed_reweighted.root",
        )  # fmt: skip
    run_script(
        "Production/make_spectra.py",
        "--input",
        *(sample / f"{name}.root" for name in SIMULATED),
        "--output",
        folder / "spectrum.root",
    )
    outputs = [f"outputs.{name}={{file: {name}.root, batches: {batches}}}" for name, batches in BATCHES.items()]
    mix = yaml.safe_load((demo / "mix.yaml").read_text()) | {"outputs": {}}
    mix["control_region"] = str(demo / mix["control_region"])
    (folder / "mix.yaml").write_text(yaml.safe_dump(mix))
    run_script(
        "Production/mix_events.py",
        "--config",
        folder / "mix.yaml",
        "--input_dir",
        folder,
        "--output_dir",
        folder / "mixed",
        *outputs,
    )
    run_script(
        "Production/make_pt_weights.py", "--input", folder / "mixed/train.root", "--output", folder / "pt_weights.root",
        "--config", demo / "pt_weights.yaml",
    )  # fmt: skip
    few = pytest.warns(InputWarning, match=r"pt_weights\.root: .* are in empty bins")  # 200 taus, weights of others
    for name, expected in (("train", nullcontext()), ("test", few)):
        with expected:
            run_script(
                "Production/make_shards.py", "--config", demo / "shards_adversarial.yaml",
                "--input", folder / f"mixed/{name}.root",
                "--weights", folder / "pt_weights.root", "--output", folder / f"adversarial_{name}",
            )  # fmt: skip
    inputs = [word for name in SIMULATED for word in ("--input", sample / f"{name}.root")]
    spectra = [f"input_spectrum={folder}/spectrum.root", f"target_spectrum={folder}/spectrum.root"]
    run_script(
        "Production/make_shards.py", "--config", demo / "shards_classification.yaml", *inputs,
        "--output", folder / "classification", *spectra,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def runs(chain, run_script, repository):
    """Train the classifier and the adversarial model; return (folder of the experiment, run ids by name)."""
    demo, mlruns = repository / "demo", chain / "mlruns"
    common = [
        f"data.shards={chain}/classification",
        f"output.mlruns={mlruns}",
        "schedule.n_epochs=1",
        "schedule.n_batches=3",
        "data.n_tau=32",
    ]
    network = f"model.network={write_network(chain / 'network.yaml')}"  # that of the demo takes twice as long to compile
    run_script("Training/train_classifier.py", "--config", demo / "classifier.yaml", *common, network)
    (nominal,) = list_runs(mlruns)
    run_script(
        "Training/train_adversarial.py", "--config", demo / "adversarial.yaml", *common, "data.n_adv_tau=24",
        "output.run_name=adversarial",
        f"data.adv_shards={chain}/adversarial_train", f"model.pretrained.run_id={nominal.id}",
    )  # fmt: skip
    return nominal.mlpath, {found.name: found for found in list_runs(mlruns)}


def test_shards_keep_every_mixed_tau(chain):
    for name, batches in BATCHES.items():
        shards = ShardSet.open(chain / f"adversarial_{name}")
        assert shards.kind == "adversarial"
        assert (
            shards.num_taus == TAUS_PER_BATCH * batches == read_manifest(chain / "mixed" / f"{name}.root")["counts"]["rows"]
        )


def test_train_and_test_events_are_disjoint(chain):
    events = [
        set(
            zip(
                *ShardSet.open(chain / f"adversarial_{name}").columns(["dataset_id", "run", "lumi", "evt"]).values(),
                strict=True,
            )
        )
        for name in BATCHES
    ]
    assert all(events)
    assert not events[0] & events[1]


def test_predictions_and_comparison(chain, runs, run_script):
    mlpath, by_name = runs
    control = chain / "adversarial_test"
    for name, found in by_name.items():
        flags = ["--not_adversarial"] if name == "nominal" else []
        run_script(
            "Evaluation/apply_adversarial_training.py", "--expID", found.id, "--mlpath", mlpath, "--eval_ds", control, *flags
        )
        table = pd.read_csv(found.artifacts / "predictions/adversarial_evaluation.csv", index_col=0)
        assert len(table) == ShardSet.open(control).num_taus
        assert table["Djet"].between(0, 1).all()
        assert ("y_pred_adv" in table) == (name == "adversarial")
    run_script(
        "Evaluation/compare_runs.py", "--mlpath", mlpath, "--nominal", by_name["nominal"].id,
        "--adversarial", by_name["adversarial"].id, "--control", control, "--test", chain / "classification",
        "--output", chain / "comparison", "head_folds=2", "folds=2",
    )  # fmt: skip
    report = json.loads((chain / "comparison" / "comparison.json").read_text())
    assert list(report["runs"]) == ["nominal", "adversarial"]
    assert [by_name[name].id in text for name, text in zip(report["runs"], report["warnings"], strict=True)] == [True, True]
    taus = ShardSet.open(chain / "classification").num_taus  # the classifier keeps a tenth for validation
    counts = [int(text.split(" of its ")[0].split()[-1]) for text in report["warnings"]]
    assert counts[1] == taus > counts[0] > 0
    for result in report["runs"].values():
        assert result["closure"]["ndf"] > 0
        assert 0 <= result["auc_data_mc_djet"]["value"] <= 1
        assert [point["efficiency"] for point in result["jet_mis_id"]] == [0.7, 0.9]
    assert (chain / "comparison" / "roc.pdf").stat().st_size > 0
