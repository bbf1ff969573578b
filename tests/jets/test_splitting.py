import numpy as np
import pytest
from extracted_jets import extracted
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.jets.columns import concatenate_jets
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.splitting import assign_sets, jet_ids, pulls

FRACTIONS = (0.72, 0.08, 0.20)


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    return ExtractedJets.open(extracted(tmp_path_factory.mktemp("jets") / "jets", 300)).read()


@given(st.permutations(range(40)), st.lists(st.integers(0, 40), max_size=3), st.integers(0, 9))
def test_the_set_of_a_jet_depends_neither_on_order_nor_on_blocks(jets, order, cuts, seed):
    some = jets.take(np.arange(0, 280, 7))
    whole = assign_sets(jet_ids(some), FRACTIONS, seed)
    blocks = [some.take(np.array(part, int)) for part in np.split(np.array(order), sorted(cuts))]
    split = np.concatenate([assign_sets(jet_ids(block), FRACTIONS, seed) for block in blocks])
    np.testing.assert_array_equal(split, whole[order])


def test_jets_differ_and_copies_do_not(jets):
    ids = jet_ids(jets)
    assert len(np.unique(ids)) == len(jets)
    np.testing.assert_array_equal(jet_ids(concatenate_jets([jets, jets])), np.tile(ids, 2))


def test_the_number_of_extracted_tracks_does_not_matter(tmp_path):
    ids = [jet_ids(ExtractedJets.open(extracted(tmp_path / str(k), 50, n_tracks=k)).read()) for k in (1, 6)]
    np.testing.assert_array_equal(*ids)


def test_spellings_of_zero_and_nan_do_not_matter(jets):
    one, other = jets.take(slice(0, 5)), jets.take(slice(0, 5))
    one.values[:, 8], other.values[:, 8] = 0.0, -0.0
    one.values[:, 9], other.values[:, 9] = np.nan, -np.float32(np.nan)
    np.testing.assert_array_equal(jet_ids(one), jet_ids(other))


def test_fractions_and_independence_of_seeds():
    ids = np.random.default_rng(1).integers(0, 2**64, 100_000, dtype=np.uint64)
    sets = [assign_sets(ids, FRACTIONS, seed) for seed in (1, 2)]
    counts = np.array([np.bincount(each, minlength=3) for each in sets])
    assert (abs(pulls(counts, FRACTIONS)) < 4).all()
    both = ((sets[0] == 2) & (sets[1] == 2)).mean()
    assert both == pytest.approx(0.2**2, abs=4 * np.sqrt(0.04 / 1e5))


def test_consecutive_numbers_are_as_good_as_random_ones():
    counts = np.bincount(assign_sets(np.arange(100_000, dtype=np.uint64), FRACTIONS, 3), minlength=3)
    assert (abs(pulls(counts[None], FRACTIONS)) < 4).all()


def test_pulls():
    np.testing.assert_allclose(pulls(np.array([[60, 0, 40]]), [0.5, 0.0, 0.5]), [[2, 0, -2]])
    np.testing.assert_array_equal(pulls(np.array([[7, 0, 0]]), [1.0, 0.0, 0.0]), [[0, 0, 0]])
