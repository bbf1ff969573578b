"""Skims that are made again, added to a file, stopped or killed."""

import signal
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
import uproot
from skimmed_taus import CUT

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter


def test_update_adds_a_tree_and_remembers(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"))
    low = SkimSettings(sel="tau_pt <= 50", output_tree="low")
    added = skim(matched, output, low, update=True)
    assert [earlier["settings"]["sel"] for earlier in added["earlier"]] == ["tau_pt > 50"]
    assert len(read(output)) + len(read(output, tree="low")) == 200
    content = output.read_bytes()
    assert skim(matched, output, low, update=True)["settings"] == added["settings"]
    assert skim(matched, output, SkimSettings(sel="tau_pt > 50"), update=True)["settings"]["sel"] == "tau_pt > 50"
    assert output.read_bytes() == content
    with pytest.raises(OutputExistsError, match="already has a tree 'low', made otherwise"):
        skim(matched, output, SkimSettings(sel="tau_pt <= 40", output_tree="low"), update=True)


def test_a_file_of_somebody_that_is_added_to_is_never_replaced(matched, output):
    with uproot.recreate(output) as file:
        file["thesis"] = np.histogram([1.0, 2.0], bins=2)
    for name in ("low", "high"):
        skim(matched, output, SkimSettings(sel="tau_pt > 50", output_tree=name), update=True)
    with pytest.raises(
        OutputExistsError, match=r"holds what it held before TauAdv added to it \(thesis\); it is never repl"
    ):
        skim(matched, output, SkimSettings(sel="tau_pt > 50"), overwrite=True)
    with uproot.open(output) as file:
        assert sorted(file.keys(cycle=False)) == ["high", "low", "thesis"]
        assert file["thesis"].values().tolist() == [1, 1]


def test_update_of_a_file_that_was_exchanged(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"))
    with uproot.recreate(output) as file:
        file["thesis"] = np.histogram([1.0, 2.0], bins=2)
    with pytest.raises(InputError, match="is not the file that"):
        skim(matched, output, SkimSettings(output_tree="low"), update=True)


def test_update_of_a_file_that_is_not_there(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"), update=True)
    assert len(read(output))


def test_rerun_skips_and_other_settings_refuse(matched, output):
    first = skim(matched, output, SkimSettings(sel=CUT))
    assert skim(matched, output, SkimSettings(sel=CUT)) == first
    with pytest.raises(OutputExistsError, match="made with other settings"):
        skim(matched, output, SkimSettings(sel="tau_pt > 60"))
    assert skim(matched, output, SkimSettings(sel="tau_pt > 60"), overwrite=True)["counts"] != first["counts"]


@pytest.mark.parametrize("update", [False, True])
def test_interrupted_leaves_what_was_there(matched, output, monkeypatch, nothing_written, update):
    if update:
        skim(matched, output, SkimSettings(sel=CUT))
    before = output.read_bytes() if update else None

    def stop(self, arrays):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TupleWriter, "extend", stop)
        skim(matched, output, SkimSettings(output_tree="more"), update=update)
    if update:
        assert output.read_bytes() == before
        assert read_manifest(output)["settings"]["sel"] == CUT
    else:
        nothing_written("skimmed.root", folder=output.parent)
    skim(matched, output, SkimSettings(output_tree="more"), update=update)
    assert len(read(output, tree="more")) == 200


def test_killed_and_started_again(matched, output):
    program = f"""
import os, signal
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.writer import TupleWriter
original = TupleWriter.extend
def extend(self, arrays):
    original(self, arrays)
    os.kill(os.getpid(), signal.SIGKILL)
TupleWriter.extend = extend
skim({str(matched)!r}, {str(output)!r}, SkimSettings())
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists()
    skim(output.parent.parent / "raw.root", output, SkimSettings())
    assert ak.array_equal(read(output), read(matched))
