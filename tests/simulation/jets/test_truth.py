import numpy as np
import pytest

from TauAdv.simulation.jets.truth import has_quark, reduce_jet_record


@pytest.mark.parametrize(
    ("pdg_id", "flavour"),
    [(511, 5), (-521, 5), (531, 5), (5122, 5), (-5332, 5), (10531, 5), (553, 5), (411, 4), (-421, 4), (4122, 4), (443, 4)],
)
def test_heavy_hadrons(pdg_id, flavour):
    assert has_quark(np.array([pdg_id]), flavour).all()
    assert not has_quark(np.array([pdg_id]), 9 - flavour).any()


@pytest.mark.parametrize("pdg_id", [5, 4, 21, 22, 211, 321, 2212, 3122, 13, 24])
def test_others(pdg_id):
    assert not has_quark(np.array([pdg_id]), 4).any()
    assert not has_quark(np.array([pdg_id]), 5).any()


def test_only_the_last_hadron_of_a_chain_counts():
    # B* -> B -> D -> pions, and a second event with a B of its own
    record = {
        "event": np.array([0, 0, 0, 0, 1]),
        "pdg_id": np.array([513, 511, -411, 211, 521]),
        "status": np.array([-83, -91, -91, 91, -83]),
        "mother": np.array([-1, 0, 1, 2, -1]),
        **{name: np.arange(1.0, 6.0) for name in ("px", "py", "pz")},
        "energy": np.arange(1.0, 6.0) * 3,
        **{name: np.zeros(5) for name in ("vx", "vy", "vz")},
    }
    hadrons = reduce_jet_record(record)[2]
    np.testing.assert_array_equal(hadrons["event"], [0, 0, 1])
    np.testing.assert_array_equal(sorted(hadrons["flavour"][:2]), [4, 5])
    np.testing.assert_allclose(np.sort(hadrons["pt"]), np.array([2, 3, 5]) * np.sqrt(2), rtol=1e-6)


def test_generated_top_pairs_have_two_b_hadrons(jet_events):
    hadrons = jet_events[2]
    number = np.bincount(hadrons["event"][hadrons["flavour"] == 5], minlength=50)
    assert np.median(number) == 2
    assert (np.diff(hadrons["event"]) >= 0).all()
