"""Curves of disturbed candidates, from the table that a study of robustness leaves in a run."""

import numpy as np
import pytest
from evaluation_inputs import write_run_of_tables
from performance_inputs import labelled_table

from TauAdv.errors import InputError
from TauAdv.evaluation.performance.curves import measure_performance
from TauAdv.evaluation.performance.files import read_performance
from TauAdv.evaluation.performance.labelled import LabelledTaus
from TauAdv.evaluation.performance.report import write_performance
from TauAdv.evaluation.performance.settings import PerformanceSettings
from TauAdv.evaluation.predictions.files import write_table_file

SETTINGS = PerformanceSettings(against=("jet",), pt_bins=((20, 100),))
PROBABILITIES = ["p_e", "p_mu", "p_tau", "p_jet"]


def stored(raw, attacked):
    """Return the table of both, as a study of robustness stores it."""
    table = raw.drop(columns=[*PROBABILITIES, "Djet", "tau_dz"]).rename(columns={"y": "label", "weights": "weight"})
    for name, of in (("raw", raw), ("FGSM", attacked)):
        table = table.assign(**{f"{name}_{column}": of[column] for column in PROBABILITIES})
    return table


def test_disturbed_candidates_are_curves_of_their_own(tmp_path):
    raw = labelled_table(2000)
    attacked = raw.assign(**{name: np.roll(raw[name], 1) for name in PROBABILITIES})  # tells nothing any more
    run = write_run_of_tables(tmp_path / "mlruns", raw, contributions=None)
    with pytest.raises(InputError, match=r"expected one table of predictions, found 0; .*tauadv robustness makes them"):
        write_performance(run.mlpath, run.id, settings=SETTINGS, disturbed=True)
    path = run.artifacts / "predictions" / "robustness_test_00000000.parquet"
    write_table_file(path, stored(raw, attacked).to_parquet, {"step": "evaluate_robustness", "settings": {"run": run.id}})
    write_performance(run.mlpath, run.id, settings=SETTINGS, disturbed=True, working_points="2018v2p5")
    found = read_performance(run.artifacts / "performance.json")
    assert [curve.disturbance for curve in found.curves] == ["", "FGSM"]
    (alone,) = measure_performance(LabelledTaus.of(attacked, "attacked"), SETTINGS).curves
    assert found.curves[1].auc.value == pytest.approx(alone.auc.value)
    assert found.curves[0].auc.value > 0.9 > 0.6 > alone.auc.value
