import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from TauAdv.errors import InputError
from TauAdv.evaluation.robustness.attacked import AttackedBatch
from TauAdv.evaluation.robustness.input_shapes import InputShapes, kl_divergence
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import JetTable


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30).filter(
        lambda c: sum(a for a, _ in c)
    )
)
def test_divergence_is_that_of_scipy(counts):
    raw, disturbed = np.array(counts).T
    expected = entropy(raw, np.where((raw > 0) & (disturbed == 0), 1, disturbed))
    assert kl_divergence(raw, disturbed) == pytest.approx(expected, abs=1e-12)
    assert kl_divergence(raw, raw) == pytest.approx(0, abs=1e-12)


def test_divergence_of_nothing_and_of_bad_counts():
    assert kl_divergence([0, 0], [1, 2]) == 0
    with pytest.raises(InputError, match="equal shapes"):
        kl_divergence([1, 2], [1])
    with pytest.raises(InputError, match="negative"):
        kl_divergence([1, -2], [1, 1])


@pytest.fixture(scope="module")
def features():
    table = JetTable.load()
    size = len(table.inputs(1))
    rng = np.random.default_rng(3)
    return JetFeatures(table, 1, np.zeros(size), rng.normal(size=size), rng.uniform(0.5, 2, size), np.zeros(size, bool))


def batch(features, n, disturbance, shift=0.0, start=0, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(features))).astype("f4")
    absent = rng.random((n, len(features))) < 0.3
    columns = {"label": rng.integers(0, 3, n), "weight": rng.uniform(0.5, 2, n).astype("f4")}
    clean = {"x": x, "x_default": absent}
    moved = {**clean, "x": np.where(absent, x, x + np.float32(shift))}
    return AttackedBatch(disturbance, "a", slice(start, start + n), clean, moved, columns)


@pytest.mark.parametrize("weighted", [False, True])
def test_histograms_are_those_of_numpy_in_physical_units(features, weighted):
    shapes = InputShapes(features, ["vertex_mass", "jet_p*"], weighted=weighted)
    assert shapes.names == ["vertex_mass", "jet_pt", "jet_prob"]
    for disturbance, shift in (("raw", 0.0), ("FGSM", 0.4)):
        for start, seed in ((0, 1), (400, 2)):
            shapes.observe(batch(features, 400, disturbance, shift, start, seed))
    filled = shapes.histogram("vertex_mass", "a")
    number, (low, high) = features.names.index("vertex_mass"), features.table.column("vertex_mass").variable.range
    both = [batch(features, 400, "FGSM", 0.4, start, seed) for start, seed in ((0, 1), (400, 2))]
    x, absent = (np.concatenate([one.inputs[key][:, number] for one in both]) for key in ("x", "x_default"))
    label, weight = (np.concatenate([one.columns[key] for one in both]) for key in ("label", "weight"))
    physical = x.astype(float) * features.std[number] + features.mean[number]
    for flavour, name in enumerate(("b", "c", "udsg")):
        rows = (label == flavour) & ~absent
        used = weight[rows].astype(float) if weighted else np.ones(rows.sum())
        expected, _ = np.histogram(physical[rows], 50, (low, high), weights=used)
        squares, _ = np.histogram(physical[rows], 50, (low, high), weights=used**2)
        assert filled["FGSM", name, :].values() == pytest.approx(expected)
        assert filled["FGSM", name, :].variances() == pytest.approx(squares)
        assert filled["FGSM", name, :].values(flow=True).sum() == pytest.approx(used.sum())
    assert filled.axes[2].label == "vertex mass [GeV]"


def test_divergences_are_those_of_the_histograms(features):
    shapes = InputShapes(features, ["jet_eta", "track_0_QOVERP"])
    for disturbance, shift in (("raw", 0.0), ("noise", 0.5)):
        shapes.observe(batch(features, 500, disturbance, shift))
    table = shapes.divergences("a").set_index(["disturbance", "input", "flavour"])["kl"]
    filled = shapes.histogram("track_0_QOVERP", "a")
    raw, now = (filled[name, "c", :].values() for name in ("raw", "noise"))
    assert table["noise", "track_0_QOVERP", "c"] == pytest.approx(kl_divergence(raw, now))
    raw, now = (filled[name, sum, :].values() for name in ("raw", "noise"))
    assert table["noise", "track_0_QOVERP", "all"] == pytest.approx(kl_divergence(raw, now))
    assert len(table) == 2 * 4


def test_rows_beyond_the_limit_are_left_out(features):
    shapes = InputShapes(features, ["jet_pt"], most_rows=300)
    for start in (0, 200, 400):
        shapes.observe(batch(features, 200, "raw", start=start))
    assert shapes.rows == 400  # the batch that holds row 300 counts whole


def test_unknown_inputs(features):
    with pytest.raises(InputError, match="no input 'jet_q'"):
        InputShapes(features, ["jet_q"])
    with pytest.raises(InputError, match="no histogram of 'jet_eta'"):
        InputShapes(features, ["jet_pt"]).histogram("jet_eta", "a")
