"""Curves of runs and files brought together, and their plots."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from evaluation_inputs import write_run_of_tables
from performance_inputs import labelled_table, original, original_file

from TauAdv.errors import InputError
from TauAdv.evaluation.performance.comparison import compared_curves, read_performances
from TauAdv.evaluation.performance.curves import measure_performance
from TauAdv.evaluation.performance.files import as_json
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.settings import PerformanceSettings
from TauAdv.runs.layout import PERFORMANCE

SCRIPT = "Evaluation/plot_roc.py"
JETS = PerformanceSettings(against=("jet",), pt_bins=((20, 100),))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two runs with a performance.json, and a file of TauMLTools."""
    folder = tmp_path_factory.mktemp("curves")
    runs = []
    for number in range(2):
        table = labelled_table(2000, shift=number)
        run = write_run_of_tables(folder / "mlruns", table, contributions=None)
        taus = LabelledTaus.of(table, "test", set_digest="same")
        found = measure_performance(taus, JETS, {"jet": {"Loose": 0.5, "Tight": 0.9}}, name=f"run {number}")
        (run.artifacts / PERFORMANCE).write_text(json.dumps(as_json(found)))
        runs.append(run)
    return SimpleNamespace(runs=runs, file=original_file(folder / "original.json", original()), folder=folder)


def test_curves_are_interpolated_in_the_logarithm(measured):
    run = measured.runs[0]
    found = read_performances(run.mlpath, [run.id], {"v2p1": measured.file})
    (compared,) = compared_curves(found)
    base = found["run 0"].curves[0].curve
    np.testing.assert_allclose(compared.curves["run 0"].mis_id[base.mis_id > 0], base.mis_id[base.mis_id > 0], rtol=1e-12)
    # the file goes from 1e-3 at 0.6 to 1e-2 at 0.9: half way it is at the square root of their product
    at = compared.curves["v2p1"]
    assert np.interp(0.75, at.efficiency, np.log10(at.mis_id)) == pytest.approx(-2.5, abs=1e-3)
    assert np.isnan(at.mis_id[at.efficiency > 0.9]).all()
    assert np.isnan(at.mis_id[at.efficiency < 0.6]).all()
    assert compared.points["run 0"].names == ("Tight", "Loose")


def test_script_draws_runs_beside_a_file_of_the_original(measured, run_script, capsys):
    runs = measured.runs
    options = ["--mlpath", runs[0].mlpath, "--expID", *(run.id for run in runs), "--file", f"v2p1={measured.file}"]
    run_script(SCRIPT, *options, "--reference", "v2p1")
    name = "roc_vs_jet_pt_20_100_eta_0_2.5_dm_0_1_2_10_11"
    folder = runs[0].artifacts / "plots"
    assert capsys.readouterr().out.split() == [str(folder / f"{name}.{kind}") for kind in ("pdf", "png")]
    assert (folder / f"{name}.png").stat().st_size > 5000


def test_disturbances_of_a_run_are_curves_of_their_own(measured):
    performance = read_performances(measured.runs[0].mlpath, [measured.runs[0].id], {})["run 0"]
    content = as_json(performance)
    for kind in ("roc_curve", "roc_wp"):
        content["metrics"][kind] += [entry | {"disturbance": "FGSM"} for entry in content["metrics"][kind]]
    file = measured.folder / "disturbed.json"
    file.write_text(json.dumps(content))
    (compared,) = compared_curves(read_performances(None, [], {"a": file}))
    assert compared.runs == {"a": "a", "a, FGSM": "a"}
    assert compared.disturbances == {"a": "", "a, FGSM": "FGSM"}


def test_what_cannot_be_drawn_says_why(measured):
    one, other = measured.runs
    known = read_performances(one.mlpath, [one.id], {})
    with pytest.raises(InputError, match=r"reference 'run 1'.*expected one of run 0"):
        next(compared_curves(known, "run 1"))
    with pytest.raises(InputError, match="it has no ROC curve against mu"):
        next(compared_curves(known, None, ["mu"]))
    with pytest.raises(InputError, match="label 'run 0' is there twice"):
        read_performances(one.mlpath, [one.id], {"run 0": measured.file})
    with pytest.raises(InputError, match="nothing to draw"):
        read_performances(one.mlpath, [], {})
    empty = write_run_of_tables(measured.folder / "mlruns", labelled_table(20), contributions=None)
    with pytest.raises(InputError, match=r"has no performance\.json: tauadv performance makes it"):
        read_performances(empty.mlpath, [empty.id], {})
    content = json.loads((other.artifacts / PERFORMANCE).read_text())
    (empty.artifacts / PERFORMANCE).write_text(json.dumps(content | {"set_digest": "another", "name": "third"}))
    with pytest.raises(InputError, match=r"run 0 and third were measured on different sets: .*--any-set"):
        read_performances(one.mlpath, [one.id, empty.id], {})
    assert list(read_performances(one.mlpath, [one.id, empty.id], {}, any_set=True)) == ["run 0", "third"]


def test_sets_that_are_not_known_are_not_compared(measured):
    one, other = measured.runs
    path = other.artifacts / PERFORMANCE
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"set_digest": ""}))
    try:
        with pytest.raises(InputError, match=r"run 1: the set that it was measured on is not known.*--test.*--any-set"):
            read_performances(one.mlpath, [one.id, other.id], {})
    finally:
        path.write_text(before)


def test_two_data_sets_in_one_bin_are_not_drawn_as_one(measured):
    file = original_file(measured.folder / "two.json", original(), original(dataset_alias="tau_TT"))
    with pytest.raises(InputError, match="v2p1: curves against jet of 2 data sets in one bin, tau_DY and tau_TT"):
        next(compared_curves(read_performances(None, [], {"v2p1": file})))
    twice = original_file(measured.folder / "twice.json", original(), original(auc_score=0.5))
    with pytest.raises(InputError, match=r"metrics\.roc_curve has two entries of one place, against jet"):
        read_performances(None, [], {"v2p1": twice})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--file", "performance.json"], "expected LABEL=FILE"),
        (["--file", "a=x.json", "a=y.json", "--output", "f"], "expected labels that differ"),
        (["--expID", "0" * 32], "expected --mlpath with --expID"),
        (["--file", "a=x.json"], "--output FOLDER where no run is drawn"),
    ],
)
def test_words_that_do_not_fit(run_script, capsys, words, message):
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *words)
    assert message in capsys.readouterr().err
