import numpy as np
from shard_tuples import DATA, JET, MU, NOTHING, TAU, E, tuple_arrays

from TauAdv.shards.tau.selection import SCORE_BRANCH, UNLABELLED, select_taus

CLASSES = {0: "e", 1: "mu", 2: "tau", 3: "jet"}


def test_matched_taus_of_listed_types():
    selection = select_taus(tuple_arrays([E, NOTHING, TAU, JET, DATA, MU]), CLASSES)
    np.testing.assert_array_equal(selection.rows, [0, 2, 3, 5])
    np.testing.assert_array_equal(selection.label, [0, 2, 3, 1])
    np.testing.assert_array_equal(selection.tau_type, [0, 2, 3, 1])
    assert selection.losses["no gen match"] == 1
    assert selection.losses["tau type not listed"] == 1


def test_cut_is_strict_and_in_double():
    arrays = tuple_arrays([TAU] * 4)
    arrays[SCORE_BRANCH] = np.array([0.9, 0.5, np.nan, 0.5000001], np.float32)
    np.testing.assert_array_equal(select_taus(arrays, CLASSES, vs_jet_cut=0.5).rows, [0, 3])
    # float32(0.9) is below 0.9
    np.testing.assert_array_equal(select_taus(arrays, CLASSES, vs_jet_cut=0.9).rows, [])


def test_stored_type_without_recomputation():
    arrays = tuple_arrays([E, TAU])  # both are stored as jets
    np.testing.assert_array_equal(select_taus(arrays, CLASSES, recompute_tautype=False).label, [3, 3])
    np.testing.assert_array_equal(select_taus(arrays, {0: "e"}, recompute_tautype=False).rows, [])


def test_several_types_of_one_class():
    arrays = tuple_arrays([TAU, TAU])
    arrays["sampleType"] = np.array([1, 2], np.int32)
    np.testing.assert_array_equal(select_taus(arrays, {2: "tau", 6: "tau"}).label, [2, 2])


def test_mismatched_taus_are_kept_at_any_score_if_reconstructed():
    arrays = tuple_arrays([NOTHING, TAU, NOTHING])
    arrays["tau_index"] = np.array([0, 0, -1], np.int32)
    arrays[SCORE_BRANCH] = np.array([-1, 0.5, 0.5], np.float32)
    selection = select_taus(arrays, CLASSES, include_mismatched=True)
    np.testing.assert_array_equal(selection.rows, [0, 1])
    np.testing.assert_array_equal(selection.label, [UNLABELLED, 2])
    np.testing.assert_array_equal(selection.tau_type, [-1, 2])


def test_adversarial_labels():
    arrays = tuple_arrays([DATA, TAU, NOTHING])
    selection = select_taus(arrays, {**CLASSES, 8: "data"}, recompute_tautype=False, adversarial=True)
    np.testing.assert_array_equal(selection.rows, [0, 1])
    np.testing.assert_array_equal(selection.label, [1, 0])


def test_every_entry_is_taken_or_lost_once():
    arrays = tuple_arrays(np.random.default_rng(0).integers(0, 6, 200))
    for options in ({}, {"include_mismatched": True}, {"vs_jet_cut": 0.5}):
        selection = select_taus(arrays, {2: "tau"}, **options)
        assert len(selection.rows) + sum(selection.losses.values()) == 200


def test_no_entries():
    selection = select_taus(tuple_arrays([TAU])[:0], CLASSES)
    assert len(selection.rows) == len(selection.label) == 0
