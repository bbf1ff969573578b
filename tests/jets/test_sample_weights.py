import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.errors import InputError
from TauAdv.jets.sample_weights import Spectra, binning

#: Jets of the dataset: b, c, udsg, and target / h_f of the first bin (jet-flavour specification, sections 1 and 4).
JETS = np.array([4_516_046, 1_377_833, 5_598_092])
RATIOS = np.array([1.20306087, 1.03700855, 0.83023747])


def test_check_values_of_the_specification():
    """Counts in the proportions of the dataset: 1 / ratio of each flavour's jets in the first bin, the rest in the last."""
    bins = binning("ptetaflavloss")
    scale = 10**9
    counts = np.zeros((3, 2500), np.int64)
    counts[:, 0] = np.round(scale * 1e-3 / RATIOS * JETS / JETS.sum())
    counts[:, -1] = np.round(scale * JETS / JETS.sum()) - counts[:, 0]
    spectra = Spectra(bins, counts)
    assert (1 / RATIOS).sum() == pytest.approx(3, abs=1e-7)
    np.testing.assert_allclose(spectra.shape_weights()[:, 0], RATIOS, rtol=1e-5)
    np.testing.assert_allclose(spectra.class_weights, [0.84823, 2.78020, 0.68428], atol=5e-6)
    np.testing.assert_allclose(spectra.weights()[:, 0], [1.02047533, 2.88309547, 0.5681141], rtol=1e-5)


def test_bins_of_the_methods():
    assert binning("ptetaflavloss").shape == (50, 50)
    alternative = binning("altptetaflavloss")
    assert alternative.shape == (50, 32)
    assert alternative.pt[:3] == (20, 25, 30)
    assert alternative.pt[-8:] == (350, 400, 450, 500, 600, 700, 800, 900)
    assert binning("noweighting").shape == (1, 1)


@given(arrays(np.int64, (3, 6), elements=st.integers(0, 50)))
def test_weights_are_finite_and_positive_whatever_bins_are_empty(filled):
    counts = np.zeros((3, 2500), np.int64)
    counts[:, :6] = filled
    counts[:, 100] = 1
    weights = Spectra(binning("ptetaflavloss"), counts).weights()
    assert np.isfinite(weights).all()
    assert (weights > 0).all()


@given(arrays(np.int64, (3, 5), elements=st.integers(1, 1000)))
def test_weighted_spectra_of_all_flavours_are_equal_and_the_sum_is_kept(filled):
    counts = np.zeros((3, 2500), np.int64)
    counts[:, 7:12] = filled
    weighted = counts * Spectra(binning("ptetaflavloss"), counts).weights()
    np.testing.assert_allclose(weighted[0], weighted[1], rtol=1e-12)
    np.testing.assert_allclose(weighted[0], weighted[2], rtol=1e-12)
    assert weighted.sum() == pytest.approx(counts.sum())


@given(st.lists(st.integers(0, 60), max_size=3))
def test_blocks_add_up(cuts):
    rng = np.random.default_rng(4)
    group, eta, pt = rng.integers(0, 3, 60), rng.uniform(-3, 3, 60), rng.uniform(10, 1000, 60)
    bins = binning("altptetaflavloss")
    whole = Spectra.of(bins, 3, group, eta, pt)
    parts = [Spectra.of(bins, 3, *part) for part in zip(*(np.split(x, sorted(cuts)) for x in (group, eta, pt)), strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    np.testing.assert_array_equal(total.counts, whole.counts)
    np.testing.assert_array_equal(whole.totals, np.bincount(group, minlength=3))


def test_jets_outside_of_all_bins_are_told_nan_among_them():
    eta = np.array([0, 2.5, -2.5, 2.51, -2.51, np.nan, 0, 0, 0, 0, 0, 0, np.inf])
    pt = np.array([50, 20, 900, 50, 50, 50, np.nan, 19.9, 901, -5, np.inf, 50, 50], np.float32)
    expected = [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]
    assert binning("ptetaflavloss").outside(eta, pt).tolist() == [bool(value) for value in expected]


def test_bins_are_those_of_a_histogram_and_jets_outside_belong_to_the_nearest():
    rng = np.random.default_rng(5)
    eta, pt = rng.uniform(-2.5, 2.5, 1000), rng.uniform(20, 900, 1000)
    bins = binning("ptetaflavloss")
    expected, *_ = np.histogram2d(eta, pt, bins=[bins.eta, bins.pt])
    np.testing.assert_array_equal(np.bincount(bins.find(eta, pt), minlength=2500).reshape(50, 50), expected)
    np.testing.assert_array_equal(bins.find(np.array([-9, 9]), np.array([5, 2000])), [0, 2499])


def test_flavour_without_jets_is_refused():
    counts = np.zeros((3, 2500), np.int64)
    counts[:2, 3] = 5
    with pytest.raises(InputError, match="no training jets of flavour number 2"):
        Spectra(binning("ptetaflavloss"), counts).weights()
