import numpy as np
import pytest

from TauAdv.domain.discriminators import choose_discriminators, discriminators_of
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.scores import djet

P = np.array([[0.5, 0.3, 0.2], [0.0, 0.9, 0.1], [0.0, 1.0, 0.0]])


def named(classes=("b", "c", "udsg")):
    return {one.name: one for one in discriminators_of(classes)}


def test_those_of_jets():
    found = named()
    assert list(found) == ["BvsL", "BvsC", "CvsB", "CvsL", "b_vs_rest", "c_vs_rest", "udsg_vs_rest"]
    assert found["BvsL"].score(P) == pytest.approx([5 / 7, 0, 0])  # 0 where both are 0
    assert found["BvsC"].score(P) == pytest.approx([5 / 8, 0, 0])
    assert found["CvsB"].score(P) == pytest.approx([3 / 8, 1, 1])
    assert found["CvsL"].score(P) == pytest.approx([3 / 5, 0.9, 1])
    assert found["c_vs_rest"].score(P) == pytest.approx(P[:, 1])


def test_sides_hold_the_two_classes_only():
    label = np.array([2, 0, 1, 0, 2])
    signal, background = named()["BvsL"].sides(label)
    assert (signal.tolist(), background.tolist()) == ([1, 3], [0, 4])
    signal, background = named()["b_vs_rest"].sides(label)
    assert (signal.tolist(), background.tolist()) == ([1, 3], [0, 2, 4])


def test_those_of_taus_are_the_scores_of_the_tau_side():
    found = named(("e", "mu", "tau", "jet"))
    p = np.random.default_rng(1).dirichlet(np.ones(4), 50)
    assert found["tau_vs_jet"].score(p).tolist() == djet(p).tolist()
    assert set(found) == {"tau_vs_e", "tau_vs_mu", "tau_vs_jet", "tau_vs_rest"}


def test_an_absent_class_is_named():
    with pytest.raises(InputError, match=r"my set: no rows of c among 2, which BvsC needs"):
        named()["BvsC"].sides(np.array([0, 2]), "my set")


def test_bad_names_and_shapes():
    with pytest.raises(InputError, match="did you mean 'BvsL'"):
        choose_discriminators(("b", "c", "udsg"), ["BvsLL"])
    with pytest.raises(InputError, match=r"expected shape \[n, 3\]"):
        named()["BvsL"].score(np.ones((4, 2)))
    assert [one.name for one in choose_discriminators(("b", "c", "udsg"), ["CvsL"])] == ["CvsL"]
