import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.production.spectrum import EVENT_DROP_EDGES
from TauAdv.production.targets import read_target

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
