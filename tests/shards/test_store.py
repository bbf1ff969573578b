import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_tuples import TABLE

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests import write_manifest
from TauAdv.shards.store import ShardSet, iterate


@pytest.fixture(scope="module")
def shards(class_folder):
    return ShardSet.open(class_folder)


def test_columns_of_a_set(shards):
    columns = shards.columns(["evt", "tau_pt", "y", "evt"])
    assert list(columns) == ["evt", "tau_pt", "y"]
    assert {len(values) for values in columns.values()} == {shards.num_taus}
    with pytest.raises(InputError, match=r"no column tau_pT \(did you mean 'tau_pt'\?\)"):
        shards.columns(["tau_pT"])


def test_table_of_taus_is_readable_without_us(shards):
    tables = [pd.read_feather(path) for path in sorted(shards.folder.glob("taus-*.arrow"))]
    np.testing.assert_array_equal(pd.concat(tables)["evt"], shards.columns(["evt"])["evt"])


@settings(max_examples=25)
@given(data=st.data())
def test_take_any_rows_in_any_order(shards, data):
    everything, columns = shards.take(np.arange(shards.num_taus))
    rows = np.array(data.draw(st.lists(st.integers(-shards.num_taus, shards.num_taus - 1), max_size=40)), int)
    taken, values = shards.take(rows)
    expected = everything.take(rows)
    for name, array in expected.as_inputs().items():
        np.testing.assert_array_equal(taken.as_inputs()[name], array)
    for name, array in columns.items():
        np.testing.assert_array_equal(values[name], array[rows])


def test_take_nothing(shards):
    taus, columns = shards.take([])
    assert len(taus) == len(columns["y"]) == 0


@pytest.mark.parametrize("batch_size", [1, 7, 16, 1000])
def test_iterate_gives_all_taus_in_stored_order(shards, batch_size):
    everything, columns = shards.take(np.arange(shards.num_taus))
    start = 0
    for inputs, values in iterate(shards, batch_size):
        stop = min(start + batch_size, shards.num_taus)
        expected = everything.take(slice(start, stop)).as_inputs()
        assert {name: array.tolist() for name, array in inputs.items()} == {n: a.tolist() for n, a in expected.items()}
        assert {name: array.tolist() for name, array in values.items()} == {
            name: array[start:stop].tolist() for name, array in columns.items()
        }
        start = stop
    assert start == shards.num_taus


def test_split_is_disjoint_and_stable(shards):
    training, validation = shards.split(0.3, seed=4)
    assert training.num_taus + validation.num_taus == shards.num_taus
    assert 0.15 < validation.num_taus / shards.num_taus < 0.45
    parts = [set(view.columns(["evt"])["evt"]) for view in (training, validation)]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == set(shards.columns(["evt"])["evt"])
    np.testing.assert_array_equal(shards.split(0.3, seed=4)[1].columns(["evt"])["evt"], validation.columns(["evt"])["evt"])
    assert set(shards.split(0.3, seed=5)[1].columns(["evt"])["evt"]) != parts[1]
    assert parts[1] < set(shards.split(0.6, seed=4)[1].columns(["evt"])["evt"])


def test_views_hold_the_same_taus(shards):
    _, view = shards.split(0.5)
    taus, columns = view.take(np.arange(view.num_taus))
    wanted = np.isin(shards.columns(["evt"])["evt"], columns["evt"])
    expected = shards.take(np.flatnonzero(wanted))[0]
    np.testing.assert_array_equal(taus.as_inputs()["outer_cells"], expected.as_inputs()["outer_cells"])
    seen = np.concatenate([values["evt"] for _, values in iterate(view, 33)])
    np.testing.assert_array_equal(seen, columns["evt"])
    inner = view.split(0.5, seed=1)
    assert inner[0].num_taus + inner[1].num_taus == view.num_taus
    assert set(inner[1].columns(["evt"])["evt"]) < set(columns["evt"])
    np.testing.assert_array_equal(shards.head(20).columns(["evt"])["evt"], shards.columns(["evt"])["evt"][:20])


def test_split_that_leaves_nothing(shards):
    with pytest.raises(InputError, match=r"fraction of 0.0 gives 0 of"):
        shards.split(0.0)


def test_other_feature_table(shards, table):
    shards.require_table(table)
    other = FeatureTable.from_text(TABLE.replace("scaling: [50, 20]", "scaling: [50, 21]"))
    with pytest.raises(InputError, match=r"expected shards of the feature table 'small'.*differing: Flat/tau_pt;"):
        shards.require_table(other)


def test_kind(shards):
    shards.require_kind("classification")
    with pytest.raises(InputError, match="expected a set of kind 'adversarial', received 'classification'"):
        shards.require_kind("adversarial")


def test_what_is_not_a_set_of_shards(tmp_path):
    with pytest.raises(InputError, match=r"no manifest \(manifest.json"):
        ShardSet.open(tmp_path)
    write_manifest(tmp_path, step="skim", settings={})
    with pytest.raises(
        InputError, match=r"not a set of shards \(made by 'skim'\); Production/make_shards.py .* Production/prepare_jets"
    ):
        ShardSet.open(tmp_path)
    write_manifest(tmp_path, step="extract_jets", settings={})
    with pytest.raises(InputError, match=r"made by 'extract_jets'\); prepare the jets with Production/prepare_jets.py$"):
        ShardSet.open(tmp_path)


@pytest.mark.parametrize("kind", ["features", "taus"])
@pytest.mark.parametrize("damage", ["truncated", "halved", "empty", "missing"])
def test_damaged_files_are_named(shards, tmp_path, kind, damage):
    copy = shutil.copytree(shards.folder, tmp_path / "copy")
    path = sorted(copy.glob(f"{kind}-*.arrow"))[-1]
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"truncated": content[:-8], "halved": content[: len(content) // 2], "empty": b""}[damage])
    with pytest.raises(InputError, match=f"{path.name}: cannot be read"):
        list(iterate(ShardSet.open(copy), 50))
