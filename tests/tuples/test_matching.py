import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.matching import MATCHING_BRANCHES, GenMatch, TauType, delta_r, gen_match, recompute_tau_type, tau_type


def entry(**changes):
    """One simulated hadronic tau at its generated one; keywords change branches."""
    values = {
        "genLepton_index": 0, "genLepton_kind": 5,
        "genLepton_vis_pt": 30.0, "genLepton_vis_eta": 1.0, "genLepton_vis_phi": 3.1,
        "genJet_index": -1, "tau_eta": 1.0, "tau_phi": 3.1, "sampleType": 1,
    }  # fmt: skip
    assert set(values) == set(MATCHING_BRANCHES)
    return {
        name: np.array([value], np.int32 if isinstance(value, int) else np.float32)
        for name, value in (values | changes).items()
    }


BELOW_8, BELOW_15 = (float(np.nextafter(np.float32(edge), np.float32(0))) for edge in (8, 15))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({}, GenMatch.TAU),
        ({"genLepton_vis_pt": 15.0}, GenMatch.TAU),
        ({"genLepton_vis_pt": BELOW_15}, GenMatch.NONE),
        ({"genLepton_kind": 4, "genLepton_vis_pt": 8.0}, GenMatch.TAU_MUON),
        ({"genLepton_kind": 1, "genLepton_vis_pt": BELOW_8}, GenMatch.NONE),
        ({"tau_phi": -3.1}, GenMatch.TAU),
        ({"tau_eta": 1.21}, GenMatch.NONE),
        ({"tau_eta": 1.21, "genJet_index": 0}, GenMatch.NONE),
        ({"tau_eta": 1.21, "genLepton_kind": 9}, GenMatch.NONE),
        ({"genLepton_index": -1, "genJet_index": 0}, GenMatch.JET),
        ({"genLepton_index": -1, "genJet_index": 0, "genLepton_kind": 9}, GenMatch.JET),
        ({"genLepton_index": -1}, GenMatch.NONE),
    ],
)
def test_match(changes, match):
    assert gen_match(entry(**changes)).tolist() == [match]


def test_absent_angles_are_no_match():
    lowest = float(np.finfo(np.float32).min)
    assert gen_match(entry(tau_eta=lowest, tau_phi=lowest)).tolist() == [GenMatch.NONE]


@pytest.mark.parametrize("kind", [0, 6, -2147483648])
def test_unknown_kind_at_the_tau_is_an_error(kind):
    with pytest.raises(InputError, match=f"genLepton_kind: expected 1 to 5.*received {kind} in 1 of 1"):
        gen_match(entry(genLepton_kind=kind))


def test_distance_in_float64_wraps_once():
    assert delta_r(0.0, 3.0, 0.0, -3.0) == pytest.approx(2 * np.pi - 6)
    assert delta_r(np.float32(0.1), 0, 0, 0).dtype == np.float64
    assert delta_r(3.0, 1.0, 0.0, 5.0) == pytest.approx(np.hypot(3, 2 * np.pi - 4))


def test_type_of_simulation_embedded_and_data():
    assert recompute_tau_type(entry()).tolist() == [TauType.TAU]
    assert recompute_tau_type(entry(sampleType=2)).tolist() == [TauType.EMB_TAU]
    no_lepton = {"genLepton_index": -1}
    assert recompute_tau_type(entry(sampleType=0, **no_lepton)).tolist() == [TauType.NONE]
    assert recompute_tau_type(entry(sampleType=0, genJet_index=2, **no_lepton)).tolist() == [TauType.DATA]


def test_combinations_that_cannot_occur_are_all_listed():
    with pytest.raises(InputError) as error:
        tau_type(np.array([5, 1, 2, 2, 6]), np.array([0, 2, 2, 2, 7]))
    message = str(error.value)
    assert "match 5 (TAU) in sampleType 0 (DATA): 1" in message
    assert "match 1 (ELECTRON) in sampleType 2 (EMBEDDED): 1" in message
    assert "match 2 (MUON) in sampleType 2 (EMBEDDED): 2" in message
    assert "match 6 (JET) in sampleType 7 (unknown): 1" in message
