import numpy as np
import pytest
from extracted_jets import extracted

from TauAdv.jets.histograms import axis_label, fill_histograms, jet_spectra, scaled_histogram, spectrum_histograms
from TauAdv.jets.parts import ExtractedJets


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    return ExtractedJets.open(extracted(tmp_path_factory.mktemp("jets") / "jets", 200, part_lines=64))


def test_histograms_hold_every_value_that_is_not_absent(jets):
    names = ["jet_eta", "n_tracks_over_d0_threshold", "track_0_D0", "track_4_QOVERP", "vertex_mass"]
    read, filled = jets.read(), fill_histograms(jets, names)
    for name in names:
        default = jets.table.column(name).variable.default
        values = read[name][np.isfinite(read[name])]
        values = values[values > default] if isinstance(default, float) else values
        assert filled[name].sum(flow=True) == len(values)
    for flavour, value in ((5, "b"), (4, "c"), (0, "udsg")):
        assert filled["track_0_D0"][value, :].sum(flow=True) == (read.flavor == flavour).sum()
    assert filled["vertex_mass"].sum(flow=True) == 0  # no vertices in these jets


def test_range_and_bins(jets):
    filled = fill_histograms(jets, ["jet_pt", "track_0_QOVERP", "n_tracks_over_d0_threshold"])
    assert filled["jet_pt"].axes[1].edges[[0, -1]].tolist() == [0, 300]  # of the table
    values = jets.read()["track_0_QOVERP"].astype(float)
    edges = filled["track_0_QOVERP"].axes[1].edges
    assert edges[0] <= max(values.min(), values.mean() - 4 * values.std())
    assert edges[-1] >= min(values.max(), values.mean() + 4 * values.std())
    counts = filled["n_tracks_over_d0_threshold"].axes[1]
    np.testing.assert_allclose(counts.centers, np.arange(11), atol=1e-9)


def test_labels(jets):
    assert axis_label(jets.table.column("jet_pt")) == "jet $p_T$ [GeV]"
    assert axis_label(jets.table.column("track_2_D0")) == "$d_0$, track 3 [mm]"


def test_weighted_spectra_of_the_flavours_are_equal(jets):
    spectra = jet_spectra(jets, "noweighting")
    np.testing.assert_array_equal(spectra.totals, np.bincount(jets.table.labels(jets.read().flavor)))
    pt, eta = spectrum_histograms(spectra, jets.table.class_names, weighted=True)
    np.testing.assert_allclose(pt.values(), len(jets) / 3)
    assert eta.axes[1].label.endswith("weighted")
    before, _ = spectrum_histograms(spectra, jets.table.class_names, weighted=False)
    np.testing.assert_array_equal(before.values()[:, 0], spectra.totals)


def test_scaled_inputs_outside_of_the_axis_are_shown(jets):
    column = jets.table.column("jet_pt")
    x = np.float32([-9, -5, 0, 5, 99])
    filled = scaled_histogram(column, ["b", "c"], np.array([0, 0, 1, 1, 1]), x)
    assert filled.sum() == filled.sum(flow=True) == 5
    assert filled.axes[1].label == "jet $p_T$ (scaled)"
