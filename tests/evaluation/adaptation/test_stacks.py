import numpy as np
import pytest

from TauAdv.evaluation.adaptation.stacks import stacks_of

pytestmark = pytest.mark.slow


def test_scores_are_those_of_the_table(comparison):
    result = comparison.results["adversarial"]
    stacks = {stack.name: stack.histogram for stack in stacks_of(result, comparison.contributions)}
    assert list(stacks) == ["Djet", "Djet_top", "De", "De_top", "Dmu", "Dmu_top", "yadv"]
    data = result.control[result.control["y"] == 1]
    against_e = data["p_tau"] / (data["p_tau"] + data["p_e"])
    assert stacks["De"]["data", :].values() == pytest.approx(np.histogram(against_e, 40, (0, 1))[0])
    assert np.diff(stacks["Djet_top"].axes[1].edges) == pytest.approx(np.full(40, 0.0025))
    for name in ("Djet", "De", "Dmu"):
        whole = stacks[name].values(flow=True).sum(axis=1)
        names = list(stacks[name].axes[0])
        assert sum(whole[number] for number, each in enumerate(names) if each != "data") == pytest.approx(len(data))
        inside = sum(stacks[name]["data", :].values()[-4:])  # the last tenth is what the other range shows
        assert stacks[f"{name}_top"]["data", :].values().sum() == pytest.approx(inside)


def test_a_run_without_adversarial_head_has_no_histogram_of_it(comparison):
    names = [stack.name for stack in stacks_of(comparison.results["nominal"], comparison.contributions)]
    assert "yadv" not in names
