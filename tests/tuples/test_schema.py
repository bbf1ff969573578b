import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.schema import SCHEMA, branch, collection_of, lowest


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("tau_pt", np.finfo(np.float32).min),
        ("tau_decayMode", np.iinfo(np.int32).min),
        ("tau_index", -1),
        ("pfCand_index", -1),
        ("genLepton_lastMotherIndex", -1),
        ("tau_byDeepTau2017v2p1VSjet", 0),
        ("photon_hasPixelSeed", False),
        ("mytauType", np.iinfo(np.int32).min),
    ],
)
def test_absent_value(name, absent):
    assert branch(name).absent == absent
    assert np.array(branch(name).absent, dtype=branch(name).dtype) == absent


def test_units_and_types_are_those_known():
    assert {entry.unit for entry in SCHEMA.values()} == {"", "GeV", "cm", "rad"}
    assert all(entry.unit == "" for entry in SCHEMA.values() if entry.dtype.kind != "f")
    assert branch("pfCand_pt").jagged
    assert not branch("tau_pt").jagged


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("pfCand_pt", "pfCand"),
        ("sv_cands_svIdx", "sv_cands"),
        ("jet_subJet_pt", "jet_subJet"),
        ("pfCand_of_mine", "pfCand"),
        ("other_thing", "other_thing"),
    ],
)
def test_collection(name, collection):
    assert collection_of(name) == collection


def test_unknown_branch_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'tau_decayMode'"):
        branch("tau_decaymode")


def test_lowest_of_the_types():
    assert lowest(np.dtype("float64")) == np.finfo(np.float64).min
    assert lowest(np.dtype("uint16")) == 0
