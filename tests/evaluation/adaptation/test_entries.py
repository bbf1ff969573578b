"""Which runs are one entry, and what they are called."""

import pytest

from TauAdv.cli import main
from TauAdv.config import dump_settings
from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.entries import Asked, asked_entries, find_entries, reference_of, reference_runs
from TauAdv.runs import start_run
from TauAdv.runs.layout import TRAINING
from TauAdv.training.settings.load import training_settings
from TauAdv.training.sweep.record import record_sweep, tags_of
from TauAdv.training.sweep.settings import sweep_settings

WORDS = ("tagger=deeptau", "method=reversal", "data.shards=a", "data.adv_shards=b")


def training(mlruns, name, *words, tags=None, model=True):
    with start_run(mlruns, "e", name, tags) as run:
        run.log_text(dump_settings(training_settings(None, [*WORDS, *words])), TRAINING)
        if model:
            run.log_text("", "model/model.keras")
    return run


def sweep(mlruns, name, *words, models=9):
    asked = sweep_settings(None, [*WORDS, *words])
    with start_run(mlruns, "e", name) as parent:
        record_sweep(parent, asked)
    for number, settings in enumerate(asked.trainings, 1):
        with start_run(mlruns, "e", f"{name}: {asked.labels[number - 1]}", tags_of(parent, number)) as run:
            run.log_text(dump_settings(settings), TRAINING)
            if number <= models:
                run.log_text("", "model/model.keras")
    return parent


@pytest.fixture
def mlruns(tmp_path):
    return tmp_path / "mlruns"


def ids(runs):
    return [run.id for run in runs]


def test_runs_that_differ_in_the_seed_alone_are_one_entry(mlruns):
    strong = [training(mlruns, f"k10 seed{seed}", f"seed={seed}", "method.k2=10") for seed in (1, 2, 3)]
    weak = training(mlruns, "k1", "seed=1", "method.k2=1")
    entries = find_entries(mlruns, ids([strong[0], weak, *strong[1:]]))
    assert [entry.label for entry in entries] == ["k10", "k1"]
    assert entries[0].run_ids == ids(strong)
    assert list(entries[0].runs) == ["k10, seed 1", "k10, seed 2", "k10, seed 3"]
    assert list(entries[1].runs) == ["k1"]
    assert all(entry.notes == () for entry in entries)


def test_equal_trainings_of_one_seed_are_no_band(mlruns):
    runs = [training(mlruns, "again", "seed=1") for _ in range(2)]
    labels = [entry.label for entry in find_entries(mlruns, ids(runs))]
    assert labels == [f"again {run.id[:6]}" for run in runs]


def test_runs_of_other_inputs_are_apart(mlruns):
    runs = [training(mlruns, f"run{seed}", f"seed={seed}") for seed in (1, 2)]
    for run, digest in zip(runs, ("x", "y"), strict=True):
        run.log_text(f'{{"training": {{"digest": "{digest}"}}}}', "input_cfg/inputs.json")
    assert len(find_entries(mlruns, ids(runs))) == 2


def test_labels_are_kept_apart_and_together_as_given(mlruns):
    runs = [training(mlruns, "same", f"seed={seed}") for seed in (1, 2, 3)]
    other = training(mlruns, "other", "seed=4", "schedule.learning_rate=0.1")
    entries = find_entries(mlruns, {"one": runs[0].id, "two": [runs[1].id, other.id]})
    assert [entry.label for entry in entries] == ["one", "two"]
    assert entries[1].notes == ("two: its runs differ in more than the seed: schedule.learning_rate",)
    assert list(entries[1].runs) == ["two, seed 2", "two, seed 4"]


def test_trainings_of_a_sweep_are_its_entries(mlruns):
    parent = sweep(mlruns, "scan", "seed=1,2", "method.k2=1,10")
    entries = find_entries(mlruns, [parent.id])
    assert [entry.label for entry in entries] == ["scan, k2=1", "scan, k2=10"]
    assert list(entries[0].runs) == ["scan, k2=1, seed 1", "scan, k2=1, seed 2"]
    labelled = find_entries(mlruns, {"mine": sweep(mlruns, "seeds", "seed=1,2,3").id})
    assert [(entry.label, len(entry.runs)) for entry in labelled] == [("mine", 3)]
    with pytest.raises(InputError, match="by itself and by its sweep"):
        find_entries(mlruns, [parent.id, entries[0].run_ids[0]])


