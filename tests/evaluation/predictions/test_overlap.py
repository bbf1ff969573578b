"""Sets that a run was trained on, told by their taus or, if those are gone, by the manifests that the run keeps."""

import json
import shutil

import pytest
from evaluation_inputs import tiny_network, write_set
from training_classes import load_classifier, placed

from TauAdv.evaluation.predictions.overlap import trained_on
from TauAdv.io.records import write_record
from TauAdv.runs import start_run
from TauAdv.shards.store import ShardSet
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.record import record_inputs


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    """Return a function that makes a run which has recorded a training on a set."""
    mlruns = tmp_path_factory.mktemp("store") / "mlruns"

    def make(folder, **changes):
        settings = load_classifier(None, placed({"shards": folder, "mlruns": mlruns, "n_tau": 20, **changes}))
        with start_run(mlruns, "test") as run:
            record_inputs(run, open_inputs(settings), tiny_network())
        return run

    return make


@pytest.fixture
def used(tmp_path):
    return write_set(tmp_path / "used", "classification", 100)


def test_other_taus_are_no_overlap(used, trained_run, tmp_path):
    other = write_set(tmp_path / "other", "classification", 60, seed=7)  # same run, lumi and event numbers
    assert trained_on(trained_run(used), ShardSet.open(other)) is None


def test_common_taus_are_counted(used, trained_run, tmp_path):
    run = trained_run(used)
    shards = ShardSet.open(used)
    assert f"100 of its 100 taus are in the training set {used}" in trained_on(run, shards)
    assert "30 of its 30 taus" in trained_on(run, shards.head(30))


def test_the_validation_part_of_a_set_was_not_trained_on(used, trained_run, tmp_path):
    run = trained_run(used, validation_fraction=0.3, seed=4)
    training, validation = ShardSet.open(used).split(0.3, 4)
    assert trained_on(run, validation) is None
    assert f"{training.num_taus} of its {training.num_taus} taus" in trained_on(run, training)


def test_without_its_taus_a_set_is_known_by_its_manifest(used, trained_run, tmp_path):
    run = trained_run(used)
    copy = shutil.move(used, tmp_path / "elsewhere")
    assert "it is the training set" in trained_on(run, ShardSet.open(copy))


def test_sets_of_the_same_tuples(used, trained_run, tmp_path):
    def made_of(folder, *inputs):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["inputs"] = [{"name": name, "size": 1, "digest": digest} for name, digest in inputs]
        manifest["settings"] = {"input_spectrum": "spectra/all.root"}
        write_record(folder / "manifest.json", manifest)
        return folder

    other = write_set(tmp_path / "other", "classification", 60, seed=7)
    run = trained_run(made_of(used, ("a.root", "1"), ("all.root", "2")))
    shutil.rmtree(used)
    assert trained_on(run, ShardSet.open(made_of(other, ("b.root", "3"), ("all.root", "2")))) is None
    assert "made of the same tuples (1 files)" in trained_on(run, ShardSet.open(made_of(other, ("a.root", "1"))))


def test_runs_that_were_not_trained_say_nothing(runs, sets):
    assert trained_on(runs.nominal, ShardSet.open(sets.control)) is None
