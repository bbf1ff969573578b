import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_tuples import write_parquet
from same_arrays import assert_same_arrays

from TauAdv.errors import InputError
from TauAdv.tuples.formats import parquet
from TauAdv.tuples.reader import open_tuples, read


@pytest.fixture(params=[1, 7, 1000])
def file(request, taus, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_BATCH", 4)
    return write_parquet(tmp_path / "x.parquet", taus, row_group_size=request.param)


def test_all_branches(file, taus):
    tuples = open_tuples(file)
    assert (tuples.branches, tuples.num_entries) == (taus.fields, len(taus))
    assert_same_arrays(read(file), taus)
    assert tuples.types["pfCand_pt"].jagged
    assert tuples.types["evt"].dtype == np.uint64


@pytest.mark.parametrize(("start", "stop"), [(None, None), (3, 27), (7, 14), (12, 13), (0, 1000), (29, None)])
@pytest.mark.parametrize("step_size", [1, 5, 100])
def test_a_range_of_entries(file, taus, start, stop, step_size):
    names = ["pfCand_pt", "photon_hasPixelSeed", "run"]
    chunks = list(open_tuples(file).iterate(names, step_size, start, stop))
    assert all(0 < len(chunk) <= step_size for chunk in chunks)
    assert_same_arrays(ak.concatenate(chunks), taus[start:stop][names])


@pytest.mark.parametrize("step_size", [2, 5, 100])
def test_blocks_in_any_order(file, taus, step_size):
    tuples = open_tuples(file)
    blocks = list(tuples.blocks(["tau_pt", "pfCand_charge"], step_size))
    assert sum(map(len, blocks)) == len(taus)
    for block in [*blocks, *reversed(blocks), *blocks[::2]]:
        rows = np.arange(len(block))[::2]
        expected = taus[block.start : block.stop][["tau_pt", "pfCand_charge"]]
        assert_same_arrays(block.read(["tau_pt", "pfCand_charge"], rows), expected[rows])


def test_a_large_row_group_is_decoded_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_BATCH", 10)
    decoded = []
    original = pq.ParquetFile.iter_batches

    def spy(*arguments, **options):
        for batch in original(*arguments, **options):
            decoded.append(len(batch))
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    path = write_parquet(tmp_path / "x.parquet", ak.zip({"x": np.arange(100)}))
    chunks = open_tuples(path).iterate(["x"], step_size=20)
    assert next(chunks)["x"].to_list() == list(range(20))
    assert sum(decoded) <= 30
    assert [len(chunk) for chunk in chunks] == [20] * 4
    assert sum(decoded) == 100


def test_a_row_group_is_never_in_memory_as_a_whole(tmp_path):
    values = np.random.default_rng(1).random((4, 200_000))
    columns = {f"x{number}": column for number, column in enumerate(values)}
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=200_000, use_dictionary=False, data_page_size=16_384)
    before = pa.total_allocated_bytes()
    chunks = open_tuples(path).iterate(step_size=1000)
    next(chunks)
    assert pa.total_allocated_bytes() - before < path.stat().st_size / 4


def test_files_of_awkward(taus, tmp_path):
    ak.to_parquet(taus, tmp_path / "x.parquet")
    assert_same_arrays(read(tmp_path / "x.parquet"), taus)


def test_fixed_arrays_and_empty_files(tmp_path):
    array = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12, dtype=np.float32)), 3)
    table = pa.table({"cov": array, "x": pa.array(np.arange(4))})
    pq.write_table(table, tmp_path / "x.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "empty.pq")
    found = read([tmp_path / "x.parquet", tmp_path / "empty.pq"])
    np.testing.assert_array_equal(ak.to_numpy(found["cov"]), np.arange(12).reshape(4, 3))
    assert open_tuples(tmp_path / "x.parquet").types["cov"].shape == (3,)
    nothing = read(tmp_path / "empty.pq")
    assert (len(nothing), nothing.fields) == (0, ["cov", "x"])


@pytest.mark.parametrize("values", [[1.0, None, 3.0], [[1.0], None, [2.0]], [[1.0], [None, None], []]])
def test_nulls_are_named(tmp_path, values):
    pq.write_table(pa.table({"a": [1, 2, 3], "x": values}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=r"x\.parquet: branch 'x' has [12] nulls in the entries 0 to 2; tau"):
        read(tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", ["a"])["a"].to_list() == [1, 2, 3]


def test_what_is_no_number_is_named(tmp_path):
    columns = {"t": ["a"], "s": [{"a": 1}], "l": [[[1]]], "d": pa.array([0], pa.timestamp("ms")), "x": [1]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    kinds = {name: found.kind for name, found in open_tuples(tmp_path / "x.parquet").types.items()}
    assert kinds == {
        "t": "text",
        "s": "a structure",
        "l": "lists of lists",
        "d": "values of the type timestamp[ms]",
        "x": "",
    }


def test_missing_branches_and_damage(taus, tmp_path):
    path = write_parquet(tmp_path / "x.parquet", taus)
    with pytest.raises(InputError, match=r"x\.parquet: table lacks 1 of the branches needed:\n  tau_ptt \(did you"):
        read(path, ["tau_ptt"])
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(InputError, match=r"x\.parquet: cannot be read, it may be damaged; make or copy it again \(Arrow"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"x\.parquet: empty file"):
        read(path)
    path.write_bytes(b"text" * 40)
    with pytest.raises(InputError, match=r"x\.parquet: cannot be read, it may be damaged"):
        read(path)


def test_changed_bytes_are_noticed(taus, tmp_path):
    path = write_parquet(tmp_path / "x.parquet", taus, write_page_checksum=True, compression="none")
    content = bytearray(path.read_bytes())
    place = content.index(np.asarray(taus["tau_eta"]).tobytes()[:16]) + 5
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.parquet: branch 'tau_eta', entries 0 to 29: cannot be read, it may"):
        read(path)


def test_two_columns_of_one_name(tmp_path):
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="2 columns of this name"):
        read(tmp_path / "x.parquet", ["x"])
