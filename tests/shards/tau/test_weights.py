import hist
import numpy as np
import pytest

from TauAdv.config import validate_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.shards.tau.weights import PtWeights, SpectrumWeights, WeightBins
from TauAdv.tuples.histograms import read_th2, to_hist, write_histograms

ABS_ETA, PT = np.linspace(0, 2.5, 26), np.linspace(20, 1000, 99)
COARSE = WeightBins(pt=[20, 100, 1000], abs_eta=[[0, 1, 2.5], [0, 2.5]])


def spectra(path, **values):
    write_histograms(path, {f"eta_pt_hist_{name}": (content, ABS_ETA, PT) for name, content in values.items()})
    return path


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    target = spectra(tmp_path / "target.root", tau=rng.integers(5, 50, (25, 98)).astype(float))
    observed = spectra(
        tmp_path / "input.root",
        tau=rng.integers(5, 50, (25, 98)).astype(float),
        jet=rng.integers(5, 50, (25, 98)).astype(float),
    )
    return observed, target


def test_weights_turn_the_input_spectrum_into_the_target(files, tmp_path):
    """Fill with the input spectrum, weight, and the target comes out in every coarse bin."""
    weights = SpectrumWeights.from_files(*files, ["tau", "jet"], COARSE)
    observed = read_th2(files[0], "eta_pt_hist_jet").values()
    target = read_th2(files[1], "eta_pt_hist_tau").values()
    eta, pt = np.meshgrid((ABS_ETA[:-1] + ABS_ETA[1:]) / 2, (PT[:-1] + PT[1:]) / 2, indexing="ij")
    weighted = observed * weights("jet", pt.ravel(), -eta.ravel()).reshape(observed.shape)
    for inside in [(pt < 100) & (eta < 1), (pt < 100) & (eta > 1), pt > 100]:
        assert weighted[inside].sum() == pytest.approx(target[inside].sum(), rel=1e-5)


def test_outside_of_the_histogram_the_weight_is_zero(files):
    weights = SpectrumWeights.from_files(*files, ["tau"], COARSE)
    pt, eta = [19.99, 20, 999.9, 1000, 50, 50, -999], [0, 0, 0, 0, 2.5, -2.49, 0]
    np.testing.assert_array_equal(weights("tau", pt, eta) > 0, [False, True, True, False, False, True, False])
    with pytest.raises(InputError, match=r"tau_pt: 1 of 2 values are not finite \(nan\)"):
        weights("tau", [np.nan, 30], [0, 0])
    with pytest.raises(InputError, match=r"tau_eta: 1 of 2 values are not finite \(-inf\)"):
        weights("tau", [30, 30], [0, -np.inf])


def test_empty_bins_are_refused_or_dropped(files, tmp_path):
    content = np.ones((25, 98))
    content[:, 8:] = 0  # nothing from 100 GeV on
    observed = spectra(tmp_path / "sparse.root", tau=content)
    with pytest.raises(InputError, match=r"sparse.root: eta_pt_hist_tau .*2250 of 2450 bins would get weight 0.*empty_bins"):
        SpectrumWeights.from_files(observed, files[1], ["tau"], COARSE)
    weights = SpectrumWeights.from_files(observed, files[1], ["tau"], COARSE, empty_bins="drop")
    assert weights.empty_fraction() == {"tau": 2250 / 2450}
    assert weights("tau", [99, 101], [0, 0])[1] == 0


def test_spread_of_weights_is_limited(files, tmp_path):
    content = np.ones((25, 98))
    content[:, 8:] = 1e5
    observed = spectra(tmp_path / "steep.root", tau=content)
    with pytest.raises(InputError, match=r"maximum over minimum weight is 1\.01e\+05, allowed 10000"):
        SpectrumWeights.from_files(observed, files[1], ["tau"], COARSE, threshold=1e4)


