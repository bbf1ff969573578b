"""Skims against the outputs of the reference script: which taus pass, and every value of every branch."""

import json

import awkward as ak
import numpy as np
import pytest
from same_arrays import assert_same_arrays

from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.schema import ADDED, SCHEMA
from TauAdv.tuples.selection import parse_selection
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow

RAW = {"DYtaus": "DY", "DYmu": "DY", "TTtaus": "TT", "TTjets": "TT", "Wjets": "WJ", "QCD": "QCD", "SingleMuon": "SingleMuon"}


def selection_and_type(oracle, name):
    """Return the documented selection of a sample, and the tau type that it asks for."""
    documented = json.loads((oracle / "settings.json").read_text())["skim_selection"]
    wanted = documented["mytauType"][name]
    terms = [documented["base"], documented["veto"], *([] if wanted is None else [f"mytauType=={wanted}"])]
    return " && ".join(terms), wanted


FORMATS = dict.fromkeys(RAW, "rntuple") | {"DYtaus": "ttree", "SingleMuon": "ttree"}  # a TTree is slower to write


@pytest.fixture(params=RAW)
def skimmed(request, oracle, tmp_path):
    """Name of a sample, the reference's survivors and output, and our output."""
    name = request.param
    selection, wanted = selection_and_type(oracle, name)
    module = None if wanted is None else "recompute_tautype.py:compute"
    output = tmp_path / f"{name}.root"
    skim(
        oracle / "input" / f"raw_{RAW[name]}.root",
        output,
        SkimSettings(sel=selection, processing_module=module, comp_algo="zstd", format=FORMATS[name]),
    )
    survivors = np.load(oracle / "expected" / "skim_survivors.npz")
    key = next(key.removesuffix("__evt") for key in survivors if key.startswith(name) and key.endswith("__evt"))
    reference = oracle / "expected" / "skim" / f"{name}_skimmed.root"
    return (
        name,
        {part.removeprefix(f"{key}__"): survivors[part] for part in survivors if part.startswith(key)},
        reference,
        output,
    )


def test_survivors_types_and_contents(skimmed, oracle):
    name, survivors, reference, output = skimmed
    found = read(output)
    raw = read(oracle / "input" / f"raw_{RAW[name]}.root", ["evt"])
    np.testing.assert_array_equal(np.asarray(raw["evt"])[survivors["input_entry"]], survivors["evt"])
    np.testing.assert_array_equal(np.asarray(found["evt"]), survivors["evt"])
    assert ("mytauType" in survivors) == ("mytauType" in found.fields)
    if "mytauType" in survivors:
        np.testing.assert_array_equal(np.asarray(found["mytauType"]), survivors["mytauType"])
    assert_same_arrays(found, read(reference))


def test_documented_selection_needs_double_literals(oracle):
    """With float literals, or in float32, other taus pass: the test data hold taus one float32 step from the cuts."""
    documented = json.loads((oracle / "settings.json").read_text())["skim_selection"]["base"]
    selection = parse_selection(documented)
    cuts = {"tau_byDeepTau2017v2p1VSjetraw": 0.90, "tau_byDeepTau2017v2p1VSeraw": 0.1686942, "tau_eta": 2.3}
    expected = {"tau_byDeepTau2017v2p1VSjetraw": False, "tau_byDeepTau2017v2p1VSeraw": False, "tau_eta": True}
    passing = {
        "tau_byDeepTau2017v2p1VSjetraw": 0.95, "tau_byDeepTau2017v2p1VSeraw": 0.5, "tau_byDeepTau2017v2p1VSmuraw": 0.9,
        "tau_pt": 40, "tau_eta": 0,
    }  # fmt: skip
    flags = {"tau_decayModeFindingNewDMs": 1, "tau_decayMode": 10, "tau_index": 0}
    for name, edge in cuts.items():
        taus = {branch: np.array([value], np.float32) for branch, value in (passing | {name: edge}).items()}
        taus |= {branch: np.array([value], np.int32) for branch, value in flags.items()}
        assert selection(taus).tolist() == [expected[name]], name
    assert parse_selection("tau_byDeepTau2017v2p1VSmuraw>0.8754835")(
        {"tau_byDeepTau2017v2p1VSmuraw": np.array([0.8754835], np.float32)}
    ).tolist() == [True]


@pytest.mark.parametrize(("format", "source"), [("ttree", "input/tauTuple"), ("rntuple", "expected/skim/QCD_skimmed")])
def test_round_trip_of_every_branch(oracle, tmp_path, format, source):
    """std::vector (input), RVec (skim of ROOT), leaf arrays and RNTuple (ours) read alike."""
    original = read(oracle / f"{source}.root")
    half = len(original) // 2
    with TupleWriter(tmp_path / "copy.root", format=format) as writer:
        writer.extend(original[:half])
        writer.extend(original[half:])
    copy = TupleReader(tmp_path / "copy.root")
    assert copy.branches == original.fields
    assert_same_arrays(read(tmp_path / "copy.root"), original)
    some = ["pfCand_pt", "evt", "tau_decayMode", "photon_passElectronVeto"]
    assert_same_arrays(next(copy.iterate(some, step_size=half)), original[:half][some])


def test_schema_is_the_reference_tuple(oracle):
    listed = json.loads((oracle / "branches.json").read_text())
    tuples, added = listed.values()
    types = {"float": "float32", "double": "float64"}
    for table, expected in ((SCHEMA, tuples), (ADDED, added)):
        assert set(table) == set(expected)
        for name, kind in expected.items():
            plain = kind.removeprefix("std::vector<").removesuffix(">").removesuffix("_t")
            assert (table[name].jagged, str(table[name].dtype)) == (kind.startswith("std::vector"), types.get(plain, plain))


def test_jagged_branches_of_a_group_have_one_length(oracle):
    arrays = read(oracle / "input" / "tauTuple.root")
    lengths = {}
    for name, entry in SCHEMA.items():
        if entry.jagged:
            counts = ak.num(arrays[name])
            np.testing.assert_array_equal(counts, lengths.setdefault(entry.group, counts), err_msg=name)
    assert "pfCand" in lengths


def test_absent_values(oracle):
    """The reference tuple has no boosted candidates and no large-radius jets: their branches hold the absent value."""
    absent = {name: entry for name, entry in SCHEMA.items() if entry.group in ("boostedTau", "fatJet") and not entry.jagged}
    arrays = read(oracle / "input" / "tauTuple.root", list(absent))
    for name, entry in absent.items():
        np.testing.assert_array_equal(np.asarray(arrays[name]), np.array(entry.absent, dtype=entry.dtype), err_msg=name)
