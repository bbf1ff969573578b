import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shard_tuples import TABLE

from TauAdv.errors import InputError
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.io.verified_files import FileSet
from TauAdv.shards.files import PartReader, new_part
from TauAdv.shards.tau.packing import PackedTaus, PackLayout, pack, unpack

LAYOUT = PackLayout.of(FeatureTable.from_text(TABLE))
FLOATS = st.floats(width=32, allow_nan=False)


@st.composite
def sparse_taus(draw):
    """Taus with any filled cells, any objects in them (also none), and -0.0 among the values."""
    n = draw(st.integers(0, 6))
    layout = LAYOUT.layout
    cells = {}
    for grid, side in layout.grids.items():
        filled = draw(arrays(bool, (n, side, side), elements=st.booleans()))
        index = np.argwhere(filled).astype(np.int32)
        values = draw(arrays(np.float32, (len(index), layout.cell), elements=FLOATS, fill=st.just(0.0)))
        for start, stop in LAYOUT.objects.values():
            values[draw(arrays(bool, len(index))), start:stop] = 0
        own = draw(arrays(np.float32, (n, LAYOUT.num_shared), elements=FLOATS))
        for spans in LAYOUT.shared.values():
            for start, stop in spans:
                values[:, start:stop] = own[index[:, 0]]
        cells[grid] = CellBlock(index, values)
    return SparseTaus(draw(arrays(np.float32, (n, layout.tau), elements=FLOATS)), cells, layout)


def assert_same(one: SparseTaus, other: SparseTaus) -> None:
    """Bit for bit, signs of zeros included."""
    np.testing.assert_array_equal(one.tau.view(np.uint32), other.tau.view(np.uint32))
    for grid in LAYOUT.layout.grids:
        np.testing.assert_array_equal(one.cells[grid].index, other.cells[grid].index)
        np.testing.assert_array_equal(one.cells[grid].values.view(np.uint32), other.cells[grid].values.view(np.uint32))


def test_layout_of_a_table():
    assert LAYOUT.objects == {"Gamma": (2, 5), "Hadron": (7, 9)}
    assert LAYOUT.shared == {"Global": [(0, 2), (5, 7)]}
    assert LAYOUT.num_shared == 2


@given(sparse_taus(), st.data())
def test_round_trip_and_take(taus, data):
    packed = pack(taus, LAYOUT)
    assert_same(unpack(packed, LAYOUT), taus)
    rows = np.array(data.draw(st.lists(st.integers(0, len(taus) - 1), max_size=8)) if len(taus) else [], np.int64)
    assert_same(unpack(packed.take(rows), LAYOUT), taus.take(rows))


@pytest.mark.slow
@given(st.lists(sparse_taus(), min_size=1, max_size=3))
def test_concatenate(parts):
    together = PackedTaus.concatenate([pack(part, LAYOUT) for part in parts])
    assert_same(unpack(together, LAYOUT), SparseTaus.concatenate(parts))


@pytest.mark.parametrize("level", [None, 3])
@settings(max_examples=25)
@given(parts=st.lists(sparse_taus(), min_size=1, max_size=3))
def test_files_round_trip(tmp_path_factory, level, parts):
    folder = tmp_path_factory.mktemp("part")
    with new_part(folder, "0", LAYOUT, level) as writer:
        for number, part in enumerate(parts):
            writer.write(pack(part, LAYOUT), {"evt": np.full(len(part), number, np.uint64)})
    reader = PartReader(FileSet(folder, writer.files, remedy="make it again"), "0", LAYOUT)
    assert reader.num_chunks == len(parts)
    for number, part in enumerate(parts):
        assert_same(unpack(reader.features(number), LAYOUT), part)
        np.testing.assert_array_equal(reader.columns(number)["evt"], np.full(len(part), number))
    assert len(reader.all_columns(["evt"])["evt"]) == sum(map(len, parts))


def test_an_error_while_writing_leaves_no_part(tmp_path):
    with pytest.raises(RuntimeError), new_part(tmp_path, "0", LAYOUT):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_shared_features_must_agree():
    layout = LAYOUT.layout
    values = np.ones((2, layout.cell), np.float32)
    values[1, 5] = 2
    cells = {grid: CellBlock(np.array([[0, 0, 0], [0, 1, 1]], np.int32), values) for grid in layout.grids}
    with pytest.raises(InputError, match="inner grid: the features of Global differ between cells of a tau"):
        pack(SparseTaus(np.zeros((1, layout.tau), np.float32), cells, layout), LAYOUT)
