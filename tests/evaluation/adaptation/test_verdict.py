"""What the first lines say, for results of which the answer is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from TauAdv.evaluation.adaptation.verdict import verdict_lines
from TauAdv.evaluation.measures.agreement import Agreement
from TauAdv.evaluation.measures.statistics import Measured

SEEN = {"disagree": (1e-6, (0.95, 1.05)), "agree": (0.4, (0.95, 1.05)), "too few taus": (0.4, (0.5, 1.5))}


def result(rate, verdict, *, ratio=None, shape=0.5, error=0.02, yields=(0.5, 0.9, 1.01), worst=1.37):
    p_value, seen = SEEN[verdict]
    agreement = Agreement(p_value, p_value, p_value, 20, seen)
    assert agreement.verdict == verdict
    p_yield, deviations, value = yields
    mode = {"variable": "decay mode", "bin": "decay mode 0", "deviations": deviations}
    of_shape = {"quantity": "shape", "region": "top 50 %", "p_value": shape, "value": worst, "error": 0.09}
    of_yield = {"quantity": "yield", "region": "all scores", "p_value": p_yield, "value": value, "error": 0.05}
    pair = {"variable": "decay mode and pT", "bin": "decay mode 0, pT below 30 GeV", "deviations": 9.0}
    table = pd.DataFrame([mode | of_shape, mode | of_yield, pair | of_yield])
    bins = SimpleNamespace(table=table, global_p_value={"shape": shape, "yield": p_yield})
    return SimpleNamespace(
        closure=SimpleNamespace(agreement=agreement, rate=Measured(rate, error)),
        details=SimpleNamespace(bins=bins),
        mis_id_ratio=None if ratio is None else (Measured(ratio, 0.05),),
    )


def lines(**results_of):
    first = next(iter(results_of.values()))[0]
    settings = SimpleNamespace(top_fraction=0.5, working_points=(0.7, 0.9))
    sources = {"events": 0.04, "composition: QCD": 0.03, "trainings": np.nan, "total": 0.05}
    rows = [(entry, "data/MC, top 50 %", 0.8, source, value) for entry in results_of for source, value in sources.items()]
    comparison = SimpleNamespace(
        settings=settings,
        results_of=results_of,
        agreement=first.closure.agreement,
        reference="nominal",
        uncertainties=pd.DataFrame(rows, columns=["entry", "figure", "value", "source", "uncertainty"]),
        not_varied=("pT weights: no file",),
    )
    return verdict_lines(comparison)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("disagree", "yes, data and simulation disagree"),
        ("agree", "nothing is seen"),
        ("too few taus", "too few taus to tell"),
    ],
)
def test_whether_there_is_something_to_repair_comes_first(verdict, words):
    first = lines(nominal=[result(0.8, verdict)])[0]
    assert first.startswith("Something to repair: ")
    assert words in first
    assert "data/MC = 0.800 ± 0.020 in the top 50 % of the score" in first


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (["agree"], "yes in the region as a whole"),
        (["disagree"], "no, data and simulation disagree"),
        (["too few taus"], "too few taus to speak of agreement"),
        (["agree", "disagree", "agree"], "by 2 of 3 trainings"),
    ],
)
def test_whether_it_was_repaired(after, words):
    found = lines(nominal=[result(0.8, "disagree")], adapted=[result(1.0, verdict) for verdict in after])
    (line,) = [line for line in found if line.startswith("Repaired by adapted")]
    assert words in line


def test_without_a_disagreement_before_nothing_is_called_repaired():
    found = lines(nominal=[result(0.98, "agree")], adapted=[result(1.0, "agree")])
    assert any("Repaired by adapted: not known" in line for line in found)


def test_bins_that_compensate_each_other_are_named():
    found = lines(nominal=[result(0.8, "disagree")], adapted=[result(1.0, "agree", shape=1e-4)])
    assert any("score of adapted does not close in every bin (p = 0.0001)" in line for line in found)
    assert any("Farthest off: decay mode 0, top 50 %: data/MC = 1.37 ± 0.09" in line for line in found)
    assert any("score of nominal closes in every bin" in line for line in found)


def test_bins_of_an_entry_are_those_of_all_its_trainings():
    trainings = [result(1.0, "agree", shape=p, worst=value) for p, value in ((0.3, 1.1), (1.4e-4, 1.5), (0.01, 1.2))]
    (line,) = [line for line in lines(nominal=[result(0.8, "disagree")], adapted=trainings) if "score of adapted" in line]
    assert "does not close in every bin in 2 of 3 trainings (smallest p = 0.00014)" in line
    assert "Farthest off: decay mode 0, top 50 %: data/MC = 1.50 ± 0.09" in line
    closing = [result(1.0, "agree", shape=p) for p in (0.3, 0.2)]
    (line,) = [line for line in lines(nominal=[result(0.8, "disagree")], adapted=closing) if "score of adapted" in line]
    assert "closes in every bin in 2 of 2 trainings (smallest p = 0.2)" in line


def test_yields_are_named_once_for_all_runs():
    off = {"yields": (0.001, 6.5, 1.28)}
    found = lines(nominal=[result(0.8, "disagree", **off)], adapted=[result(1.0, "agree", **off)] * 2)
    (line,) = [line for line in found if line.startswith("Yields")]
    assert "too few taus of decay mode 0 (data/MC = 1.28 ± 0.05, 6.5 standard deviations)" in line
    assert line.endswith("Adaptation cannot repair yields.")
    found = lines(nominal=[result(0.8, "disagree", yields=(0.001, -4.0, 0.8))])
    assert any("too many taus of decay mode 0 (data/MC = 0.80 ± 0.05, 4.0 standard" in line for line in found)
    assert any("has the taus of all bins (p = 0.5)" in line for line in lines(nominal=[result(0.8, "disagree")]))


@pytest.mark.parametrize(("ratio", "words"), [(1.2, "more jets pass than"), (0.8, "fewer jets"), (1.05, "as many")])
def test_cost(ratio, words):
    found = lines(nominal=[result(0.8, "disagree")], adapted=[result(1.0, "agree", ratio=ratio)])
    (line,) = [line for line in found if line.startswith("Cost of ")]
    assert words in line
    assert f"at 70 % efficiency (ratio {ratio:.2f} ± 0.05)" in line


def test_what_is_most_uncertain_and_what_is_not_known():
    one, spread = [result(0.8, "disagree")], [result(rate, "agree") for rate in (0.9, 1.0, 1.1)]
    words = "data/MC, top 50 % = 0.800 ± 0.050, moved most by events (events 0.040, composition: QCD 0.030)."
    assert lines(nominal=one)[-2:] == [f"Most uncertain of nominal: {words}", "Not known: pT weights: no file."]
    found = lines(nominal=one, adapted=spread)
    assert [line for line in found if line.startswith("Most uncertain")] == [f"Most uncertain of adapted: {words}"]


def test_a_cost_without_jets_is_not_known():
    found = lines(nominal=[result(0.8, "disagree")], strong=[result(1.0, "agree", ratio=0.0)])
    assert "Cost of strong: not known, no jet of the test set passes at 70 % efficiency." in found


def test_trainings_share_the_error_of_the_test_set():
    """Ratios 1.05 and 1.051, each ± 0.05: their small spread makes no difference of it."""
    found = lines(nominal=[result(0.8, "disagree")], strong=[result(1.0, "agree", ratio=ratio) for ratio in (1.05, 1.051)])
    assert any(line.startswith("Cost of strong: as many jets pass as") for line in found)
