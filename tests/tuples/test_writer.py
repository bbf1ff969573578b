import awkward as ak
import numpy as np
import pytest
import uproot
from same_arrays import assert_same_arrays

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.writer import TupleWriter


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
@pytest.mark.parametrize("compression", ["lzma", "zlib", "lz4", "zstd", "none"])
def test_round_trip(taus, write, format, compression):
    path = write("x.root", taus[:11], taus[11:], format=format, compression=compression)
    assert_same_arrays(read(path), taus)


def test_slices_masks_and_mappings_are_packed(taus, write):
    mapping = {name: taus[name][::2] for name in taus.fields}
    path = write("x.root", taus[taus["tau_pt"] > 50], mapping, taus[[3, 1, 2]], taus[:0])
    assert_same_arrays(read(path), ak.concatenate([taus[taus["tau_pt"] > 50], taus[::2], taus[[3, 1, 2]]]))


def test_many_baskets_move_the_tree(taus, write):
    chunks = [taus[index : index + 1] for index in range(25)]
    path = write("x.root", *chunks)
    assert_same_arrays(read(path), taus[:25])
    assert_same_arrays(read(path, ["pfCand_pt", "evt"], entry_start=9, entry_stop=12), taus[9:12][["pfCand_pt", "evt"]])


def test_counters_are_shared_and_hidden(taus, write):
    path = write("x.root", taus)
    with uproot.open(path) as file:
        assert {"n_pfCand", "n_photon"} == set(file["taus"].keys()) - set(taus.fields)
        assert file["taus"]["pfCand_charge"].typename == "int32_t[]"
    assert TupleReader(path).branches == taus.fields


def test_types_follow_the_schema(write):
    values = {"tau_pt": [30, 40], "tau_index": np.array([0, -1]), "evt": np.array([1, 2]), "mine": np.array([0.5, 1.5])}
    found = read(write("x.root", values | {"pfCand_charge": ak.Array([[1], []])}))
    types = {name: str(ak.type(found[name]).content).removeprefix("var * ") for name in found.fields}
    assert types == {"tau_pt": "float32", "tau_index": "int32", "evt": "uint64", "mine": "float64", "pfCand_charge": "int32"}


def test_own_types_kept_on_request(write):
    found = read(write("x.root", {"tau_pt": np.array([1.0])}, schema_types=False))
    assert str(found["tau_pt"].type.content) == "float64"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"tau_index": np.array([2**31])}, "2147483648 does not fit its type int32"),
        ({"tau_charge": np.array([0.5])}, "0.5 does not fit its type int32"),
        ({"tau_pt": ak.Array([[1.0]])}, "expected one number per entry"),
        ({"pfCand_pt": np.array([1.0])}, "expected one list per entry"),
        (
            {"tau_pt": np.ones(2), "tau_eta": np.ones(3)},
            r"unequal length: expected 2 entries as in tau_pt, received tau_eta \(3\)",
        ),
        ({"pfCand_pt": ak.Array([[1.0]]), "pfCand_eta": ak.Array([[1.0, 2.0]])}, "has 2 values where pfCand_pt"),
        ({}, "no branch to write"),
    ],
)
def test_values_that_do_not_fit(tmp_path, values, problem):
    with TupleWriter(tmp_path / "x.root") as writer, pytest.raises(InputError, match=problem):
        writer.extend(values)


def test_unequal_lengths_of_a_group_go_into_an_rntuple(write):
    values = {"pfCand_pt": ak.Array([[1.0]]), "pfCand_eta": ak.Array([[1.0, 2.0]])}
    assert ak.num(read(write("x.root", values, format="rntuple"))["pfCand_eta"]).tolist() == [2]


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ({"tau_pt": np.ones(1)}, "lacks mine"),
        ({"tau_pt": np.ones(1), "mine": np.ones(1), "new": np.ones(1)}, "adds new"),
        ({"tau_pt": np.ones(1), "mine": np.ones(1, np.int64)}, "has other types in mine"),
    ],
)
def test_chunks_must_be_alike(tmp_path, second, problem):
    with TupleWriter(tmp_path / "x.root") as writer:
        writer.extend({"tau_pt": np.ones(1), "mine": np.ones(1)})
        with pytest.raises(InputError, match=problem):
            writer.extend(second)


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_other_trees_and_update(taus, write, format):
    first = [write(f"{name}.root", taus, tree="events", format=format) for name in ("one", "two")]
    second = write("second.root", taus[:5])
    with TupleWriter(second, "more", update=True, format=format) as writer:
        writer.extend(taus[5:8])
        assert writer.copy_tree(first, "events", step_size=7) == 2 * len(taus)
    assert_same_arrays(read(second), taus[:5])
    assert_same_arrays(read(second, tree="more"), taus[5:8])
    assert_same_arrays(read(second, tree="events"), ak.concatenate([taus, taus]))


def test_copy_of_an_empty_tree(taus, write):
    source = write("source.root", taus[:0], tree="events")
    path = write("x.root", taus)
    with TupleWriter(path, "more", update=True) as writer:
        assert writer.copy_tree(source, "events") == 0
        writer.extend(taus)
    assert len(read(path, tree="events")) == 0
    assert read(path, tree="events").fields == taus.fields


def test_update_refuses_a_tree_that_is_there(taus, write):
    path = write("x.root", taus)
    with pytest.raises(OutputExistsError, match="already has a tree 'taus'"):
        TupleWriter(path, update=True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"format": "csv"}, "format 'csv'"),
        ({"compression": "lzam"}, "did you mean 'lzma'"),
        ({"compression": "lzma", "level": 10}, "level 10: expected 0 to 9"),
    ],
)
def test_unknown_format_or_compression(tmp_path, options, problem):
    with pytest.raises(ConfigError, match=problem):
        TupleWriter(tmp_path / "x.root", **options)
    assert not list(tmp_path.iterdir())


def test_lzma_is_as_small_as_with_the_largest_dictionary():
    from TauAdv.tuples.compression import compression

    data = np.random.default_rng(0).normal(size=2000).astype(">f4").tobytes()
    assert len(compression("LZMA").compress(data)) <= len(uproot.LZMA(9).compress(data))
    assert bytes(uproot.LZMA(9).decompress(compression("lzma").compress(data), len(data))) == data
    assert compression("lzma").code == uproot.LZMA(9).code


@pytest.mark.parametrize("level", range(1, 10))
def test_lzma_settings_are_for_numbers(level):
    from TauAdv.tuples.compression import compression

    data = np.random.default_rng(1).normal(size=4000).astype(">f4").tobytes()
    small = compression("lzma", level).compress(data)
    assert len(small) < len(uproot.LZMA(level).compress(data))
    assert bytes(uproot.LZMA(level).decompress(small, len(data))) == data