def test_bad_histograms(files, tmp_path):
    observed, target = files
    with pytest.raises(InputError, match="no histogram 'eta_pt_hist_mu'"):
        SpectrumWeights.from_files(observed, target, ["mu"], COARSE)
    zero = spectra(tmp_path / "zero.root", tau=np.zeros((25, 98)))
    with pytest.raises(InputError, match=r"zero.root: eta_pt_hist_tau: all bins are empty"):
        SpectrumWeights.from_files(zero, target, ["tau"], COARSE)
    write_histograms(
        tmp_path / "other.root", {"eta_pt_hist_tau": (np.ones((3, 4)), [0, 1, 2, 2.5], [20, 50, 90, 500, 1000])}
    )
    with pytest.raises(InputError, match=r"its pt axis has no bin edge at \[100.0\]"):
        SpectrumWeights.from_files(tmp_path / "other.root", target, ["tau"], COARSE)


def test_bins_must_rise_and_match():
    with pytest.raises(ConfigError, match="expected one list of edges, or 2"):
        validate_settings(WeightBins, {"pt": [20, 30, 40], "abs_eta": [[0, 1]]}, "test")
    with pytest.raises(ConfigError, match="two or more rising edges"):
        validate_settings(WeightBins, {"pt": [20, 20], "abs_eta": [0, 1]}, "test")
    assert len(WeightBins(pt=[20, 30, 40], abs_eta=[0, 1]).abs_eta_rows()) == 2


@pytest.fixture
def pt_file(tmp_path):
    path = tmp_path / "weights.root"
    # underflow, 3 bins, overflow
    write_histograms(path, {"data": ([1, 1, 1, 1, 1], [30, 40, 50, 60]), "DYT": ([9, 2, 3, 4, 8], [30, 40, 50, 60])})
    return path


def test_pt_weights_include_under_and_overflow(pt_file):
    weights = PtWeights.from_file(pt_file, {0: "data", 1: "DYT"})
    pt = np.array([-999, 29, 30, 39.9, 40, 60, 1e6], np.float32)
    np.testing.assert_array_equal(weights(np.ones(7, int), pt), np.array([9, 9, 2, 2, 3, 8, 8], np.float32))
    with pytest.raises(InputError, match=r"tau_pt: 2 of 3 values are not finite \(nan, inf\)"):
        weights(np.ones(3, int), [np.nan, 30, np.inf])
    np.testing.assert_array_equal(weights([0, 1], [35, 35]), [1, 2])


def test_pt_weights_on_edges_of_equal_bins(tmp_path):
    filled = hist.Hist(hist.axis.Regular(98, 20, 1000))
    filled.view()[...] = np.arange(1, 99)
    write_histograms(tmp_path / "equal.root", {"data": filled})
    weights = PtWeights.from_file(tmp_path / "equal.root", {0: "data"})
    assert weights(np.zeros(98, int), np.arange(20, 1000, 10, dtype=np.float32)).tolist() == list(range(1, 99))


