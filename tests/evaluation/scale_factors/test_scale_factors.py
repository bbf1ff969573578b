"""Scale factors of a prediction table: numbers, correctionlib file, histograms, script."""

import json
from types import SimpleNamespace

import correctionlib
import numpy as np
import pandas as pd
import pytest
import uproot
from control_region_inputs import control_table
from evaluation_inputs import write_run_of_tables
from specification_region import CONTRIBUTIONS

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.predictions.tables import PREDICTION_FILES
from TauAdv.evaluation.scale_factors.correction import correction_set, correction_text, varied
from TauAdv.evaluation.scale_factors.measure import measure_scale_factors
from TauAdv.evaluation.scale_factors.reading import read_scale_factors
from TauAdv.evaluation.scale_factors.report import make_scale_factors
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings
from TauAdv.evaluation.scale_factors.tables import as_table, improvement
from TauAdv.io.records import read_record, write_record
from TauAdv.runs import find_run

SCRIPT = "Evaluation/measure_scale_factors.py"
POINTS = {"jet": {"Loose": 0.5, "Tight": 0.9}}
CONTRIBUTION_NAMES = {entry.dataset_id: entry.name for entry in CONTRIBUTIONS}


@pytest.fixture(scope="module")
def table():
    return control_table(shift=-0.3)


@pytest.fixture(scope="module")
def found(table):
    return measure_scale_factors(table, CONTRIBUTIONS, POINTS, name="nominal")


def test_numbers_are_those_of_sums_over_rows(table, found):
    scale = (table["y"] == 1).sum() / table.loc[table["y"] == 0, "weights"].sum()
    assert found.scale == pytest.approx(scale)
    assert len(found.factors) == 2 * 4 * 5
    for row in as_table(found).itertuples():
        modes = [int(mode) for mode in row.decay_modes.split()]
        inside = table[
            table["tau_decayMode"].isin(modes) & (table["tau_pt"] >= row.pt_low) & (table["tau_pt"] < row.pt_high)
        ]
        data, taus = inside[inside["dataset_id"] == 0], inside[inside["dataset_id"].isin([1, 2])]
        others = inside[inside["dataset_id"] > 2]
        sums = {}
        for name, side in (("data", data), ("taus", taus), ("others", others)):
            passing = side[side["Djet"] > row.threshold]
            weight = [len(one) if name == "data" else one["weights"].sum() for one in (passing, side)]
            sums[name] = np.array(weight, float)
        subtracted = sums["data"] - scale * sums["others"]
        assert row.efficiency_data == pytest.approx(subtracted[0] / subtracted[1])
        assert row.efficiency_simulation == pytest.approx(sums["taus"][0] / sums["taus"][1])
        assert row.scale_factor == pytest.approx(row.efficiency_data / row.efficiency_simulation)
        assert row.systematic_error == 0
        assert row.error == row.statistical_error > 0
    # the last bin has no upper end: it holds the taus of 1500 GeV
    assert sum(one.pt[1] == np.inf for one in found.factors) == 8


def test_same_sample_gives_one(table):
    simulation = table[table["y"] == 0].assign(weights=1.0)
    data = simulation.assign(dataset_id=0, y=1.0)
    for method in ("subtraction", "template"):
        settings = ScaleFactorSettings(method=method)
        same = measure_scale_factors(pd.concat([data, simulation]), CONTRIBUTIONS, POINTS, settings)
        assert same.empty == []
        assert [one.measured.factor.value for one in same.factors] == pytest.approx([1] * len(same.factors))


def test_correctionlib_file_evaluates_to_the_table(found):
    correction = correctionlib.CorrectionSet.from_string(correction_text(found))["tau_vs_jet"]
    assert [variable.name for variable in correction.inputs] == ["pt", "dm", "wp", "syst"]
    for row in as_table(found).itertuples():
        if row.inclusive:
            continue
        pt = row.pt_low if np.isinf(row.pt_high) else (row.pt_low + row.pt_high) / 2
        where = (float(pt), int(row.decay_modes), row.working_point)
        wanted = {
            "nom": 0,
            "up": row.error,
            "down": -row.error,
            "stat_up": row.statistical_error,
            "stat_down": -row.statistical_error,
        }
        for variation, error in wanted.items():  # correctionlib reads the last digit of a number otherwise
            assert correction.evaluate(*where, variation) == pytest.approx(row.scale_factor + error, rel=1e-14)
    assert correction.evaluate(1e6, 0, "Loose", "nom") == correction.evaluate(200.0, 0, "Loose", "nom")
    for where in ((19.0, 0, "Loose", "nom"), (25.0, 5, "Loose", "nom"), (25.0, 0, "Medium", "nom"), (25.0, 0, "Loose", "x")):
        with pytest.raises((IndexError, RuntimeError)):
            correction.evaluate(*where)


