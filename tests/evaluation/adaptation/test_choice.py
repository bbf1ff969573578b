import numpy as np
import pytest
from compared_trainings import metrics_of, write_sweep, write_training

from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.choice import by_strength, choice_table


@pytest.fixture
def mlruns(tmp_path):
    return tmp_path / "mlruns"


def test_trainings_of_a_sweep_by_strength(mlruns):
    parent = write_sweep(mlruns, (1, 10), (1, 2), lambda k2, seed: metrics_of(0.9 + 0.01 * k2 + 0.01 * seed, 1 + 0.01 * k2))
    table = choice_table(mlruns, [parent.id])
    assert list(zip(table["k2"], table["seed"], strict=True)) == [(1, 1), (1, 2), (10, 1), (10, 2)]
    assert table["off"].tolist() == pytest.approx([0.08, 0.07, 0.01, 0.02])
    means = by_strength(table)
    assert means["k2"].tolist() == [1, 10]
    assert means["trainings"].tolist() == [2, 2]
    assert means["off"].tolist() == pytest.approx([0.075, 0.015])
    assert means["off_spread"].tolist() == pytest.approx([0.01 / 2**0.5] * 2)
    assert means["cost"].tolist() == pytest.approx([1.01, 1.1])


def test_the_reference_has_no_cost(mlruns):
    run = write_training(mlruns, "k2=0", "method.k2=0", **metrics_of(0.8))
    table = choice_table(mlruns, [run.id])
    assert np.isnan(table["cost"].tolist()).all()
    assert np.isnan(by_strength(table)["off_spread"]).all()


def test_wrong_runs_are_refused(mlruns):
    unknown = write_training(mlruns, "not compared", "method.k2=1")
    with pytest.raises(InputError, match=r"no metric 'closure/rate_top50': compare it .*tauadv compare"):
        choice_table(mlruns, [unknown.id])
    other = write_training(mlruns, "mmd", method="mmd", **metrics_of(0.9))
    with pytest.raises(InputError, match="was not trained with a strength k2"):
        choice_table(mlruns, [other.id])
    with pytest.raises(InputError, match="no metric 'closure/rate_top20'"):
        choice_table(mlruns, [other.id], region="top20")
    with pytest.raises(InputError, match="received none"):
        choice_table(mlruns, [])
