"""Event drop against the reference: thresholds, random numbers, survivors and whole outputs."""

import json

import awkward as ak
import numpy as np
import pytest

from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.spectrum import EVENT_DROP_EDGES
from TauAdv.production.uniforms import ROOT_SEED, root_uniforms
from TauAdv.tuples.reader import read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drops(oracle):
    """The drops of the reference: name -> (histogram, entries read or None for all)."""
    found = json.loads((oracle / "settings.json").read_text())["drop"]
    return {name: (histogram, None if n_tau == "all" else n_tau) for name, (histogram, n_tau) in found.items()}


@pytest.fixture(scope="module")
def outputs(oracle, drops, tmp_path_factory):
    """Our manifests and outputs of the same drops, with ROOT's random numbers."""
    folder, made = tmp_path_factory.mktemp("drop"), {}
    for name, (histogram, n_tau) in drops.items():
        skimmed = oracle / f"expected/skim/{name}.root"
        # the drop does not read mytauType, which the reference had added to this input
        source = skimmed if skimmed.exists() else oracle / f"input/{name.partition('_')[0]}.root"
        settings = EventDropSettings(target_histogram=histogram, n_tau=n_tau, rng="root")
        output = folder / f"{name}.root"
        made[name] = drop_events(source, oracle / "input/datacard.root", output, settings), output
    return made


def test_random_numbers_bit_for_bit(oracle):
    expected = np.load(oracle / "expected/trandom3_default_first2000.npy")
    assert np.array_equal(root_uniforms(ROOT_SEED, expected.size), expected)


def test_thresholds_are_exact(oracle, drops, outputs):
    expected = np.load(oracle / "expected/eventdrop_thresholds.npz")
    assert np.array_equal(expected["edges"], EVENT_DROP_EDGES)
    for name in drops:
        drop = outputs[name][0]["drop"]
        for quantity in ("observed", "target", "ratio", "keep_probability"):
            assert np.array_equal(drop[quantity], expected[f"{name}__{quantity}"]), (name, quantity)
        assert drop["maximum_bin"] == expected[f"{name}__maximum_bin"], name


def test_survivors_are_the_same(oracle, drops, outputs):
    expected = np.load(oracle / "expected/drop_survivors.npz")
    for name in drops:
        manifest, output = outputs[name]
        survivors = read(output, ["evt", "tau_pt"])
        assert np.array_equal(np.asarray(survivors["evt"]), expected[f"{name}__survivor_evt"]), name
        entries = expected[f"{name}__survivor_entry"]
        assert np.array_equal(np.asarray(survivors["tau_pt"]), expected[f"{name}__tau_pt"][entries]), name
        assert manifest["counts"]["kept"] == entries.size
        assert manifest["counts"]["read"] == expected[f"{name}__n_tau"]


def test_outputs_are_equal_branch_by_branch(oracle, drops, outputs):
    files = sorted((oracle / "expected/drop").glob("*.root"))
    assert files
    for path in files:
        ours, theirs = read(outputs[path.stem.removesuffix("_reweighted")][1]), read(path)
        assert set(ours.fields) == set(theirs.fields)
        different = [
            name for name in theirs.fields if not ak.array_equal(ours[name], theirs[name], equal_nan=True, dtype_exact=True)
        ]
        assert different == [], path.name
