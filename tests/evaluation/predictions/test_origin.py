"""Results in a run are those of its present model, and say of which set."""

import json

import pytest
from evaluation_inputs import write_run_of_tables
from performance_inputs import labelled_table

from TauAdv.errors import InputError
from TauAdv.evaluation.performance.labelled import Source
from TauAdv.evaluation.performance.working_points import thresholds_for
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.evaluation.predictions.origin import set_of
from TauAdv.evaluation.predictions.tables import PREDICTION_FILES, read_predictions
from TauAdv.io.manifests.manifest import describe_input


@pytest.fixture
def run(tmp_path):
    """A run with a file in the place of a model, and predictions of it."""
    run = write_run_of_tables(tmp_path / "mlruns", labelled_table(50), contributions=None)
    run.log_text("first", "model/model.keras")
    write_predictions(run)
    return run


def write_predictions(run, taus=50):
    inputs = [describe_input(run.artifacts / "model/model.keras"), {"name": "shards", "size": 1, "digest": "d"}]
    made = {"step": "apply_adversarial_training", "settings": {"run": run.id}, "inputs": inputs}
    path = run.artifacts / "predictions" / PREDICTION_FILES[0]
    write_table_file(path, labelled_table(taus).to_csv, {**made, "counts": {"taus": taus, "in set": taus}})


def test_predictions_of_an_earlier_model_are_refused(run):
    assert len(read_predictions(run)) == 50
    run.log_text("after more epochs", "model/model.keras")
    with pytest.raises(InputError, match=r"another model\.keras than run .* has now; make it again with tauadv apply"):
        read_predictions(run)
    write_predictions(run)
    assert len(read_predictions(run)) == 50


def test_working_points_of_an_earlier_table_are_refused(run):
    table = run.artifacts / "predictions" / PREDICTION_FILES[0]
    path = run.artifacts / "working_points.json"
    made = {"step": "working_points", "settings": {"run": run.id}, "inputs": [table]}
    write_table_file(path, lambda place: place.write_text(json.dumps({"jet": {"Loose": 0.5}})), made)
    assert thresholds_for(run)[0] == {"jet": {"Loose": 0.5}}
    run.log_text("after more epochs", "model/model.keras")
    write_predictions(run, taus=60)
    with pytest.raises(InputError, match=r"made of another adversarial_evaluation\.csv than .*tauadv working-points"):
        thresholds_for(run)


def test_the_set_of_a_table_is_known(run):
    assert Source.of(run, None).read().set_digest == "d"
    model, shards = {"name": "model.keras", "digest": "m"}, {"name": "test", "digest": "s"}
    assert set_of({"inputs": [model, shards], "counts": {"taus": 5, "in set": 5}}) == "s"
    assert set_of({"inputs": [model, shards], "counts": {"taus": 3, "in set": 5}}) == "s, first 3"
    assert set_of({}) == ""
