"""One comparison of untrained networks for all tests that read it."""

import pytest
from evaluation_inputs import small_comparison_settings

from TauAdv.evaluation.adaptation.comparison import compare_runs


@pytest.fixture(scope="session")
def run_ids(runs):
    return {"nominal": runs.nominal.id, "k2=0": runs.fine_tune.id, "adversarial": runs.adversarial.id}


@pytest.fixture(scope="session")
def comparison(runs, sets, run_ids):
    settings = small_comparison_settings()
    return compare_runs(runs.mlruns, run_ids, sets.control, sets.test, reference="k2=0", settings=settings)
