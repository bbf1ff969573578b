import contextlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_tuples import TABLE

from TauAdv.errors import InputError, InputWarning
from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.shards import store
from TauAdv.shards.store import ShardSet, iterate
from TauAdv.shards.tau import writer
from TauAdv.shards.tau.writer import write_shards


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


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lambda number: [number], "no row {0}; expected rows from 0 to {1}"),
        (lambda number: [0, -number - 1], "no row -{2}; expected rows"),
        (lambda number: [0.5], "expected a list of whole numbers"),
        (lambda number: ["a"], "expected a list of whole numbers"),
        (lambda number: [[0, 1]], "expected a list of whole numbers"),
        (lambda number: 0, "expected a list of whole numbers"),
        (lambda number: [True] * (number - 1), "one truth value for each of {0} rows"),
    ],
)
def test_take_rows_that_are_not_there(shards, rows, message):
    number = shards.num_taus
    with pytest.raises(InputError, match=message.format(number, number - 1, number + 1)):
        shards.take(rows(number))


def test_arguments(shards):
    with pytest.raises(InputError, match="num_rows: expected at least 0; received -1"):
        shards.head(-1)
    with pytest.raises(InputError, match=r"names: expected a list of values; received 'evt'; write \['evt'\]"):
        shards.columns("evt")
    with pytest.raises(InputError, match="folder: empty"):
        ShardSet.open("")


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
    with pytest.raises(InputError, match=r"not a set of shards \(made by 'skim'\); tauadv shards .* tauadv jets prepare"):
        ShardSet.open(tmp_path)
    write_manifest(tmp_path, step="extract_jets", settings={})
    with pytest.raises(InputError, match=r"made by 'extract_jets'\); prepare the jets with tauadv jets prepare$"):
        ShardSet.open(tmp_path)


@pytest.fixture
def copy(shards, tmp_path):
    return shutil.copytree(shards.folder, tmp_path / "copy")


def all_of(folder):
    """Bytes of everything that a set gives."""
    found = []
    for inputs, columns in iterate(ShardSet.open(folder), 50):
        found += [values.tobytes() for values in (*inputs.values(), *columns.values())]
    return found


@pytest.mark.parametrize("kind", ["features", "taus"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-8], "is cut short"),
        (lambda content: content[: len(content) // 2], "is cut short"),
        (lambda content: b"", "is cut short: 0 bytes"),
        (lambda content: content + b"x", "is too long"),
        (lambda content: bytes([*content[:-40], content[-40] ^ 16, *content[-39:]]), "is damaged"),
    ],
)
def test_damaged_files_are_named(copy, kind, damage, message):
    path = sorted(copy.glob(f"{kind}-*.arrow"))[-1]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"{path.name}: {message}.*tauadv shards --overwrite"):
        ShardSet.open(copy)


def test_missing_files_are_named(copy):
    sorted(copy.glob("taus-*.arrow"))[-1].unlink()
    with pytest.raises(InputError, match=r"1 of \d+ files are missing \(taus-00000\.arrow\)"):
        ShardSet.open(copy)


def test_every_flipped_bit_is_noticed_or_changes_nothing(copy):
    """A slice of the campaign: bits at random in all files of a set."""
    whole, rng = all_of(copy), np.random.default_rng(4)
    for path in sorted(copy.iterdir()):
        content = path.read_bytes()
        for position in rng.integers(len(content), size=25):
            changed = bytearray(content)
            changed[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            with contextlib.suppress(InputError):
                assert all_of(copy) == whole
        path.write_bytes(content)
    assert all_of(copy) == whole


@pytest.fixture(scope="module")
def other(tmp_path_factory, class_file, class_settings):
    """The set of the same taus with another seed."""
    folder = tmp_path_factory.mktemp("other") / "set"
    write_shards(class_file, folder, class_settings.model_copy(update={"seed": 6}))
    return folder


@pytest.mark.parametrize("kind", ["features", "taus"])
def test_parts_of_another_seed_are_named(copy, other, kind):
    shutil.copy(other / f"{kind}-00000.arrow", copy)
    with pytest.raises(InputError, match=rf"{kind}-00000\.arrow: belongs to another set \(part 00000 of set"):
        ShardSet.open(copy)


def test_the_manifest_of_another_seed(copy, other):
    shutil.copy(other / "manifest.json", copy)
    with pytest.raises(InputError, match="belongs to another set"):
        ShardSet.open(copy)


@pytest.fixture
def several_parts(tmp_path, class_file, class_settings, monkeypatch):
    monkeypatch.setattr(writer, "_PART_TAUS", 60)
    write_shards(class_file, tmp_path / "parts", class_settings)
    return tmp_path / "parts"


def test_swapped_and_repeated_parts(several_parts):
    first, second = (several_parts / f"features-0000{number}.arrow" for number in (0, 1))
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    with pytest.raises(InputError, match=r"features-00000\.arrow: holds the content of features-00001\.arrow"):
        ShardSet.open(several_parts)
    second.write_bytes(contents[0])
    with pytest.raises(InputError, match="were swapped or repeated"):
        ShardSet.open(several_parts)


def test_parts_that_no_manifest_lists(several_parts):
    shutil.copy(several_parts / "taus-00000.arrow", several_parts / "taus-00099.arrow")
    with pytest.warns(
        InputWarning, match=r"holds files that its manifest does not list, they are not read: taus-00099\.arrow"
    ):
        ShardSet.open(several_parts)


def test_a_large_set_is_verified_before_a_row_of_a_part_is_read(several_parts, monkeypatch):
    monkeypatch.setattr(store, "_VERIFIED_AT_ONCE", 0)
    path = several_parts / "features-00001.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    shards = ShardSet.open(several_parts)
    shards.columns()
    first = shards.manifest["parts"][0]["chunks"]
    for number in range(len(first)):
        shards.chunk(number)
    with pytest.raises(InputError, match=r"features-00001\.arrow: is damaged"):
        shards.chunk(len(first))


def test_a_reader_keeps_the_set_that_it_opened(copy, other, class_file, class_settings):
    whole = all_of(copy)
    shards = ShardSet.open(copy)
    halves = shards.split(0.5, seed=1)
    write_shards(class_file, copy, class_settings.model_copy(update={"seed": 6}), overwrite=True)
    found = []
    for inputs, columns in iterate(shards, 50):
        found += [values.tobytes() for values in (*inputs.values(), *columns.values())]
    assert found == whole
    rows = np.concatenate([half.columns(["evt"])["evt"] for half in halves])
    np.testing.assert_array_equal(np.sort(rows), np.sort(shards.columns(["evt"])["evt"]))
    assert all_of(copy) == all_of(other) != whole


def test_sets_of_earlier_versions(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["checksum"], manifest["files"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"has no checksums: it was made by an earlier version .*tauadv shards --overwrite"):
        ShardSet.open(copy)
