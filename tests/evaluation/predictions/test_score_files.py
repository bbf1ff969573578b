"""``tauadv apply --input``: scores of tuples as a friend tree or a Parquet table."""

import numpy as np
import pandas as pd
import pytest
import uproot
from shard_tuples import write_tuple

import TauAdv as ta
from TauAdv.errors import InputError, OutputExistsError, OutputLockedError
from TauAdv.evaluation.predictions import scoring
from TauAdv.evaluation.predictions.score_files import write_scores
from TauAdv.io.locks import output_lock
from TauAdv.tuples.writer import TupleWriter

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

SCRIPT = "Evaluation/apply_adversarial_training.py"


@pytest.fixture(scope="module")
def tuples(repository, tmp_path_factory):
    """Two files, of 70 and of 50 simulated taus, the second without dataset_id."""
    folder = tmp_path_factory.mktemp("tuples")
    reader = ta.tuples(repository / "tests/data/sample/DYee.root")
    for name, first, last in (("a", 0, 70), ("b", 70, 120)):
        (arrays,) = reader.iterate(entry_start=first, entry_stop=last)
        with TupleWriter(folder / f"{name}.root") as writer:
            writer.extend(arrays)
    return folder


def test_friend_tree_and_table_hold_the_entries_in_order(tuples, runs, run_script, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "ROWS_AT_ONCE", 32)  # in pieces
    common = ["--expID", runs.adversarial.id, "--mlpath", runs.mlruns, "--input", tuples]
    run_script(SCRIPT, *common, "--output", tmp_path / "new/scores.root")
    run_script(SCRIPT, *common, "--output", tmp_path / "scores.parquet")
    with uproot.open(tmp_path / "new/scores.root") as file:
        tree = file["scores"].arrays(library="np")
        assert file["scores"].num_entries == 120
    expected = ta.tagger(runs.adversarial).predict(ta.tuples(tuples))
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert {"run", "lumi", "evt", "tau_index", "Djet", "y_pred_adv", "p_e", "p_mu", "p_tau", "p_jet"} <= set(tree)
    assert list(table) == list(expected)
    for name in expected:
        assert np.array_equal(tree[name], table[name].to_numpy()), name
        assert tree[name] == pytest.approx(expected[name].to_numpy(), abs=2e-6)
    for name in ("run", "lumi", "evt", "tau_index"):
        stored = np.concatenate([part[name].to_numpy() for part in ta.tuples(tuples).iterate([name])])
        assert np.array_equal(tree[name], stored)


def test_made_again_only_if_asked(tuples, runs, tmp_path, capsys):
    path, run = tmp_path / "scores.root", runs.nominal
    one = tuples / "b.root"
    write_scores(run.mlpath, run.id, one, path, not_adversarial=True)
    content = path.read_bytes()
    write_scores(run.mlpath, run.id, one, path, not_adversarial=True)
    assert "kept" in capsys.readouterr().out
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_scores(run.mlpath, run.id, tuples / "a.root", path, not_adversarial=True)
    with output_lock(path), pytest.raises(OutputLockedError, match=r"scores\.root: is being written"):
        write_scores(run.mlpath, run.id, one, path, not_adversarial=True, overwrite=True)
    assert path.read_bytes() == content
    write_scores(run.mlpath, run.id, tuples / "a.root", path, not_adversarial=True, overwrite=True)
    with uproot.open(path) as file:
        assert file["scores"].num_entries == 70
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock") == [
        "scores.root",
        "scores.root.manifest.json",
    ]


@pytest.mark.parametrize("suffix", ["root", "parquet"])
def test_no_entries_have_no_scores(runs, tmp_path, tuples, suffix):
    with TupleWriter(tmp_path / "empty.root") as writer:
        writer.extend(ta.tuples(tuples / "a.root").empty())
    write_scores(runs.mlruns, runs.adversarial.id, tmp_path / "empty.root", tmp_path / f"scores.{suffix}")
    if suffix == "parquet":
        assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 0
    else:
        with uproot.open(tmp_path / "scores.root") as file:
            assert file["scores"].num_entries == 0
            assert "p_tau" in file["scores"]


def test_what_is_refused_before_anything_is_written(tuples, runs, tmp_path):
    def refused(message, output="scores.root", inputs=tuples, run=runs.adversarial, **options):
        with pytest.raises(InputError, match=message):
            write_scores(run.mlpath, run.id, inputs, tmp_path / output, **options)
        assert [path for path in tmp_path.iterdir() if path.name.startswith("scores")] == []

    refused(r"ends in \.root or \.parquet", output="scores.csv")
    refused("give --not_adversarial", run=runs.nominal)
    refused("nowhere", inputs=tmp_path / "nowhere")
    refused("is also an input", output=tuples / "a.root")
    refused("others", tree="others")
    write_tuple(tmp_path / "small.root", [2, 3])
    refused(r"small\.root: tree .taus. lacks", inputs=tmp_path / "small.root")


def test_jets_are_not_in_tuples(jets, tuples, tmp_path):
    with pytest.raises(InputError, match=r"is a training of jets, which are not in tuples"):
        write_scores(jets.mlruns, jets.one.id, tuples, tmp_path / "scores.root")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give what to evaluate"),
        (["--eval-ds", "x", "--input", "y"], "give what to evaluate"),
        (["--input", "x"], "expected also --output"),
        (["--input", "x", "--output", "y.root", "--n-batches", "2"], "no --n-batches"),
        (["--eval-ds", "x", "--output", "y.root"], "belong to --input"),
    ],
)
def test_options_that_do_not_go_together(words, message, run_script, capsys):
    with pytest.raises(SystemExit) as caught:
        run_script(SCRIPT, "--expID", "0", "--mlpath", "nowhere", *words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
