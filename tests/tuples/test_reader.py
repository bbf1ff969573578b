import awkward as ak
import numpy as np
import pytest
from same_arrays import assert_same_arrays

from TauAdv.errors import InputError
from TauAdv.tuples.formats.tuple_file import TupleFile, block_edges
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.trees import open_root


@pytest.fixture(params=["ttree", "rntuple"])
def files(request, taus, write):
    """Three files with 10, 5 and 15 of the taus."""
    parts = (taus[:4], taus[4:10]), (taus[10:15],), (taus[15:22], taus[22:])
    return [write(f"part{index}.root", *chunks, format=request.param) for index, chunks in enumerate(parts)]


def test_branches_and_entries(files, taus):
    reader = TupleReader(files)
    assert reader.branches == taus.fields
    assert reader.num_entries == len(taus)
    assert reader.entries_per_file == [10, 5, 15]


@pytest.mark.parametrize(("start", "stop"), [(None, None), (3, 27), (10, 15), (12, 13), (0, 1000)])
def test_iterate_a_range_over_files(files, taus, start, stop):
    chunks = list(TupleReader(files).iterate(["pfCand_pt", "evt"], step_size=4, entry_start=start, entry_stop=stop))
    assert all(chunk.fields == ["pfCand_pt", "evt"] and 0 < len(chunk) <= 4 for chunk in chunks)
    assert_same_arrays(ak.concatenate(chunks), taus[start:stop][["pfCand_pt", "evt"]])


def test_only_the_branches_asked_for_are_read(files, monkeypatch):
    reader = TupleReader(files[:1])
    read_fields = []
    original = TupleFile._checked

    def spy(self, arrays, *more):
        read_fields.append(arrays.fields)
        return original(self, arrays, *more)

    monkeypatch.setattr(TupleFile, "_checked", spy)
    list(reader.iterate(["evt"]))
    assert read_fields == [["evt"]]


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_give_the_rows_asked_for(files, taus, threads):
    reader = TupleReader(files, threads=threads)
    names = ["tau_pt", "pfCand_charge", "photon_hasPixelSeed"]
    parts, seen = [], 0
    for block in reader.blocks(names, step_size=5, entry_start=2, entry_stop=28):
        mask = np.asarray(block.read(["tau_pt"])["tau_pt"]) > 50
        parts.append(block.read(names, mask))
        assert len(parts[-1]) == mask.sum()
        assert (len(block.read([])), len(block.read([], mask))) == (len(block), mask.sum())
        seen += len(block)
    expected = taus[2:28]
    assert seen == len(expected)
    assert_same_arrays(ak.concatenate(parts), expected[expected["tau_pt"] > 50][names])


def test_read_and_empty(files, taus):
    assert_same_arrays(read(files), taus)
    nothing = read(files, ["pfCand_pt", "run"], entry_start=30)
    assert (len(nothing), nothing.fields) == (0, ["pfCand_pt", "run"])
    assert nothing["pfCand_pt"].type == ak.types.ArrayType(taus["pfCand_pt"].type.content, 0)


def test_all_missing_branches_are_listed(files):
    with pytest.raises(InputError, match=r"lacks 2 of the branches") as error:
        next(TupleReader(files).iterate(["tau_pt", "tau_Eta", "pfCand_mass"]))
    assert "tau_Eta (did you mean 'tau_eta'?)" in str(error.value)
    assert "pfCand_mass" in str(error.value)


def test_a_later_file_without_the_branch_is_named(files, taus, write):
    other = write("other.root", taus[["tau_pt"]])
    reader = TupleReader([*files, other])
    with pytest.raises(InputError, match=r"other\.root: tree 'taus' lacks 1 of the branches needed:\n  evt"):
        list(reader.iterate(["evt"]))


def test_missing_tree_lists_those_there(files):
    with pytest.raises(InputError, match=r"no tree 'tau' \(did you mean 'taus'\?\); trees in this file: taus"):
        TupleReader(files, tree="tau")


@pytest.mark.parametrize("kept", [0, 30, 300, 0.5, 0.99])
def test_truncated_file(files, kept):
    content = files[0].read_bytes()
    files[0].write_bytes(content[: int(kept if kept > 1 or kept == 0 else kept * len(content))])
    with pytest.raises(InputError, match=r"part0\.root: (truncated|empty|not a ROOT file)"):
        TupleReader(files)


def test_damaged_file(files):
    content = bytearray(files[0].read_bytes())
    content[100 : len(content) - 400] = bytes(len(content) - 500)
    files[0].write_bytes(content)
    with pytest.raises(InputError, match=r"part0\.root"):
        read(files)


def test_reader_closes_its_file(files, recwarn):
    reader = TupleReader(files[:1])
    file = reader._only_opened.tree.file
    assert not file.closed
    del reader
    assert file.closed


def test_block_edges_keep_to_baskets():
    boundaries = np.array([0, 100, 200, 300, 1000])
    assert block_edges(boundaries, 0, 1000, 250) == [0, 200, 300, 650, 1000]
    assert block_edges(boundaries, 50, 150, 250) == [50, 150]
    assert block_edges(np.array([0, 1000]), 0, 1000, 250) == [0, 333, 666, 1000]


def test_block_edges_cover_the_range():
    rng = np.random.default_rng(0)
    for _ in range(300):
        entries = int(rng.integers(1, 500))
        boundaries = np.unique([0, *rng.integers(0, entries + 1, 6), entries])
        start = int(rng.integers(0, entries))
        stop = int(rng.integers(start + 1, entries + 1))
        step = int(rng.integers(1, 100))
        edges = np.array(block_edges(boundaries, start, stop, step))
        assert (edges[0], edges[-1]) == (start, stop)
        assert np.all((np.diff(edges) > 0) & (np.diff(edges) <= 2 * step + 1))


def test_streams_leave_nothing_in_caches(files):
    with open_root(files[0]) as file:
        assert file.file.object_cache is None
        assert file.file.array_cache is None
