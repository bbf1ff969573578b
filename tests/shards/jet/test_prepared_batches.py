"""Prepared jets as they are read: in batches, in stored order, in parts."""

import numpy as np
import pytest

from TauAdv.shards.batching import Batches, batches
from TauAdv.shards.store import iterate

pytestmark = pytest.mark.slow


def test_batches(sets):
    shards = sets["train"]
    source = Batches(shards, 100, seed=1)
    epoch = [source(step) for step in range(source.steps_per_epoch)]
    assert set(epoch[0]) == {"x", "x_default", "y", "weight"}
    everything = np.concatenate([batch["x"] for batch in epoch])
    stored = shards.take(slice(None))[0].x
    np.testing.assert_array_equal(np.sort(everything, axis=0), np.sort(stored, axis=0))
    assert not np.array_equal(everything, stored)
    for step in (0, 7):
        rows, columns = shards.take(source.rows(step))
        np.testing.assert_array_equal(source(step)["x"], rows.x)
        np.testing.assert_array_equal(source(step)["x_default"], rows.x_default)
        np.testing.assert_array_equal(source(step)["y"], columns["y"])
    labels = np.stack([batch["y"].mean(axis=0) for batch in epoch if len(batch["y"]) == 100])
    assert (labels > 0.1).all()  # the input is ordered by flavour, batches are not


def test_dataset_goes_on_exactly(sets):
    whole = [batch["x"].numpy() for batch in batches(sets["train"], 64, seed=2, num_steps=12)]
    rest = list(batches(sets["train"], 64, seed=2, start_step=5, num_steps=7))
    for expected, batch in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch["x"].numpy(), expected)
        assert batch["x_default"].dtype == bool
    assert [tuple(spec.shape) for spec in batches(sets["train"], 64).element_spec.values()] == [
        (None, 184),
        (None, 184),
        (None, 3),
        (None,),
    ]


def test_iterate_in_stored_order(sets):
    found = list(iterate(sets["test"], 50))
    stored = sets["test"].take(slice(None))[0]
    np.testing.assert_array_equal(np.concatenate([inputs["x"] for inputs, _ in found]), stored.x)


def test_validation_split_of_a_set_keeps_copies_together(sets):
    first, second = sets["train"].split(0.3, seed=1)
    assert first.num_rows + second.num_rows == sets["train"].num_rows
    ids = [set(part.columns(["jet_id"])["jet_id"].tolist()) for part in (first, second)]
    assert not ids[0] & ids[1]
