"""Evaluation takes the contributions from manifests; what is given by hand must agree."""

import json

import pandas as pd
import pytest
from evaluation_inputs import write_run_of_tables, write_set
from specification_region import CONTRIBUTIONS, FILE

from TauAdv.domain.contributions.agreement import as_record
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.columns import check_rows
from TauAdv.evaluation.predictions.contributions import contributions_of_set, contributions_of_tables
from TauAdv.io.manifests.manifest import read_manifest, write_manifest
from TauAdv.runs import start_run
from TauAdv.shards.store import ShardSet

FAKES = [
    entry.model_copy(update={"name": "fakes", "label": "jet fakes", "genuine": False}) if entry.name == "TTT" else entry
    for entry in CONTRIBUTIONS
]


@pytest.fixture
def control(tmp_path):
    """Return a function that makes a set of a control region."""

    def make(contributions, name="control"):
        return ShardSet.open(write_set(tmp_path / name, "adversarial", 30, contributions=contributions))

    return make


def test_set_says_it(control):
    found = contributions_of_set(control(FAKES))
    assert [entry.name for entry in found] == ["data", "TTJ", "QCD", "WJ", "DYM", "fakes", "DYT"]
    assert [entry.name for entry in found if entry.genuine] == ["DYT"]


@pytest.mark.parametrize("given", [FILE, str(FILE), CONTRIBUTIONS])
def test_what_is_given_by_hand_must_agree(control, given):
    with pytest.raises(InputError) as caught:
        contributions_of_set(control(FAKES), given)
    text = str(caught.value)
    assert "dataset_id 2: name 'TTT' / 'fakes', label '" in text
    assert "' / 'jet fakes', genuine true / false" in text
    assert text.count("dataset_id") == 1
    assert contributions_of_set(control(CONTRIBUTIONS, "other"), given) == CONTRIBUTIONS


def test_sets_made_before_need_the_file(control):
    with pytest.raises(InputError, match=r"control: made before manifests said .* --contributions"):
        contributions_of_set(control(None))
    assert contributions_of_set(ShardSet.open(control(None, "two").folder), FILE) == CONTRIBUTIONS


def test_names_in_older_sets_are_compared(control):
    shards = control(None)
    shards.manifest["settings"]["contributions"] = {"0": "data", "2": "fakes"}
    with pytest.raises(InputError, match=r"dataset_id 2: name 'TTT' / 'fakes'"):
        contributions_of_set(shards, FILE)


def test_tables_of_different_regions_are_not_compared(make_table, tmp_path):
    one, other = (
        write_run_of_tables(tmp_path / "mlruns", make_table(50, 50), contributions=c) for c in (CONTRIBUTIONS, FAKES)
    )
    assert contributions_of_tables({"default": one, "adversarial": one}) == CONTRIBUTIONS
    with pytest.raises(
        InputError,
        match=rf"of run {one.id} and of the predictions of run {other.id} differ .*:\n  dataset_id 2",
    ):
        contributions_of_tables({"default": one, "adversarial": other})


def test_tables_without_manifest_need_the_file(make_table, tmp_path):
    run = write_run_of_tables(tmp_path / "mlruns", make_table(50, 50), contributions=None)
    with pytest.raises(InputError, match=rf"the predictions of run {run.id}: made before"):
        contributions_of_tables({"default": run})
    assert contributions_of_tables({"default": run}, FILE) == CONTRIBUTIONS


def test_record_of_the_set_in_the_run_says_it(control, tmp_path):
    """A table that was made before its own manifest said it, of a set that the run was trained on."""
    shards = control(FAKES)
    with start_run(tmp_path / "mlruns", "adaptation") as run:
        path = run.artifacts / "predictions/adversarial_evaluation.csv"
        path.parent.mkdir()
        path.write_text("")
        digest = write_manifest(path, step="apply", settings={}, inputs=[shards.folder])["inputs"][0]
        run.log_text(json.dumps({"adversarial training": digest}), "input_cfg/inputs.json")
        run.log_text(json.dumps(read_manifest(shards.folder)), "input_cfg/shards/adversarial_training.json")
    assert as_record(contributions_of_tables({"default": run})) == as_record(FAKES)
    write_manifest(path, step="apply", settings={}, inputs=[control(CONTRIBUTIONS, "elsewhere").folder])
    with pytest.raises(InputError, match="made before"):
        contributions_of_tables({"default": run})


def test_rows_that_are_not_what_the_contributions_say():
    table = pd.DataFrame({"dataset_id": [0, 0, 5], "y": [1, 1, 0]})
    check_rows(table, CONTRIBUTIONS)
    check_rows(table.assign(y=[1, 2, 3]), CONTRIBUTIONS)  # classes, no domains
    with pytest.raises(InputError, match="3 rows with dataset_id 0, 5 are data by their label y"):
        check_rows(table.assign(y=[0, 0, 1]), CONTRIBUTIONS)
    with pytest.raises(InputError, match=r"received \{9: 1\}"):
        check_rows(table.assign(dataset_id=[0, 0, 9]), CONTRIBUTIONS)


def test_a_set_of_another_kind_is_named(tmp_path):
    shards = ShardSet.open(write_set(tmp_path / "test", "classification", 30))
    with pytest.raises(InputError, match="test: expected a set of kind 'adversarial', received 'classification'"):
        contributions_of_set(shards)
