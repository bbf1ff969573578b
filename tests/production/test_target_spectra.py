from itertools import pairwise

import hist
import numpy as np
import pytest
import uproot

from TauAdv.errors import InputError
from TauAdv.production.spectrum import EVENT_DROP_EDGES
from TauAdv.production.target_spectra import read_target
from TauAdv.tuples.histograms import write_histograms

EDGES = list(EVENT_DROP_EDGES)


def test_target_is_read_with_its_flow(make_targets_file):
    contents = np.arange(17) + 0.5
    assert np.array_equal(read_target(make_targets_file(mt__EMB=contents), "mt/EMB", EDGES).contents, contents)


def test_missing_target_lists_those_there_are(make_targets_file):
    file = make_targets_file(mt_inclusive__EMB=np.ones(17), mt_inclusive__W=np.ones(17))
    with pytest.raises(InputError, match=r"no histogram 'mt_inclusive/EMBED'.*mt_inclusive/EMB, mt_inclusive/W"):
        read_target(file, "mt_inclusive/EMBED", EDGES)


def test_finer_bins_are_summed_on_request(make_targets_file):
    fine = np.arange(20, 451, 5, dtype=np.float64)
    contents = np.arange(fine.size + 1, dtype=np.float64)
    file = make_targets_file(EMB=(contents, fine))
    with pytest.raises(InputError, match="use --rebin"):
        read_target(file, "EMB", EDGES)
    target = read_target(file, "EMB", EDGES, rebin=True)
    assert target.contents.sum() == contents.sum()
    assert target.contents[0] == contents[:3].sum()
    assert target.contents[1] == contents[3]
    assert target.contents[-1] == contents[np.searchsorted(fine, 400) + 1 :].sum()


@pytest.mark.parametrize("edges", [[30.0, 40.0, 400.0], [31.0, *EDGES[1:]], list(np.linspace(0, 400, 12))])
@pytest.mark.parametrize("rebin", [False, True])
def test_other_bins_are_refused(make_targets_file, edges, rebin):
    file = make_targets_file(EMB=(np.ones(len(edges) + 1), edges))
    with pytest.raises(InputError, match="cannot be summed into these"):
        read_target(file, "EMB", EDGES, rebin=rebin)


@pytest.mark.parametrize(
    ("bins", "low", "high"), [(370, 30, 400), (74, 30, 400), (400, 0, 400), (76, 20, 400), (1000, 0, 1000)]
)
def test_equal_bins_are_summed(tmp_path, bins, low, high):
    contents = np.arange(bins + 2, dtype=np.float64)
    axis = hist.axis.Regular(bins, low, high)
    filled = hist.Hist(axis)
    filled.view(flow=True)[...] = contents
    write_histograms(tmp_path / "datacard.root", {"EMB": filled})
    target = read_target(tmp_path / "datacard.root", "EMB", EDGES, rebin=True)
    width = (high - low) / bins
    first = [0, *(1 + round((edge - low) / width) for edge in EDGES), bins + 2]  # bins from here on, whole numbers of GeV
    assert target.contents.tolist() == [contents[a:b].sum() for a, b in pairwise(first)]
    assert target.edges.tolist() == EDGES


def test_edges_that_are_the_same_but_for_rounding(make_targets_file):
    contents = np.arange(17) + 0.5
    close = np.nextafter(EDGES, np.inf)
    target = read_target(make_targets_file(EMB=(contents, close)), "EMB", EDGES)
    assert target.edges.tolist() == EDGES
    assert target.contents.tolist() == contents.tolist()


def test_the_targets_of_users(reference_data):
    file = reference_data / "cases/histograms/regular_targets.root"
    with uproot.open(file) as opened:
        keys = opened.keys(cycle=False)
        totals = {key: opened[key].values(flow=True).sum() for key in keys}
    for key in keys:
        bins, low, high = map(int, key.split("_")[1:])
        if high < EDGES[-1] or any((edge - low) % ((high - low) / bins) for edge in EDGES):
            with pytest.raises(InputError, match="cannot be summed into these, no edge is at"):
                read_target(file, key, EDGES, rebin=True)
        else:
            assert read_target(file, key, EDGES, rebin=True).contents.sum() == totals[key]
