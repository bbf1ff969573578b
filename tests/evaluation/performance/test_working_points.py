"""Working points of runs: derived from their predictions, written, read."""

import json

import numpy as np
import pandas as pd
import pytest
from evaluation_inputs import write_run_of_tables
from performance_inputs import labelled_table

from TauAdv.config import load_settings
from TauAdv.errors import InputError, OutputExistsError
from TauAdv.evaluation.measures.working_points import PUBLISHED, SHIPPED
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.selection import TauSelection
from TauAdv.evaluation.performance.working_points import (
    RunWorkingPointSettings,
    derive_from,
    read_thresholds,
    thresholds_for,
    write_working_points,
)
from TauAdv.runs import find_run

SCRIPT = "Evaluation/derive_wp.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run_of_tables(tmp_path_factory.mktemp("points") / "mlruns", labelled_table(), contributions=None)


def test_script_writes_the_layout_of_the_original_and_prints_a_table(run, run_script, capsys):
    run_script(SCRIPT, "--mlpath", run.mlpath, "--expID", run.id)
    content = json.loads((run.artifacts / "working_points.json").read_text())
    assert {name: list(points) for name, points in content.items()} == {
        name: list(points) for name, points in PUBLISHED["2018v2p5"].items()
    }
    printed = capsys.readouterr().out
    table = [line.split("|")[1:-1] for line in printed.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in table[0]][:4] == ["against", "working point", "wanted (%)", "threshold"]
    assert {(row[0].strip(), row[1].strip()): float(row[3]) for row in table[2:]} == {
        (name, key): value for name, points in content.items() for key, value in points.items()
    }
    assert read_thresholds(run.artifacts / "working_points.json") == content
    assert thresholds_for(run) == (content, "working_points.json")
    manifest = json.loads((run.artifacts / "working_points.json.manifest.json").read_text())
    assert manifest["counts"]["taus"] == manifest["counts"]["cuts"]["decay mode not 5, 6"]
    with pytest.raises(SystemExit):
        run_script(SCRIPT, "--mlpath", run.mlpath, "--expID", run.id, "targets.jet.Tight=0.61")
    assert "targets.jet.Tight: 0.6 before, 0.61 now" in capsys.readouterr().err
    with pytest.raises(OutputExistsError, match=r"targets.*--overwrite replaces it"):
        settings = load_settings(RunWorkingPointSettings, SHIPPED, ["targets.jet.Tight=0.61"])
        write_working_points(run.mlpath, run.id, settings=settings)


def test_genuine_taus_of_the_selection_alone_count():
    table = labelled_table()
    chosen = table[
        (table["y"] == 2)
        & table["tau_pt"].between(30, 80, inclusive="left")
        & (table["tau_eta"].abs() < 2.3)
        & (table["tau_dz"].abs() < 0.2)
        & ~table["tau_decayMode"].isin([5, 6])
    ]
    settings = RunWorkingPointSettings(targets={"jet": {"Half": 0.5}}, others={}, decimals=12)
    found = derive_from(LabelledTaus.of(table, "the table"), settings)
    assert found.points.taus == len(chosen) < (table["y"] == 2).sum()
    assert list(found.cuts.values())[-1] == len(chosen)
    score = (chosen["p_tau"] / (chosen["p_tau"] + chosen["p_jet"])).to_numpy()
    order = np.argsort(score)
    half = np.searchsorted(np.cumsum(chosen["weights"].to_numpy()[order]), chosen["weights"].sum() / 2)
    assert found.points.thresholds["jet"]["Half"] == pytest.approx(score[order][half], abs=1e-11)
    unweighted = derive_from(LabelledTaus.of(table, "the table"), settings.model_copy(update={"weighted": False}))
    assert unweighted.points.thresholds["jet"]["Half"] == pytest.approx(np.sort(score)[(len(score) - 1) // 2], abs=1e-11)


def test_a_cut_without_its_column_is_left_out_and_reported():
    table = labelled_table().drop(columns="tau_dz")
    found = derive_from(LabelledTaus.of(table, "old"))
    assert found.warnings[0] == "the cut |dz| < 0.2 cm is left out: the predictions have no column tau_dz"
    assert "WARNING: the cut |dz| < 0.2 cm is left out" in found.text("run")
    assert TauSelection(abs_dz=None).rows(table).left_out == ()


def test_bad_tables():
    table = labelled_table(300)
    with pytest.raises(InputError, match=r"no genuine taus \(y = 2\) among \d+ candidates; .*control region"):
        LabelledTaus.of(table.assign(y=table["y"].clip(upper=1)), "the table")
    with pytest.raises(InputError, match="1 of 300 values of 'p_jet' are not finite, in rows 4"):
        LabelledTaus.of(table.assign(p_jet=[*[0.1] * 4, np.nan, *[0.1] * 295]), "the table")
    with pytest.raises(InputError, match=r"none of \d+ genuine taus passes the selection .*loosen it"):
        settings = load_settings(RunWorkingPointSettings, SHIPPED, ["selection.pt=[900,901]"])
        derive_from(LabelledTaus.of(table, "the table"), settings)


def test_runs_without_predictions_name_the_command(tmp_path):
    run = write_run_of_tables(tmp_path / "mlruns", labelled_table(50), contributions=None)
    (run.artifacts / "predictions/adversarial_evaluation.csv").unlink()
    with pytest.raises(InputError, match=r"no predictions; .*tauadv apply makes them"):
        write_working_points(run.mlpath, run.id)
    thresholds, origin = thresholds_for(find_run(run.mlpath, run.id))
    assert thresholds == {}
    assert "tauadv working-points makes it" in origin
    assert thresholds_for(run, "2018v2p5")[0]["jet"]["VVTight"] == 0.9927
    assert pd.Series(thresholds_for(run, "2018v2p5")[0]["e"]).is_monotonic_increasing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected {background: {working point: threshold}}"),
        ('{"jet": 0.5}', "expected {background: .*; jet: "),
        ('{"jet": {"Loose": 1.5}}', r"jet\.Loose: .*less than or equal to 1"),
        ('{"jet": {"Loose": NaN}}', r"jet\.Loose: .*finite"),
        ('{"jets": {"Loose": 0.5}}', r"'jets' \(did you mean 'jet'\?\): expected e, mu, jet"),
        ("{}", "holds no working points"),
    ],
)
def test_bad_files_of_thresholds(tmp_path, text, message):
    file = tmp_path / "points.json"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_thresholds(file)
    with pytest.raises(InputError, match=r"no such file; expected thresholds .* or one of 2018v2p5"):
        read_thresholds(tmp_path / "none.json")
