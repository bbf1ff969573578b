"""Extraction from the simulated sample, and against the plain Python of the benchmark."""

import importlib.util

import numpy as np
import pytest

from TauAdv.features.extract import extract
from TauAdv.features.table import FeatureTable
from TauAdv.tuples.reader import TupleReader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(repository) -> TupleReader:
    return TupleReader(repository / "tests" / "data" / "sample")


@pytest.fixture(scope="module")
def plain(repository, table: FeatureTable):
    spec = importlib.util.spec_from_file_location("plain_features", repository / "bench" / "plain_features.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PlainExtraction(table)


def test_simulated_taus_have_sound_features(sample, table):
    chunks = [extract(chunk, table) for chunk in sample.iterate(table.branches, step_size=500)]
    assert sum(map(len, chunks)) == sample.num_entries
    for taus in chunks:
        assert taus.nonfinite == {}
        for grid, block in taus.cells.items():
            side = table.layout.grids[grid]
            assert block.index[:, 0].max() < len(taus)
            assert (block.index[:, 1:] >= 0).all()
            assert (block.index[:, 1:] < side).all()
            # sorted and no cell twice
            number = block.index.astype(np.int64) @ [side * side, side, 1]
            assert (np.diff(number) > 0).all()
        # the leading charged candidate is in the inner grid
        assert len(np.unique(taus.cells["inner"].index[:, 0])) > 0.95 * len(taus)


def test_equal_to_plain_python(sample, table, plain):
    (taus,) = sample.iterate(table.branches, step_size=30, entry_stop=30)
    received, expected = extract(taus, table).as_inputs(), plain(taus).as_inputs()
    for name, array in received.items():
        np.testing.assert_array_equal(array, expected[name])