def test_sweeps_of_one_name_keep_labels_of_their_own(mlruns):
    first, second = (sweep(mlruns, "scan", "seed=1,2", f"schedule.n_epochs={n}") for n in (1, 2))
    entries = find_entries(mlruns, [first.id, second.id])
    assert [entry.label for entry in entries] == ["scan", f"scan {entries[1].run_ids[0][:6]}"]
    assert len({label for entry in entries for label in entry.runs}) == 4


def test_a_sweep_that_is_not_complete_is_refused(mlruns):
    parent = sweep(mlruns, "scan", "seed=1,2,3", models=1)
    with pytest.raises(InputError, match="2 of the 3 trainings of this sweep have no model, first number 2; resume"):
        find_entries(mlruns, [parent.id])


def test_the_reference_is_the_fine_tune_without_adversary(mlruns):
    nominal = training(mlruns, "nominal", "method.k2=0", "seed=9")
    free = [training(mlruns, "free", f"seed={seed}", "method.k2=0", "schedule.n_epochs=2") for seed in (1, 2)]
    strong = [training(mlruns, "strong", f"seed={seed}", "method.k2=10") for seed in (2, 3)]
    entries = find_entries(mlruns, ids([nominal, *strong, *free]))
    assert reference_of(entries) == "free"
    assert reference_of(entries, "strong") == "strong"
    assert reference_of(entries[:2]) == "nominal"
    others = reference_runs(entries, "free")
    assert others == {"nominal": "free, seed 1", "strong, seed 2": "free, seed 2", "strong, seed 3": "free, seed 1"}
    with pytest.raises(InputError, match=r"reference 'fre': expected one of .* \(did you mean 'free'\?\)"):
        reference_of(entries, "fre")


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({}, "at least one run"),
        ([], "at least one run"),
        ({"a": []}, "one of them is empty"),
        ([Asked(("x", ""), "a")], "received 'a=x,'"),
        ([Asked(("x",), " ")], "is empty"),
        ([Asked(("x",), "a"), Asked(("y",), "a")], "label a is given 2 times; several runs of one entry: a=RUN_ID,RUN_ID"),
    ],
)
def test_what_is_asked_for_must_be_clear(runs, message):
    with pytest.raises(InputError, match=message):
        asked_entries(runs)


def test_a_run_is_given_once(mlruns):
    run = training(mlruns, "one")
    for runs in (
        [run.id, run.id],
        {"a": run.id, "b": run.id},
        {"a": [run.id, run.id]},
        [Asked((run.id,)), Asked((run.id,), "a")],
    ):
        with pytest.raises(InputError, match=f"run {run.id} is given .*it would be compared with itself"):
            find_entries(mlruns, runs)


def test_runs_that_keep_no_settings(mlruns):
    found = []
    for _ in range(2):
        with start_run(mlruns, "e", "imported") as run:
            found.append(run.id)
    assert len(find_entries(mlruns, found)) == 2
    (entry,) = find_entries(mlruns, {"both": found})
    assert "keeps no settings" in entry.notes[0]
    assert len(entry.runs) == 2


def test_labels_whose_plots_would_have_one_name_are_refused(mlruns):
    runs = [training(mlruns, f"run{seed}", f"seed={seed}") for seed in (1, 2)]
    with pytest.raises(InputError, match=r"labels 'x\+' and 'x\*': their plots would both be called x_"):
        find_entries(mlruns, {"x+": runs[0].id, "x*": runs[1].id})


def test_a_fine_tune_with_an_adversary_is_refused(mlruns, capsys):
    run = training(mlruns, "k6", "seed=1", "method.k2=6")
    places = ["--control", "control", "--test", "test", "--output", "report"]
    with pytest.raises(SystemExit):
        main(["compare", "--mlpath", str(mlruns), "--nominal", run.id, "--fine-tune", run.id, *places])
    assert "was trained with k2 = 6, expected 0; give it as --adversarial" in capsys.readouterr().err