def test_bins_without_a_measurement_are_named_and_give_no_number(table):
    few = table[(table["tau_decayMode"] != 11) | (table["y"] == 1)]
    found = measure_scale_factors(few, CONTRIBUTIONS, POINTS)
    assert len(found.empty) == 2 * 5
    assert found.empty[0].startswith("vs jet Loose, decay mode 11, pt 20 to 30 GeV: 0 genuine taus expected")
    rows = as_table(found)
    assert rows.loc[rows["decay_modes"] == "11", "scale_factor"].isna().all()
    correction = correctionlib.CorrectionSet.from_string(correction_text(found))["tau_vs_jet"]
    with pytest.raises(IndexError):
        correction.evaluate(25.0, 11, "Loose", "nom")
    assert correction.evaluate(25.0, 10, "Loose", "nom") > 0


def test_an_uncertainty_of_a_contribution_is_in_up_and_down(table):
    contributions = [
        entry.model_copy(update={"uncertainty": 0.5}) if entry.name == "QCD" else entry for entry in CONTRIBUTIONS
    ]
    found = measure_scale_factors(table, contributions, POINTS)
    assert found.uncertainties == {"QCD": 0.5}
    for one in found.factors:
        assert one.measured.error == pytest.approx(np.hypot(one.measured.factor.error, one.measured.systematics["QCD"]))
    correction = correctionlib.CorrectionSet.from_string(correction_text(found))["tau_vs_jet"]
    first = found.factors[0]
    up, down = (correction.evaluate(25.0, 0, first.working_point, syst) for syst in ("up", "stat_up"))
    assert up - down == pytest.approx(first.measured.error - first.measured.factor.error, rel=1e-9)
    assert up > down


def test_description_states_method_normalisation_and_range(found):
    text = correction_set(found).corrections[0].description
    assert "Method subtraction: genuine taus of data are data minus the other contributions" in text
    assert "All simulation is scaled together to the total of data." in text
    assert "Below 20 GeV" in text
    assert "no upper end" in text


def test_before_and_after(table):
    before = measure_scale_factors(table, CONTRIBUTIONS, POINTS)
    after = measure_scale_factors(control_table(), CONTRIBUTIONS, POINTS)
    found = improvement(before, after).set_index("working_point")
    for point in POINTS["jet"]:
        values = [
            [one.measured.factor.value for one in side.factors if one.working_point == point] for side in (before, after)
        ]
        assert found.loc[point, "distance_before"] == pytest.approx(np.mean(np.abs(np.array(values[0]) - 1)))
        assert found.loc[point, "distance_after"] == pytest.approx(np.mean(np.abs(np.array(values[1]) - 1)))
        assert found.loc[point, "bins"] == 20
    assert found.loc["Tight", "distance_after"] < found.loc["Tight", "distance_before"]
    assert abs(found.loc["Tight", "inclusive_after"] - 1) < 4 * found.loc["Tight", "inclusive_error_after"]
    assert abs(found.loc["Tight", "inclusive_before"] - 1) > 4 * found.loc["Tight", "inclusive_error_before"]


