"""Small tuples to read and to break."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from TauAdv.tuples.writer import TupleWriter


@pytest.fixture
def taus():
    """Thirty taus with scalar and jagged branches of several types."""
    rng = np.random.default_rng(5)
    entries, counts = 30, rng.integers(0, 6, 30)
    total = int(counts.sum())
    return ak.zip(
        {
            "run": np.full(entries, 4_000_000_000, np.uint32),
            "evt": np.arange(entries, dtype=np.uint64) + 2**63,
            "tau_pt": rng.uniform(20, 80, entries).astype(np.float32),
            "tau_eta": rng.uniform(-2.5, 2.5, entries).astype(np.float32),
            "tau_decayMode": rng.choice(np.array([0, 1, 5, 10], np.int32), entries),
            "pfCand_pt": ak.unflatten(rng.exponential(3, total).astype(np.float32), counts),
            "pfCand_charge": ak.unflatten(rng.integers(-1, 2, total).astype(np.int32), counts),
            "photon_hasPixelSeed": ak.unflatten(np.tile([True, False], entries), np.full(entries, 2)),
        },
        depth_limit=1,
    )


@pytest.fixture
def write(tmp_path):
    """Return a function that writes chunks of taus to a file and returns its path."""

    def write_chunks(name, *chunks, **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with TupleWriter(path, **options) as writer:
            for chunk in chunks:
                writer.extend(chunk)
        return path

    return write_chunks
