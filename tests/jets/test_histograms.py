import numpy as np
import pytest
from extracted_jets import extracted

from TauAdv.jets.cleaning import is_default
from TauAdv.jets.defaults import fixed_defaults
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.histograms import (
    axis_label,
    column_label,
    fill_histograms,
    jet_spectra,
    scaled_histogram,
    spectrum_histograms,
)
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
    assert axis_label(jets.table.column("track_2_D0")) == "$d_0$, 3rd track [mm]"
    endings = [column_label(jets.table.column(f"track_{number}_D0")).split(", ")[1] for number in (0, 1, 3, 10, 20, 31)]
    assert endings == ["1st track", "2nd track", "4th track", "11th track", "21st track", "32nd track"]
    # significances of the jet are of the tracks ranked by |d0|, stored tracks are by signed d0/sigma: no common name
    for rank, ending in ((2, "2nd"), (3, "3rd")):
        for parameter in "dz":
            label = column_label(jets.table.column(f"track_{rank}_{parameter}0_significance"))
            assert label == rf"${parameter}_0/\sigma$, {ending} in $|d_0|$"


def test_plot_ranges_suit_the_committed_sample(repository, tmp_path):
    """Nearly all of every flavour is inside, and the bulk of all jets takes a fair part of the axis."""
    extract_jets(repository / "tests/data/jets/jets.json.gz", tmp_path / "extracted", ExtractionSettings())
    sample = ExtractedJets.open(tmp_path / "extracted")
    columns = [column for column in sample.table.inputs(1) if column.variable.range is not None]
    jets, default = sample.read(), fixed_defaults(columns)
    present = ~is_default(np.stack([jets[column.name] for column in columns], axis=1), default)
    for number, column in enumerate(columns):
        low, high = column.variable.range
        chosen = present[:, number]
        values = jets[column.name][chosen]
        for flavour in sample.table.flavours:
            of_flavour = values[jets.flavor[chosen] == flavour]
            assert np.mean((of_flavour >= low) & (of_flavour <= high)) > 0.8, (column.name, flavour)
        first, last = np.quantile(np.clip(values, low, high), [0.01, 0.99])
        assert last - first >= 0.2 * (high - low), column.name


def test_weighted_spectra_of_the_flavours_are_equal(jets):
    spectra = jet_spectra(jets, "noweighting")
    np.testing.assert_array_equal(spectra.totals, np.bincount(jets.table.labels(jets.read().flavor)))
    pt, eta = spectrum_histograms(spectra, jets.table.class_names, weighted=True)
    np.testing.assert_allclose(pt.values(), len(jets) / 3)
    np.testing.assert_allclose(pt.variances()[:, 0], (len(jets) / 3) ** 2 / spectra.totals)
    assert eta.axes[1].label.endswith("weighted")
    before, _ = spectrum_histograms(spectra, jets.table.class_names, weighted=False)
    np.testing.assert_array_equal(before.values()[:, 0], spectra.totals)


def test_scaled_inputs_outside_of_the_axis_are_shown(jets):
    column = jets.table.column("jet_pt")
    x = np.float32([-9, -5, 0, 5, 99])
    filled = scaled_histogram(column, ["b", "c"], np.array([0, 0, 1, 1, 1]), x)
    assert filled.sum() == filled.sum(flow=True) == 5
    assert filled.axes[1].label == "jet $p_T$ (scaled)"
