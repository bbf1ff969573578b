"""Production steps killed (SIGKILL) at every rename: the next run gives the same output, and nothing is left over."""

import signal
import subprocess
import sys

import awkward as ak
import pytest

from TauAdv.errors import OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.reader import read

pytestmark = pytest.mark.slow

MIX = {
    "contributions": [
        {"name": "data", "files": "data.root", "dataset_id": 0, "per_batch": 2},
        {"name": "DY", "files": "dy.root", "dataset_id": 1, "per_batch": 1},
    ],
    "outputs": {name: {"file": f"{name}.root", "batches": 10} for name in ("first", "second")},
    "seed": 3,
}


def run_skim(folder, out, overwrite=False):
    skim(folder / "data.root", folder / out / "skim.root", SkimSettings(sel="tau_pt > 30"), overwrite=overwrite)


def run_mixing(folder, out):
    mix_events(MixingSettings.model_validate(MIX), folder, folder / out)


#: Step, its outputs, and the renames at which it is killed: one of the manifest and one of the output for each.
STEPS = {"run_skim": (["skim.root"], (1, 2)), "run_mixing": (["first.root", "second.root"], (1, 2, 3, 4))}

_KILLED = """
import os, signal, sys
from pathlib import Path
import test_killed_steps

step, folder, fatal = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
replace, calls = os.replace, []

def killed(source, target):
    calls.append(target)
    if len(calls) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = killed
getattr(test_killed_steps, step)(folder, "out")
"""


_CHANGING = {"created", "checksum", "files", "replaced"}


def contents(folder, names):
    """Return the taus, and the manifests without what changes from run to run (ROOT files hold the time they were made)."""
    manifests = [read_manifest(folder / name) for name in names]
    taus = [ak.to_list(read(folder / name)) for name in names]
    return taus, [{key: manifest[key] for key in manifest if key not in _CHANGING} for manifest in manifests]


@pytest.mark.parametrize(("step", "fatal"), [(step, number) for step, (_, fatal) in STEPS.items() for number in fatal])
def test_the_next_run_finishes(make_tuple, tmp_path, monkeypatch, request, step, fatal):
    make_tuple("data.root", 60, seed=1, sample_type=0)
    make_tuple("dy.root", 40, seed=2)
    monkeypatch.setenv("PYTHONPATH", str(request.path.parent), prepend=":")
    command = [sys.executable, "-c", _KILLED, step, tmp_path, str(fatal)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list((tmp_path / "out").glob(".*.tmp.*"))
    for out in ("out", "uninterrupted"):
        globals()[step](tmp_path, out)
    names = STEPS[step][0]
    assert contents(tmp_path / "out", names) == contents(tmp_path / "uninterrupted", names)
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {path.name for path in (tmp_path / "uninterrupted").iterdir()}
    assert left == {name + suffix for name in names for suffix in ("", ".manifest.json")}


@pytest.mark.parametrize("fatal", [1, 2])
def test_a_kill_leaves_the_earlier_output(make_tuple, tmp_path, monkeypatch, request, fatal):
    make_tuple("data.root", 60, seed=1, sample_type=0)
    run_skim(tmp_path, "out")
    before = (tmp_path / "out" / "skim.root").read_bytes()
    make_tuple("data.root", 50, seed=4, sample_type=0)
    monkeypatch.setenv("PYTHONPATH", str(request.path.parent), prepend=":")
    overwriting = _KILLED.replace('(folder, "out")', '(folder, "out", overwrite=True)')
    done = subprocess.run(
        [sys.executable, "-c", overwriting, "run_skim", tmp_path, str(fatal)], capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (tmp_path / "out" / "skim.root").read_bytes() == before
    with pytest.raises(OutputExistsError, match=r"skim\.root.*--overwrite"):
        run_skim(tmp_path, "out")
    run_skim(tmp_path, "out", overwrite=True)
    assert len(read(tmp_path / "out" / "skim.root")) < 50


def test_a_file_with_the_manifest_of_another_is_not_kept(make_tuple, tmp_path):
    make_tuple("data.root", 60, seed=1, sample_type=0)
    run_skim(tmp_path, "out")
    output = tmp_path / "out" / "skim.root"
    content = bytearray(output.read_bytes())
    content[len(content) // 2] ^= 1
    output.write_bytes(content)
    with pytest.raises(OutputExistsError, match=r"skim\.root: its content is not what TauAdv wrote.*move it away"):
        run_skim(tmp_path, "out", overwrite=True)
