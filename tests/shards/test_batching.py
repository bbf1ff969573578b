import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_tuples import JET, TABLE, TAU, write_tuple

from TauAdv.errors import ConfigError, InputError
from TauAdv.shards.batching import Batches, PairedBatches, Share, batches, paired_batches
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards

CLASS_KEYS = {"tau", "inner_index", "inner_cells", "outer_index", "outer_cells", "y", "weight"}


@pytest.fixture(scope="module")
def shards(class_folder):
    return ShardSet.open(class_folder)


@pytest.fixture(scope="module")
def adv_shards(adv_folder):
    return ShardSet.open(adv_folder)


def same(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def ids(batch):
    """What tells taus apart: the flat features, which have no ties."""
    return [tuple(row) for row in batch["tau"]]


@settings(max_examples=20)
@given(batch_size=st.integers(1, 120), window=st.sampled_from([1, 40, 10_000]), epoch=st.integers(0, 3))
def test_every_tau_once_per_epoch(shards, batch_size, window, epoch):
    source = Batches(shards, batch_size, seed=3, window=window)
    steps = range(epoch * source.steps_per_epoch, (epoch + 1) * source.steps_per_epoch)
    seen = [row for step in steps for row in ids(source(step))]
    stored = shards.take(np.arange(shards.num_taus))[0].tau
    assert sorted(seen) == sorted(map(tuple, stored))
    assert source.steps_per_epoch == shards.num_steps_per_epoch(batch_size)


def test_epochs_differ_and_seeds_differ(shards):
    source = Batches(shards, 50, seed=3, window=64)
    first, second = (ids(source(step)) for step in (0, source.steps_per_epoch))
    assert first != second
    assert first != ids(Batches(shards, 50, seed=4, window=64)(0))
    assert len(set(first) & set(second)) < 45  # other taus share the batch


def test_batch_of_a_step_is_that_of_its_rows(shards):
    """Features, labels and weights of a shuffled batch belong together."""
    everything, columns = shards.take(np.arange(shards.num_taus))
    place = {tuple(row): number for number, row in enumerate(everything.tau)}
    batch = Batches(shards, 33, seed=1)(2)
    rows = [place[row] for row in ids(batch)]
    expected = everything.take(rows).as_inputs()
    same(batch, {**expected, "y": columns["y"][rows], "weight": columns["weight"][rows]})


def test_a_batch_is_the_same_whatever_was_read_before(shards):
    fresh, used = Batches(shards, 40, seed=2, window=32), Batches(shards, 40, seed=2, window=32)
    for step in (9, 0, 4, 9, 1):
        used(step)
    same(used(7), fresh(7))


def test_drop_remainder_and_stored_order(shards):
    source = Batches(shards, 100, shuffle=False, drop_remainder=True)
    assert source.steps_per_epoch == shards.num_taus // 100
    same(source(0), source(source.steps_per_epoch))
    np.testing.assert_array_equal(source(1)["tau"], shards.take(np.arange(100, 200))[0].tau)
    with pytest.raises(InputError, match="do not fill one batch of 1000"):
        Batches(shards, 1000, drop_remainder=True)
    with pytest.raises(ConfigError, match="batch_size: expected 1 or more taus, received 0"):
        Batches(shards, 0)


def test_dataset_resumes_exactly(shards, adv_shards):
    for make in (
        lambda **options: batches(shards, 60, seed=1, **options),
        lambda **options: paired_batches(shards, adv_shards, 50, 35, seed=1, **options),
    ):
        whole = list(make(num_steps=9).as_numpy_iterator())
        resumed = list(make(start_step=4, num_steps=5).as_numpy_iterator())
        assert len(whole) == 9
        for one, other in zip(whole[4:], resumed, strict=True):
            same(one, other)


def test_dataset_has_one_signature(shards, adv_shards):
    dataset = paired_batches(shards, adv_shards, 20, 10)
    spec = {name: (tuple(spec.shape), spec.dtype.name) for name, spec in dataset.element_spec.items()}
    table = shards.table.layout
    assert spec == {
        "tau": ((None, table.tau), "float32"),
        **{f"{grid}_index": ((None, 3), "int32") for grid in table.grids},
        **{f"{grid}_cells": ((None, table.cell), "float32") for grid in table.grids},
        "y": ((None, 4), "float32"),
        "weight": ((None,), "float32"),
        "y_adv": ((None, 1), "float32"),
        "weight_adv": ((None,), "float32"),
    }
    assert set(batches(shards, 10).element_spec) == CLASS_KEYS
    assert set(batches(adv_shards, 10).element_spec) == CLASS_KEYS - {"y", "weight"} | {"y_adv", "weight_adv"}
    for batch in batches(adv_shards, 10, num_steps=2):
        assert batch["tau"].shape[0] == 10


@settings(max_examples=15)
@given(n_class=st.integers(1, 70), n_adv=st.integers(1, 130))
def test_paired_batches(shards, adv_shards, n_class, n_adv):
    source = PairedBatches(shards, adv_shards, n_class, n_adv, seed=1)
    labelled, seen = Batches(shards, n_class, seed=1, drop_remainder=True), []
    for step in range(3):
        batch = source(step)
        same_class = labelled(step)
        np.testing.assert_array_equal(batch["tau"][:n_class], same_class["tau"])
        for name in ("y", "weight"):
            np.testing.assert_array_equal(batch[name][:n_class], same_class[name])
            assert not batch[name][n_class:].any()
        assert batch["y_adv"].shape == (n_class + n_adv, 1)
        assert not batch["y_adv"][:n_class].any()
        assert not batch["weight_adv"][:n_class].any()
        assert (batch["weight_adv"][n_class:] > 0).all()
        assert (batch["outer_index"][:, 0] < n_class + n_adv).all()
        seen += ids(batch)[n_class:]
    # the adversarial set is read through before it starts again
    size = adv_shards.num_taus
    for start in range(0, len(seen) - size + 1, size):
        assert len(set(seen[start : start + size])) == size


def test_adversarial_order_is_new_in_each_epoch(shards, adv_shards):
    n = adv_shards.num_taus
    source = PairedBatches(shards, adv_shards, 10, n, seed=1)
    first, second = (ids(source(step))[10:] for step in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


def test_wrong_pairs(shards, adv_shards, tmp_path):
    with pytest.raises(InputError, match="expected a set of kind 'adversarial'"):
        PairedBatches(shards, shards, 10, 10)
    with pytest.raises(InputError, match="expected a set of kind 'classification'"):
        PairedBatches(adv_shards, adv_shards, 10, 10)
    with pytest.raises(ConfigError, match="n_adv: expected 1 or more taus"):
        PairedBatches(shards, adv_shards, 10, 0)
    (tmp_path / "other.yaml").write_text(TABLE.replace("[50, 20]", "[50, 21]"))
    settings = ShardSettings(features=str(tmp_path / "other.yaml"))
    write_shards(write_tuple(tmp_path / "in.root", [TAU, JET]), tmp_path / "other", settings)
    with pytest.raises(InputError, match=r"differing: Flat/tau_pt"):
        PairedBatches(ShardSet.open(tmp_path / "other"), adv_shards, 1, 1)


def test_empty_view(shards):
    with pytest.raises(InputError, match="0 taus do not fill one batch of 10"):
        Batches(shards.head(0), 10)


@pytest.mark.parametrize("of", [1, 2, 3])
def test_parts_of_replicas_make_up_the_batch(shards, adv_shards, of):
    """Class rows and adversarial rows are each divided, also where a batch spans the end of an adversarial epoch."""
    sizes, options = (6, 12), {"seed": 3, "start_step": 4, "num_steps": 8}
    whole = [as_numpy(batch) for batch in paired_batches(shards, adv_shards, *sizes, **options)]
    divided = paired_batches(shards, adv_shards, *sizes, share=Share(range(of), of), **options)
    second = paired_batches(shards, adv_shards, *sizes, share=Share(range(of - 1, of), of), **options)
    for batch, parts, (last,) in zip(whole, divided, second, strict=True):
        parts = [as_numpy(part) for part in parts]
        n_class, n_adv = (size // of for size in sizes)
        for name in ("tau", "y", "weight", "y_adv", "weight_adv"):
            joined = [part[name][:n_class] for part in parts] + [part[name][n_class:] for part in parts]
            np.testing.assert_array_equal(np.concatenate(joined), batch[name], err_msg=name)
        rows = [np.r_[k * n_class : (k + 1) * n_class, sizes[0] + k * n_adv : sizes[0] + (k + 1) * n_adv] for k in range(of)]
        for part, taken in zip(parts, rows, strict=True):
            for grid in ("inner", "outer"):
                cells = [batch[f"{grid}_cells"][batch[f"{grid}_index"][:, 0] == row] for row in taken]
                np.testing.assert_array_equal(part[f"{grid}_cells"], np.concatenate(cells))
        same(as_numpy(last), parts[-1])


def test_every_nth_step(shards):
    whole = [as_numpy(batch) for batch in batches(shards, 16, seed=1, num_steps=7)]
    for k in range(3):
        for batch, expected in zip(batches(shards, 16, seed=1, num_steps=7, every=(k, 3)), whole[k::3], strict=True):
            same(as_numpy(batch), expected)


def test_sizes_that_replicas_cannot_divide():
    with pytest.raises(ConfigError, match="n_tau = 7 and n_adv_tau = 5: expected multiples of 3"):
        Share(range(3), 3).require_divisible(n_tau=7, n_adv_tau=5, other=9)


def as_numpy(batch):
    return {name: value.numpy() for name, value in batch.items()}


@pytest.mark.parametrize("shuffle", [True, False])
def test_rows_of_a_step_lead_to_its_taus(shards, adv_shards, shuffle):
    parts = [shards.split(0.4, 1)[0], adv_shards]  # views as well
    source = PairedBatches(*parts, 30, 70, seed=3, shuffle=shuffle, window=64)
    for step in (0, 3, source.steps_per_epoch + 1):
        batch, rows = source(step), source.rows(step)
        assert [len(part) for part in rows] == [30, 70]
        found = np.concatenate([part.take(chosen)[0].tau for part, chosen in zip(parts, rows, strict=True)])
        np.testing.assert_array_equal(found, batch["tau"])
        alone = Batches(parts[0], 30, seed=3, shuffle=shuffle, drop_remainder=True, window=64)
        np.testing.assert_array_equal(alone.rows(step), rows[0])
