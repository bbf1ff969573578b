"""``ta.closure``, ``ta.roc``, ``ta.attack``, ``ta.plot``: the figures of the library's own functions."""

import numpy as np
import pandas as pd
import pytest
from specification_region import CONTRIBUTIONS

import TauAdv as ta
from TauAdv.attacks.fgsm import Fgsm
from TauAdv.errors import ConfigError, InputError, InputWarning
from TauAdv.evaluation.measures.closure import closure_test
from TauAdv.evaluation.measures.roc import roc_curve
from TauAdv.evaluation.predictions.tables import apply_run
from TauAdv.evaluation.robustness.predictions import predict_disturbed
from TauAdv.evaluation.robustness.settings import RobustnessSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(taus):
    tagger = ta.tagger(taus.classifier)
    return tagger.predict(ta.shards(taus.control)), tagger.predict(ta.shards(taus.test))


def test_closure(taus, tables):
    expected = closure_test(tables[0], CONTRIBUTIONS, bins=4)
    assert ta.closure(tables[0], ta.shards(taus.control), bins=4) == expected
    assert ta.closure(tables[0], CONTRIBUTIONS, bins=4) == expected
    apply_run(taus.classifier.mlpath, taus.classifier.id, taus.control, batch_size=100, not_adversarial=True)
    assert ta.closure(taus.classifier, bins=4).ndf == expected.ndf
    with pytest.raises(InputError, match="expected the set of shards"):
        ta.closure(tables[0])


def test_roc(tables):
    table = tables[1]
    score = table["p_tau"].astype("f8") / (table["p_tau"].astype("f8") + table["p_jet"].astype("f8"))
    tau, jet = (table["y"] == 2).to_numpy(), (table["y"] == 3).to_numpy()
    expected = roc_curve(score[tau], score[jet], table["weights"][tau], table["weights"][jet])
    received = ta.roc(table)
    assert np.array_equal(received.mis_id, expected.mis_id)
    assert np.array_equal(ta.roc(table, efficiencies=[0.5], weighted=False).efficiency, [0.5])
    with pytest.raises(InputError, match=r"no class 'jets'.*did you mean 'jet'"):
        ta.roc(table, background="jets")
    with pytest.raises(InputError, match="adversarial set"):
        ta.roc(tables[0])


def test_a_table_joined_with_itself(taus, tables):
    for table, measure in zip(tables, (lambda table: ta.closure(table, CONTRIBUTIONS), ta.roc), strict=True):
        with pytest.warns(InputWarning, match=f"{len(table)} of {2 * len(table)} rows are there before"):
            measure(pd.concat([table, table]))


@pytest.mark.parametrize(("column", "value"), [("weights", "a"), ("weights", np.nan), ("p_tau", "a")])
def test_columns_that_are_no_numbers(tables, column, value):
    with pytest.raises(InputError, match=f"'{column}'"):
        ta.roc(tables[1].assign(**{column: value}))


@pytest.mark.parametrize("options", [{"significance": 5.0}, {"power": 0.0}, {"relevant_shift": -1.0}])
def test_options_of_the_agreement(tables, options):
    with pytest.raises(InputError, match=f"{next(iter(options))}: expected a number between 0 and"):
        ta.closure(tables[0], CONTRIBUTIONS, **options)


def test_curves_at_other_efficiencies(tables):
    curves = {"a": ta.roc(tables[1]), "b": ta.roc(tables[1], efficiencies=[0.5])}
    with pytest.raises(InputError, match="curve 'b' is at other efficiencies than 'a'"):
        ta.plot.roc(curves)


@pytest.mark.parametrize("edges", [[1.0, 0.0], [0.5], [0.1, np.nan], [[0.0, 1.0]], ["a", "b"]])
def test_edges_that_are_none(tables, edges):
    with pytest.raises(InputError, match="edges"):
        ta.closure(tables[0], CONTRIBUTIONS, edges=edges)


@pytest.mark.parametrize("efficiencies", [[], [2.0], [np.nan], "a", [None]])
def test_efficiencies_that_are_none(tables, efficiencies):
    with pytest.raises(InputError, match="signal efficiencies"):
        ta.roc(tables[1], efficiencies=efficiencies)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_tau": np.nan}, "3 of 3 values of 'p_tau' are not finite, in rows 0, 1, 2"),
        ({"p_jet": [0.1, np.nan, 0.2]}, "1 of 3 values of 'p_jet' are not finite, in rows 1"),
        ({"p_tau": [0.5, 0.5, 2.0]}, "1 of 3 values of 'p_tau' are no probabilities between 0 and 1, in rows 2"),
    ],
)
def test_roc_of_values_that_are_no_probabilities(change, message):
    table = pd.DataFrame({"y": [0, 1, 1], "weights": 1.0, "p_tau": [0.9, 0.1, 0.2], "p_jet": [0.1, 0.9, 0.8]})
    table.attrs.update(kind="classification", classes=("tau", "jet"))
    with pytest.raises(InputError, match=message):
        ta.roc(table.assign(**change))
    with pytest.raises(InputError, match="signal and background are both 'tau'"):
        ta.roc(table, "tau", "tau")


def test_plots(taus, tables, tmp_path):
    figures = {
        "closure": ta.plot.closure(tables[0], ta.shards(taus.control), bins=5),
        "roc": ta.plot.roc({"one": ta.roc(tables[1]), "e": ta.roc(tables[1], background="e")}, "one"),
    }
    for name, figure in figures.items():
        paths = ta.plot.save(figure, tmp_path, name)
        assert [path.name for path in paths] == [f"{name}.pdf", f"{name}.png"]
    with pytest.raises(InputError, match="expected one of the curves one"):
        ta.plot.roc({"one": ta.roc(tables[1])}, "two")


def test_attacked_jets_are_those_of_the_robustness_report(jets):
    tagger, shards = ta.tagger(jets.run), ta.shards(jets.test)
    settings = RobustnessSettings(disturbances={"FGSM": Fgsm(eps=0.05)}, batch_size=128)
    expected = predict_disturbed({"one": tagger.model}, shards, settings).probabilities["FGSM", "one", "one"]
    attacked = ta.attack(tagger, shards, "fgsm", eps=0.05, batch_size=128)
    table = tagger.predict(attacked, batch_size=128)
    assert np.array_equal(table[["p_b", "p_c", "p_udsg"]].to_numpy(), expected)
    assert table["y"].tolist() == shards.columns(["label"])["label"].tolist()
    clean = tagger.predict(shards, batch_size=128)
    curves = [ta.roc(each, "b", "udsg", efficiencies=[0.7]) for each in (clean, table)]
    assert curves[1].mis_id > curves[0].mis_id


def test_attacked_taus(taus):
    tagger, shards = ta.tagger(taus.classifier), ta.shards(taus.test).head(30)
    attacked = ta.attack(tagger, shards, "pgd", eps=0.1, steps=2, batch_size=16)
    clean, _ = shards.take(slice(None))
    assert np.array_equal(attacked.inputs()["inner_index"], clean.as_inputs()["inner_index"])
    assert np.abs(attacked.inputs()["tau"] - clean.tau).max() > 0
    assert tagger.predict(attacked)["evt"].tolist() == shards.columns(["evt"])["evt"].tolist()


def test_attacks_that_there_are_not(jets):
    tagger, shards = ta.tagger(jets.run), ta.shards(jets.test)
    with pytest.raises(ConfigError, match="fgsn"):
        ta.attack(tagger, shards, "fgsn")
    with pytest.raises(ConfigError, match="step"):
        ta.attack(tagger, shards, "pgd", step=3)
