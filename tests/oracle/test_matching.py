"""Generator match and tau type against the tables of the reference."""

import json

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.matching import MATCHING_BRANCHES, GenMatch, SampleType, gen_match, recompute_tau_type, tau_type
from TauAdv.tuples.reader import read

THROWS = -999


@pytest.fixture(scope="module")
def match_table(oracle):
    table = np.load(oracle / "expected" / "gen_match_table.npz")
    columns = {
        "genLepton_index": table["idx"],
        "genLepton_kind": table["kind"],
        "genJet_index": table["gj"],
        "genLepton_vis_pt": table["vis_pt"],
        "genLepton_vis_eta": table["vis_eta"],
        "genLepton_vis_phi": table["vis_phi"],
        "tau_eta": table["tau_eta"],
        "tau_phi": table["tau_phi"],
    }
    return columns, table["match"]


def test_match_of_every_call_that_returns(match_table):
    columns, match = match_table
    returns = match != THROWS
    found = gen_match({name: column[returns] for name, column in columns.items()})
    np.testing.assert_array_equal(found, match[returns])
    assert set(np.unique(found)) == {int(member) for member in GenMatch}


def test_every_call_that_throws_raises(match_table):
    columns, match = match_table
    throws = np.flatnonzero(match == THROWS)
    assert len(throws)
    for entry in throws:
        with pytest.raises(InputError, match="genLepton_kind"):
            gen_match({name: column[entry : entry + 1] for name, column in columns.items()})


def test_tau_type_table(oracle):
    table = json.loads((oracle / "expected" / "tautype_table.json").read_text())["GenMatchToTauType"]
    assert {int(match) for match in table} == {int(member) for member in GenMatch} - {int(GenMatch.NONE)}
    for match, types in table.items():
        assert {int(sample) for sample in types} == {int(member) for member in SampleType}
        for sample, expected in types.items():
            entry = np.array([int(match)]), np.array([int(sample)])
            if expected == THROWS:
                with pytest.raises(InputError, match="cannot occur"):
                    tau_type(*entry)
            else:
                assert tau_type(*entry).tolist() == [expected]


def test_recomputed_types_of_the_mixed_tuple(oracle):
    survivors = np.load(oracle / "expected" / "skim_survivors.npz")
    arrays = read(oracle / "input" / "tauTuple.root", [*MATCHING_BRANCHES, "evt"])
    np.testing.assert_array_equal(np.asarray(arrays["evt"]), survivors["tauTuple__evt"])
    np.testing.assert_array_equal(recompute_tau_type(arrays), survivors["tauTuple__mytauType"])
