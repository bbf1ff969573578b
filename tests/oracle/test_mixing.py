"""Mixing in file order against the reference: the sequence of taus, and every branch."""

import json
import re

import awkward as ak
import numpy as np
import pytest

from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.tuples.reader import read

pytestmark = pytest.mark.slow

LABEL = re.compile(r"(?P<name>\w+)(?P<dropped> after drop)? \((?:data, )?id (?P<id>\d+)\)")


@pytest.fixture(scope="module")
def mixed(oracle, tmp_path_factory):
    """Our mixed files by name, from the skims and drops of the reference."""
    numbers = json.loads((oracle / "settings.json").read_text())["mix"]
    contributions = []
    for label, per_batch in numbers["per_batch in this order"].items():
        found = LABEL.fullmatch(label)
        file = f"drop/{found['name']}_skimmed_reweighted.root" if found["dropped"] else f"skim/{found['name']}_skimmed.root"
        contributions.append({"name": label, "files": file, "dataset_id": int(found["id"]), "per_batch": per_batch})
    outputs = {name: {"file": f"{name}.root", "batches": batches} for name, batches in numbers["batches"].items()}
    folder = tmp_path_factory.mktemp("mix")
    # segments that end within a batch
    settings = MixingSettings(contributions=contributions, outputs=outputs, shuffle=False, segment_size=100)
    mix_events(settings, oracle / "expected", folder)
    return {name: folder / f"{name}.root" for name in outputs}


def test_sequence_is_the_same(oracle, mixed):
    expected = np.load(oracle / "expected/mix_sequence.npz")
    compared = set()
    branches = {key.split("__")[1] for key in expected}
    ours = {name: read(path, sorted(branches)) for name, path in mixed.items()}
    for key in expected:
        name, branch = key.split("__")
        found = np.asarray(ours[name][branch])
        assert found.dtype == expected[key].dtype, key
        assert np.array_equal(found, expected[key]), key
        compared.add(name)
    assert compared == set(mixed)


def test_files_are_equal_branch_by_branch(oracle, mixed):
    for name, path in mixed.items():
        ours, theirs = read(path), read(oracle / f"expected/mix/adv_dataset_{name}.root")
        assert set(ours.fields) == set(theirs.fields)
        different = [
            branch
            for branch in theirs.fields
            if not ak.array_equal(ours[branch], theirs[branch], equal_nan=True, dtype_exact=True)
        ]
        assert different == [], name
