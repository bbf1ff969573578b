"""What figures are uncertain by: where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from control_tables import control_table
from evaluation_inputs import write_set
from specification_region import CONTRIBUTIONS

from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.evaluation.adaptation.pt_weight_errors import PtWeightErrors, pt_weight_errors
from TauAdv.evaluation.adaptation.settings import ComparisonSettings
from TauAdv.evaluation.adaptation.uncertainties import (
    RunUncertainties,
    _chi2_error,
    combined,
    moves_most,
    run_uncertainties,
)
from TauAdv.evaluation.measures.closure import closure_test
from TauAdv.evaluation.measures.closure_bins import closure_in_bins
from TauAdv.evaluation.measures.closure_figures import ClosureFigures
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.shards.store import ShardSet
from TauAdv.tuples.histograms import read_th1, to_hist, write_histograms

SETTINGS = ComparisonSettings(bins=5, bootstrap=100)
RATE, TIGHT, CHI2 = "data/MC, top 50 %", "data/MC, top 20 %", "chi2/ndf, top 50 %"


def with_uncertainty(**relative):
    changed = [entry.model_copy(update={"uncertainty": relative.get(entry.name)}) for entry in CONTRIBUTIONS]
    assert all(isinstance(entry, Contribution) for entry in changed)
    return changed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_are_those_of_the_closure_tests(seed):
    table = control_table(900, 1500, seed, data_power=1.2, weights=lambda rng, n: rng.uniform(0.2, 1.8, n))
    table.loc[table.index[-300:], "dataset_id"] = 5  # not genuine
    figures = ClosureFigures(table, CONTRIBUTIONS, fraction=0.5, tight=0.2, bins=20)
    found = dict(zip(figures.names, figures(), strict=True))
    top, tight = (closure_test(table, CONTRIBUTIONS, fraction=part, bins=20) for part in (0.5, 0.2))
    assert found[RATE] == pytest.approx(top.rate.value)
    assert found[CHI2] == pytest.approx(top.chi2_per_ndf)
    assert found[TIGHT] == pytest.approx(tight.rate.value)
    bins = closure_in_bins(table, CONTRIBUTIONS, {"top": top.edges[0]}, samples=2)
    for quantity, region, name in (("yield", "all scores", "yield"), ("rate", "top", RATE)):
        rows = bins.rows("decay mode", quantity, region)
        for mode in (0, 1):
            assert found[f"{name}, decay mode {mode}"] == pytest.approx(rows.iloc[mode]["value"])


def test_bootstrap_over_events_is_the_statistical_error():
    table = control_table(3000, 4000, 5, weights=lambda rng, n: rng.uniform(0.5, 1.5, n))
    found = run_uncertainties(table, CONTRIBUTIONS, SETTINGS)
    assert list(found.table.columns) == ["events"]
    expected = closure_test(table, CONTRIBUTIONS, bins=5).rate.error
    assert found.table.loc[RATE, "events"] == pytest.approx(expected, rel=0.3)  # of 100 samples


def test_composition_by_hand():
    # two of three genuine taus, and none of the other simulation, are in the region
    score = [0.9, 0.9, 0.1, 0.1, 0.9, 0.5, 0.1, 0.2, 0.2]
    dataset = [0, 0, 0, 0, 1, 1, 1, 5, 5]
    table = pd.DataFrame({"Djet": score, "weights": 1.0, "dataset_id": dataset})
    found = run_uncertainties(table, with_uncertainty(WJ=0.5), SETTINGS)
    assert list(found.table.columns) == ["events", "composition: WJ"]
    # the region holds 2 of 4 data, and 2 of 3 + 2 (1 ± 0.5) simulated taus
    values = [0.5 / (2 / (3 + 2 * factor)) for factor in (1, 1.5, 0.5)]
    assert found.values[RATE] == pytest.approx(values[0])
    assert found.table.loc[RATE, "composition: WJ"] == pytest.approx((values[1] - values[2]) / 2)


def test_pt_weights_by_hand():
    table = control_table(400, 400, 6)
    errors = np.where(table["dataset_id"] == 1, np.where(table["tau_pt"] < 40, 0.1, 0.3), 0.0)
    bins = (table["tau_pt"] >= 40).to_numpy().astype(np.intp)
    found = run_uncertainties(table, CONTRIBUTIONS, SETTINGS, errors, bins)
    figures = ClosureFigures(table, CONTRIBUTIONS, fraction=0.5, tight=0.2, bins=5)
    changes = [
        (figures(np.where(chosen, 1 + error, 1.0)) - figures(np.where(chosen, 1 - error, 1.0))) / 2
        for error, chosen in ((error, (errors == error)) for error in (0.1, 0.3))
    ]
    assert found.table["pT weights"].to_numpy() == pytest.approx(np.hypot(*changes))


def of_run(rate, **parts):
    return RunUncertainties({RATE: rate}, pd.DataFrame({name: [part] for name, part in parts.items()}, index=[RATE]))


def test_sources_are_combined_for_an_entry():
    table = combined({"one": [of_run(0.9, events=0.03)], "three": [of_run(rate, events=0.03) for rate in (1.0, 1.1, 1.2)]})
    rows = table.set_index(["entry", "source"])["uncertainty"]
    assert np.isnan(rows["one", "trainings"])
    assert rows["one", "total"] == pytest.approx(0.03)
    assert rows["three", "trainings"] == pytest.approx(0.1)
    assert rows["three", "total"] == pytest.approx(np.hypot(0.1, 0.03))
    assert table[table["entry"] == "three"]["value"].to_numpy() == pytest.approx(1.1)
    assert moves_most(table)["three"].startswith(f"{RATE} = 1.100 ± 0.104, moved most by trainings (trainings 0.100, events")
    assert "moved most by events" in moves_most(table)["one"]


def test_errors_of_pt_weights_come_from_the_file_of_the_set(tmp_path):
    file = tmp_path / "pt_weights.root"
    write_histograms(file, {"DYT": to_hist([2.0, 4.0], [20, 30, 100], variances=[0.04, 1.0])})
    shards = ShardSet.open(write_set(tmp_path / "control", "adversarial", 50))
    without = pt_weight_errors(shards)
    assert "made without a file of pT weights" in without.missing
    assert without.of_rows(pd.DataFrame({"tau_pt": [1.0], "dataset_id": [1]})) is None
    known = PtWeightErrors({1: read_th1(file, "DYT")})
    errors, bins = known.of_rows(pd.DataFrame({"tau_pt": [25.0, 50.0, 25.0], "dataset_id": [1, 1, 0]}))
    assert errors.tolist() == pytest.approx([0.1, 0.25, 0.0])
    assert bins[0] != bins[1]


def test_a_file_of_pt_weights_that_is_gone_or_another(tmp_path):
    file = tmp_path / "pt_weights.root"
    write_histograms(file, {"DYT": to_hist([2.0], [20, 30], variances=[0.04])})
    folder = tmp_path / "control"
    folder.mkdir()
    settings = {"adversarial_weights": str(file), "contributions": {"1": "DYT"}}
    write_manifest(folder, step="make_shards", settings=settings, inputs=[file])

    class Made:
        def __init__(self):
            from TauAdv.io.manifests.manifest import read_manifest

            self.folder, self.manifest = folder, read_manifest(folder)

    assert pt_weight_errors(Made()).missing == ""
    assert list(pt_weight_errors(Made()).histograms) == [1]
    write_histograms(file, {"DYT": to_hist([3.0, 4.0], [20, 30, 40], variances=[0.04, 1.0])})
    assert "has changed" in pt_weight_errors(Made()).missing
    file.unlink()
    assert "is not there" in pt_weight_errors(Made()).missing


def test_the_error_of_chi2_is_that_of_its_distribution():
    """Noncentral chi2 of 20 degrees of freedom: expectation 20 + lambda, variance 2 (20 + 2 lambda)."""
    rng = np.random.default_rng(3)
    for value in (1.0, 4.0):
        drawn = rng.noncentral_chisquare(20, 20 * (value - 1) + 1e-9, 100_000) / 20
        assert _chi2_error(value, 20) == pytest.approx(drawn.std(), rel=0.02)
