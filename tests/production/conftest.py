"""Small tuples with the branches that production steps read."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from TauAdv.io.atomic import new_file
from TauAdv.production.spectrum import EVENT_DROP_EDGES
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.writer import TupleWriter

EDGES = list(EVENT_DROP_EDGES)


@pytest.fixture
def make_tuple(tmp_path):
    """Return a function that writes a tuple and returns its path; keywords replace branches, ``None`` leaves one out."""

    def make(name, entries=200, *, seed=1, sample_type=1, tree="taus", **columns) -> Path:
        rng = np.random.default_rng(seed)
        content = {
            "run": np.ones(entries, np.uint32),
            "lumi": np.ones(entries, np.uint32),
            "evt": np.arange(entries, dtype=np.uint64) + 1000 * seed,
            "sampleType": np.full(entries, sample_type, np.int32),
            "tauType": np.full(entries, -1, np.int32),
            "mytauType": rng.integers(0, 4, entries).astype(np.int32),
            "dataset_id": np.zeros(entries, np.uint64),
            "tau_pt": (25 + rng.exponential(40, entries)).astype(np.float32),
            "tau_eta": rng.uniform(-2.6, 2.6, entries).astype(np.float32),
            "pfCand_pt": ak.unflatten(rng.exponential(5, 3 * entries).astype(np.float32), np.full(entries, 3)),
            **columns,
        }
        with TupleWriter(tmp_path / name, tree) as writer:
            writer.extend({branch: values for branch, values in content.items() if values is not None})
        return tmp_path / name

    return make


@pytest.fixture
def make_targets_file(tmp_path):
    """Return a function that writes a file of TH1D targets: ``key -> 17 contents`` or ``key -> (contents, edges)``."""

    def make(name="datacard.root", **targets) -> Path:
        histograms = {}
        for key, content in targets.items():
            values, edges = content if isinstance(content, tuple) else (content, EDGES)
            histograms[key.replace("__", "/")] = (np.asarray(values, dtype=np.float64), edges)
        with new_file(tmp_path / name) as temporary:
            write_histograms(temporary, histograms)
        return tmp_path / name

    return make


@pytest.fixture
def nothing_written(tmp_path):
    """Return a function that checks that a folder holds no output, no manifest and no leftover of one."""

    def check(*names, folder=tmp_path):
        there = folder.iterdir() if folder.exists() else ()
        left = [path.name for path in there if path.name.startswith(".") or path.name in names]
        left += [f"{name}.manifest.json" for name in names if (folder / f"{name}.manifest.json").exists()]
        assert left == []

    return check
