import hist
import numpy as np
import pytest
import uproot
from uproot.writing.identify import to_TAxis, to_TH1x

from TauAdv.errors import InputError
from TauAdv.tuples.histograms import Histogram, read_th1, read_th2, to_hist, write_histograms

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
    with pytest.raises(InputError, match=r"histogram contents|bin edges"):
        to_hist(values, edges)


def root_histogram(contents, *, bins=3, low=0.0, high=3.0, edges=None, squares=None):
    """Return a TH1D with any members, also those that no program would write."""
    axis = to_TAxis("xaxis", "", bins, low, high, fXbins=None if edges is None else np.array(edges, ">f8"))
    squares = None if squares is None else np.array(squares, ">f8")
    return to_TH1x(None, "", np.array(contents, ">f8"), 1.0, 1.0, 1.0, 0.0, 0.0, squares, axis)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes one object as ``h`` and returns the path."""

    def write(content):
        with uproot.recreate(tmp_path / "h.root") as file:
            file["h"] = content
        return tmp_path / "h.root"

    return write


def test_equal_bins_stay_equal_bins(written, tmp_path):
    path = written(hist.Hist(hist.axis.Regular(25, 0, 2.5)))
    found = read_th1(path, "h").axes[0]
    assert found.regular
    # TAxis::GetBinLowEdge: low + (bin - 1) * width
    assert found.edges.tolist() == [*(0.0 + number * (2.5 / 25) for number in range(25)), 2.5]
    write_histograms(tmp_path / "again.root", {"h": read_th1(path, "h")})
    with uproot.open(tmp_path / "again.root") as file:
        axis = file["h"].member("fXaxis")
        assert (axis.member("fNbins"), axis.member("fXmin"), axis.member("fXmax")) == (25, 0, 2.5)
        assert len(axis.member("fXbins")) == 0


def test_squared_weights_are_optional(written):
    without = read_th1(written(root_histogram([1, 2, -3, 4, 5])), "h")
    assert without.squares is None
    assert without.variances().tolist() == [2, 3, 4]
    with_them = read_th1(written(root_histogram([1, 2, 3, 4, 5], squares=[5, 6, 7, 8, 9])), "h")
    assert with_them.variances(flow=True).tolist() == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (root_histogram([1] * 5, edges=[0, 2, 1, 3]), r"h.root: h: x axis: bin edges .*\[0.0, 2.0, 1.0, 3.0\]"),
        (root_histogram([1] * 5, edges=[0, 1, 1, 3]), "x axis: bin edges must be at least two finite, rising"),
        (root_histogram([1] * 5, edges=[0, 1, 2, np.inf]), "x axis: bin edges must be .*inf"),
        (root_histogram([1] * 5, edges=[0, 1, np.nan, 3]), "x axis: bin edges must be .*nan"),
        (root_histogram([1] * 5, high=0.0), r"x axis: bin edges must be .*\[0.0, 0.0\]"),
        (root_histogram([1] * 5, high=np.inf), "x axis: bin edges must be .*inf"),
        (root_histogram([1] * 5, edges=[0, 1, 3]), "x axis: 3 bins with 3 edges; it is damaged"),
        (root_histogram([1] * 2, bins=0), "x axis: an axis needs at least one bin"),
        (root_histogram([1] * 4), "contents: expected 5 numbers for its bins, found 4"),
        (root_histogram([1] * 5, squares=[1] * 3), r"Sumw2\): expected 5 numbers for its bins, found 3"),
        (hist.Hist(hist.axis.StrCategory(["data", "DYT"])), r"x axis has labels \(data, DYT\), expected numeric bins"),
        (hist.Hist(hist.axis.Regular(2, 0, 1), storage=hist.storage.WeightedMean()), "'h' is a TProfile, not a TH1"),
        (uproot.as_TGraph({"x": np.ones(3), "y": np.ones(3)}), "'h' is a TGraph, not a TH1; TH1 in this file: none"),
        (hist.Hist.new.Reg(2, 0, 1).Reg(2, 0, 1).Double(), "'h' is a TH2D, not a TH1"),
    ],
)
def test_histograms_that_cannot_be_used(written, content, message):
    with pytest.raises(InputError, match=message):
        read_th1(written(content), "h")


def test_a_damaged_histogram_is_named(written):
    path = written(root_histogram([1] * 5))
    whole = path.read_bytes()
    with uproot.open(path) as file:
        key = file.key("h")
        at = key.fSeekKey + key.fKeylen
    path.write_bytes(whole[: at + 20] + b"\xff" * 30 + whole[at + 50 :])  # beyond the header of the compressed object
    with pytest.raises(InputError, match=r"h.root: histogram 'h' cannot be read, it may be damaged"):
        read_th1(path, "h")


def test_values_of_a_histogram_in_memory():
    histogram = Histogram((), np.arange(9.0).reshape(3, 3), None)
    assert histogram.values().tolist() == [[4]]
    assert histogram.variances().tolist() == [[4]]


def test_versions_of_a_histogram(tmp_path):
    path = tmp_path / "versions.root"
    with uproot.recreate(path) as file:
        for content in (1.0, 2.0):
            file["a/b"] = np.array([content]), np.array([0.0, 1.0])
    assert [read_th1(path, key).values()[0] for key in ("a/b", "/a/b", "a/b;1", "a/b;2")] == [2.0, 2.0, 1.0, 2.0]
    with pytest.raises(InputError, match="no histogram 'a/b;3'"):
        read_th1(path, "a/b;3")