def test_script_writes_all_into_the_run(table, tmp_path, run_script, capsys):
    runs = [write_run_of_tables(tmp_path / "mlruns", one) for one in (table, control_table())]
    for run in runs:
        (run.artifacts / "working_points.json").write_text(json.dumps(POINTS))
    run_script(SCRIPT, "--mlpath", runs[0].mlpath, "--expID", *(run.id for run in runs), "pt_edges=[20,40,100]")
    printed = capsys.readouterr().out
    assert "mean distance from 1" in printed
    folder = runs[0].artifacts / "scale_factors"
    names = [
        "correction.json",
        "histograms.root",
        "manifest.json",
        "scale_factors.csv",
        "scale_factors.json",
        "scale_factors.md",
    ]
    assert sorted(path.name for path in folder.iterdir()) == names
    rows = pd.read_csv(folder / "scale_factors.csv")
    tight = rows[rows["inclusive"] & (rows["working_point"] == "Tight")].iloc[0]
    metrics = find_run(runs[0].mlpath, runs[0].id).metrics
    assert metrics["scale_factors/jet_Tight"] == pytest.approx(tight["scale_factor"])
    assert metrics["scale_factors/jet_Tight_error"] == pytest.approx(tight["error"])
    content = json.loads((folder / "scale_factors.json").read_text())
    assert [row["scale_factor"] for row in content["scale_factors"]] == pytest.approx(rows["scale_factor"].tolist())
    correction = correctionlib.CorrectionSet.from_file(str(folder / "correction.json"))["tau_vs_jet"]
    first = rows.iloc[0]
    found = correction.evaluate(25.0, int(first["decay_modes"]), first["working_point"], "nom")
    assert found == pytest.approx(first["scale_factor"], rel=1e-14)
    with uproot.open(folder / "histograms.root") as file:
        for result in ("pass", "fail"):
            chosen = table[(table["tau_decayMode"] == 1) & ((table["Djet"] > 0.9) == (result == "pass"))]
            edges = [20, 40, np.inf]
            for dataset_id, name in CONTRIBUTION_NAMES.items():
                of = chosen[chosen["dataset_id"] == dataset_id]
                histogram = file[f"vs_jet/Tight/dm_1/{result}/{name}"]
                weights = of["weights"].to_numpy()
                expected = [np.histogram(of["tau_pt"], edges, weights=weights**power)[0] for power in (1, 2)]
                np.testing.assert_allclose(histogram.values(), expected[0])
                np.testing.assert_allclose(histogram.variances(), expected[1])


def test_bad_input(table, tmp_path):
    run = write_run_of_tables(tmp_path / "mlruns", table)
    with pytest.raises(InputError, match=r"no working_points\.json in run .*tauadv working-points makes it; or give"):
        make_scale_factors(run.mlpath, [run.id])
    with pytest.raises(InputError, match="no working points against e; there are thresholds against jet"):
        measure_scale_factors(table, CONTRIBUTIONS, POINTS, ScaleFactorSettings(against=("jet", "e")))
    with pytest.raises(InputError, match="no contribution is of genuine taus"):
        none = [entry.model_copy(update={"genuine": False}) for entry in CONTRIBUTIONS]
        measure_scale_factors(table, none, POINTS)
    with pytest.raises(InputError, match=r"missing columns \['tau_pt'\]"):
        measure_scale_factors(table.drop(columns="tau_pt"), CONTRIBUTIONS, POINTS)
    with pytest.raises(InputError, match="1 of 12000 values of 'weights' are not finite"):
        measure_scale_factors(table.assign(weights=[*table["weights"][:-1], np.nan]), CONTRIBUTIONS, POINTS)
    without = table.drop(columns=["p_e", "p_mu", "p_tau", "p_jet"])
    of_jets = measure_scale_factors(without, CONTRIBUTIONS, POINTS)
    assert as_table(of_jets).equals(as_table(measure_scale_factors(table, CONTRIBUTIONS, POINTS)))
    for word, message in (
        ("pt_edges=[20,10]", "expected rising edges"),
        ("decay_modes=[[0],[0,1]]", "each decay mode once"),
        ("method=fit", "method"),
    ):
        with pytest.raises(ConfigError, match=message):
            load_settings(ScaleFactorSettings, overrides=[word])


