"""Numbers of y stand for the classes of the tagger, whatever the order of the columns."""

import itertools

import numpy as np
import pandas as pd
import pytest

import TauAdv as ta
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.class_names import class_names


def perfect(names: tuple[str, ...]) -> pd.DataFrame:
    """Return 10 rows of each class, with probability 1 for their own."""
    label = np.repeat(np.arange(len(names)), 10)
    columns = {f"p_{name}": (label == number).astype(float) for number, name in enumerate(names)}
    return pd.DataFrame({"y": label, "weights": np.linspace(1, 2, len(label)), **columns})


@pytest.mark.parametrize("order", list(itertools.permutations(["p_e", "p_mu", "p_tau", "p_jet"])))
def test_the_order_of_columns_does_not_matter(order):
    table = perfect(("e", "mu", "tau", "jet"))[["y", "weights", *order]]
    assert class_names(table) == ("e", "mu", "tau", "jet")
    for background in ("jet", "e", None):
        assert not ta.roc(table, "tau", background, efficiencies=[0.5, 0.99]).mis_id.any()


def test_jets_are_known_as_well():
    assert not ta.roc(perfect(("b", "c", "udsg")).iloc[:, ::-1], "b", "udsg", efficiencies=[0.5]).mis_id.any()


def test_what_a_tagger_wrote_comes_first():
    table = perfect(("jet", "mu", "tau", "e"))
    table.attrs["classes"] = ("jet", "mu", "tau", "e")
    assert not ta.roc(table, efficiencies=[0.5]).mis_id.any()


def test_classes_of_ones_own():
    table = perfect(("s", "g"))
    with pytest.raises(InputError, match=r"expected the columns p_e, p_mu, .*received p_s, p_g; name them with classes="):
        ta.roc(table, "s", "g")
    assert not ta.roc(table, "s", "g", classes=["s", "g"], efficiencies=[0.5]).mis_id.any()
    with pytest.raises(InputError, match="each name once"):
        ta.roc(table, "s", "g", classes=["s", "s"])
    with pytest.raises(InputError, match="no column p_b; the classes s, g, b"):
        ta.roc(table, "s", "g", classes=["s", "g", "b"])


def test_a_probability_that_is_missing_is_no_other_numbering():
    table = perfect(("e", "mu", "tau", "jet"))
    with pytest.raises(InputError, match="received p_mu, p_tau, p_jet"):
        ta.roc(table.drop(columns="p_e"))
    table.attrs["classes"] = ("e", "mu", "tau", "jet")
    with pytest.raises(InputError, match="no column p_e"):
        ta.roc(table.drop(columns="p_e"))