def test_spectrum_weights_on_edges(tmp_path):
    ones, steps = np.ones((25, 98)), np.ones((25, 1)) * np.arange(1, 99)
    files = spectra(tmp_path / "input.root", tau=ones), spectra(tmp_path / "target.root", tau=steps)
    bins = WeightBins(pt=PT.tolist(), abs_eta=[0, 2.5])
    weights = SpectrumWeights.from_files(*files, ["tau"], bins)
    assert weights("tau", np.arange(20, 1000, 10), np.zeros(98)).tolist() == list(range(1, 99))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (-0.8, r"w.root: DYT: 1 of 5 bins whose content is negative: bin 2 \(40 to 50\): -0.8; .*--allow-negative"),
        (np.nan, "1 of 5 bins whose content is not a finite number: bin 2 .*: nan"),
        (-np.inf, "1 of 5 bins whose content is not a finite number: bin 2 .*: -inf"),
        (
            1e39,
            r"does not fit into single precision \(float32\): bin 2 .*: 1e\+39; give weights between 1.2e-38 and 3.4e\+38",
        ),
        (1e-39, r"does not fit into single precision \(float32\): bin 2 .*: 1e-39"),
    ],
)
@pytest.mark.parametrize("allow_negative", [False, True])
def test_contents_that_are_no_weights(tmp_path, content, message, allow_negative):
    write_histograms(tmp_path / "w.root", {"DYT": ([1, 1, content, 1, 1], [30, 40, 50, 60])})
    if content == -0.8 and allow_negative:
        weights = PtWeights.from_file(tmp_path / "w.root", {1: "DYT"}, allow_negative=True)
        assert weights([1, 1], [35, 45]).tolist() == pytest.approx([1, -0.8])
        assert weights.negative_bins == {1: 1}
        return
    with pytest.raises(InputError, match=message):
        PtWeights.from_file(tmp_path / "w.root", {1: "DYT"}, allow_negative=allow_negative)


def test_squared_errors_that_are_none(tmp_path):
    for number, error in enumerate([-1.0, np.nan, np.inf]):
        filled = to_hist([1, 2, 3], [30, 40, 50, 60], variances=[1, error, 1])
        write_histograms(tmp_path / f"{number}.root", {"DYT": filled})
        with pytest.raises(InputError, match=r"1 of 5 bins whose sum of squared weights \(Sumw2\) .*: bin 2 \(40 to 50\): "):
            PtWeights.from_file(tmp_path / f"{number}.root", {1: "DYT"})


def test_negative_bins_of_spectra(tmp_path):
    """Fine bins are summed first; a sum below 0 is an empty bin."""
    ones = np.ones((25, 98))
    some, many = ones.copy(), ones.copy()
    some[0, 0] = -1  # of 10 * 8 fine bins below |eta| 1 and 100 GeV: 79 - 1 = 78
    many[:10, :8] = -1
    target = spectra(tmp_path / "target.root", tau=ones)
    few, most = spectra(tmp_path / "some.root", tau=some), spectra(tmp_path / "many.root", tau=many)
    with pytest.raises(
        InputError, match=r"some.root: eta_pt_hist_tau: 1 of 2700 bins .* bin 1 \(0 to 0.1\) x bin 1 \(20 to 30\)"
    ):
        SpectrumWeights.from_files(few, target, ["tau"], COARSE)
    weights = SpectrumWeights.from_files(few, target, ["tau"], COARSE, allow_negative=True)
    assert weights("tau", [25, 25, 200], [0.05, 0.95, 2]).tolist() == pytest.approx([80 / 78, 80 / 78, 1])
    with pytest.raises(InputError, match=r"80 of 2450 bins would get weight 0"):
        SpectrumWeights.from_files(most, target, ["tau"], COARSE, allow_negative=True)
    weights = SpectrumWeights.from_files(most, target, ["tau"], COARSE, allow_negative=True, empty_bins="drop")
    assert weights("tau", [25, 200], [0, 0]).tolist() == [0, 1]


def test_weights_of_spectra_fit_into_single_precision(tmp_path):
    files = [spectra(tmp_path / f"{value}.root", tau=np.full((25, 98), value)) for value in (1e-30, 1e30)]
    for first, second in (files, files[::-1]):
        with pytest.raises(InputError, match=r"weights of .* does not fit into single precision"):
            SpectrumWeights.from_files(first, second, ["tau"], COARSE)


def test_bad_pt_weights(pt_file):
    with pytest.raises(InputError, match="no histogram 'QCD'"):
        PtWeights.from_file(pt_file, {0: "data", 6: "QCD"})
    with pytest.raises(InputError, match=r"expected one of 0 \(data\), 1 \(DYT\); received \{4: 1\}"):
        PtWeights.from_file(pt_file, {0: "data", 1: "DYT"})([0, 4], [30, 30])
