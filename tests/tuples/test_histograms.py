import hist
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.histograms import read_th1, read_th2, to_hist, write_histograms

EDGES = [30, 35, 50, 100]
ETA = [0, 1.5, 2.5]


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(2)
    weighted = hist.Hist(hist.axis.Variable(EDGES, name="pt"), storage=hist.storage.Weight())
    weighted.fill(rng.uniform(10, 150, 100), weight=rng.uniform(0, 2, 100))
    contents = {
        "mt_inclusive/EMB": weighted,
        "plain": (np.arange(5.0), EDGES),
        "inner": (np.array([1.0, 2, 3]), EDGES),
        "spectrum": (np.arange(20.0).reshape(4, 5), ETA, EDGES),
    }
    write_histograms(tmp_path / "h.root", contents)
    return tmp_path / "h.root", weighted


def test_contents_with_under_and_overflow(file):
    path, weighted = file
    found = read_th1(path, "mt_inclusive/EMB")
    np.testing.assert_array_equal(found.values(flow=True), weighted.values(flow=True))
    np.testing.assert_array_equal(found.variances(flow=True), weighted.variances(flow=True))
    assert found.axes[0].edges.tolist() == EDGES
    assert read_th1(path, "plain").values(flow=True).tolist() == [0, 1, 2, 3, 4]
    assert read_th1(path, "inner").values(flow=True).tolist() == [0, 1, 2, 3, 0]


def test_two_dimensions(file):
    found = read_th2(file[0], "spectrum")
    np.testing.assert_array_equal(found.values(flow=True), np.arange(20.0).reshape(4, 5))
    assert [axis.edges.tolist() for axis in found.axes] == [ETA, EDGES]


def test_missing_and_wrong_kind_list_what_is_there(file):
    with pytest.raises(InputError, match=r"no histogram 'mt_inclusive/EMBB' \(did you mean 'mt_inclusive/EMB'\?\)") as error:
        read_th1(file[0], "mt_inclusive/EMBB")
    assert "TH1 in this file: mt_inclusive/EMB, plain, inner" in str(error.value)
    with pytest.raises(InputError, match="'plain' is a TH1D, not a TH2; TH2 in this file: spectrum"):
        read_th2(file[0], "plain")
    with pytest.raises(InputError, match="cannot be read"):
        read_th1(file[0].with_name("lost.root"), "plain")


def test_variances_given():
    found = to_hist([1, 2, 3], EDGES, variances=[4, 5, 6])
    assert found.variances().tolist() == [4, 5, 6]
    assert found.values(flow=True).tolist() == [0, 1, 2, 3, 0]


@pytest.mark.parametrize(("values", "edges"), [([1, 2], EDGES), (np.ones(6), EDGES), ([1], [1, 1]), ([1], [1])])
def test_shapes_that_do_not_fit(values, edges):
    with pytest.raises(InputError, match="histogram"):
        to_hist(values, edges)