@pytest.fixture(scope="module")
def saved(table, tmp_path_factory):
    run = write_run_of_tables(tmp_path_factory.mktemp("saved") / "mlruns", table)
    (run.artifacts / "working_points.json").write_text(json.dumps(POINTS))
    make_scale_factors(run.mlpath, [run.id])
    return run


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")  # of pyhf
def test_a_fit_with_pyhf_gives_the_same_scale_factor(saved):
    """Two free yields and two counts: the best fit is the subtraction."""
    import pyhf

    found = read_scale_factors(saved)
    row = found.table.set_index(["working_point", "decay_modes", "pt_low"]).loc[("Tight", "1", 40.0)]
    workspace = pyhf.Workspace(found.workspace("jet", "Tight", "1", 2))
    model = workspace.model()
    best = dict(zip(model.config.par_names, pyhf.infer.mle.fit(workspace.data(model), model), strict=False))
    e = row["efficiency_simulation"]
    factor = best["mu_pass"] / (e * best["mu_pass"] + (1 - e) * best["mu_fail"])
    assert factor == pytest.approx(row["scale_factor"], rel=1e-3)
    with pytest.raises(InputError, match="no bin 5 of pt; there are 0 to 4"):
        found.workspace("jet", "Tight", "1", 5)


def test_saved_scale_factors_are_verified(saved, table, tmp_path):
    found = read_scale_factors(saved)
    expected = as_table(measure_scale_factors(table, CONTRIBUTIONS, POINTS))
    np.testing.assert_allclose(found.table["scale_factor"], expected["scale_factor"], rtol=1e-12)
    none = write_run_of_tables(tmp_path / "mlruns", table)
    with pytest.raises(InputError, match=r"no scale factors in .*tauadv scale-factors makes them"):
        read_scale_factors(none)
    file = found.folder / "scale_factors.csv"
    text = file.read_text()
    file.write_text(text.replace("0", "1", 1))
    with pytest.raises(InputError, match=r"scale_factors\.csv"):
        read_scale_factors(saved)
    file.write_text(text)


def test_tables_of_different_sets_are_not_compared(table, tmp_path):
    runs = [write_run_of_tables(tmp_path / "mlruns", one) for one in (table, control_table())]
    for number, run in enumerate(runs):
        path = run.artifacts / "predictions" / PREDICTION_FILES[0]
        content = read_record(path.with_name(f"{path.name}.manifest.json"))
        entry = {"name": f"set{number}", "size": 1, "digest": str(number)}
        write_record(path.with_name(f"{path.name}.manifest.json"), content | {"inputs": [entry]})
        (run.artifacts / "working_points.json").write_text(json.dumps(POINTS))
    with pytest.raises(InputError, match=r"the predictions of runs .* and .* are of different sets: .*--control SHARDS"):
        make_scale_factors(runs[0].mlpath, [run.id for run in runs])


def test_efficiencies_above_one_are_reported(table):
    """Three times as much of what is no tau is subtracted below the working point as there is."""
    wrong = table.copy()
    wrong.loc[(wrong["dataset_id"] > 2) & (wrong["Djet"] <= 0.5), "weights"] *= 3
    found = measure_scale_factors(wrong, CONTRIBUTIONS, POINTS, ScaleFactorSettings(normalise=False))
    assert any(one.measured and one.measured.data.value > 1 for one in found.factors)
    (warning,) = found.warnings
    assert "efficiency in data above 100 %" in warning
    assert not measure_scale_factors(table, CONTRIBUTIONS, POINTS).warnings


def test_variations_end_at_zero():
    one = SimpleNamespace(measured=SimpleNamespace(factor=Measured(0.5, 0.7), error=0.9))
    assert [varied(one, syst) for syst in ("nom", "up", "down", "stat_up", "stat_down")] == [0.5, 1.4, 0, 1.2, 0]


def test_nothing_to_measure_is_an_error(table, tmp_path):
    with pytest.raises(InputError, match=r"simulation has .* rows of total weight 0"):
        measure_scale_factors(table.assign(weights=table["weights"] * (table["y"] == 1)), CONTRIBUTIONS, POINTS)
    run = write_run_of_tables(tmp_path / "mlruns", table)
    (run.artifacts / "working_points.json").write_text(json.dumps(POINTS))
    with pytest.raises(InputError, match="no bin gives a number; vs jet Loose, decay mode 0, pt 5000"):
        make_scale_factors(run.mlpath, [run.id], settings=ScaleFactorSettings(pt_edges=(5000, 6000)))
    for edges in ((-5, 100), (20, 1e300)):
        with pytest.raises(ConfigError, match="pt_edges: expected GeV between 0 and 14000"):
            load_settings(ScaleFactorSettings, None, [f"pt_edges={list(edges)}"])
