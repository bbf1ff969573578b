import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.errors import InputError
from TauAdv.features.sparse import CellBlock, Layout, SparseTaus

LAYOUT = Layout(tau=2, grids={"inner": 3, "outer": 5}, tensors={"egamma": (0, 2), "muon": (2, 3)})


@st.composite
def dense_taus(draw):
    n = draw(st.integers(0, 5))
    sparse_values = st.floats(-2, 2, width=32)
    return {
        name: draw(arrays(np.float32, (n, *shape), elements=sparse_values, fill=st.just(0.0)))
        for name, shape in LAYOUT.shapes().items()
    }


@given(dense_taus())
def test_dense_sparse_round_trip(tensors):
    taus = SparseTaus.from_dense(tensors, LAYOUT)
    for name, expected in tensors.items():
        np.testing.assert_array_equal(taus.dense(name), expected)
    for grid in LAYOUT.grids:
        full = np.concatenate([tensors[f"{grid}_egamma"], tensors[f"{grid}_muon"]], axis=-1)
        np.testing.assert_array_equal(taus.dense(grid), full)
        index = taus.cells[grid].index
        np.testing.assert_array_equal(index, index[np.lexsort(index.T[::-1])])


@given(dense_taus(), st.data())
def test_take(tensors, data):
    taus = SparseTaus.from_dense(tensors, LAYOUT)
    rows = data.draw(st.lists(st.integers(-len(taus), len(taus) - 1), max_size=8)) if len(taus) else []
    taken = taus.take(rows)
    assert len(taken) == len(rows)
    for name, expected in tensors.items():
        np.testing.assert_array_equal(taken.dense(name), expected[np.asarray(rows, int)])
    mask = data.draw(arrays(bool, len(taus)))
    np.testing.assert_array_equal(taus.take(mask).dense("outer"), taus.dense("outer")[mask])
    np.testing.assert_array_equal(taus.take(slice(1, None, 2)).dense("inner"), taus.dense("inner")[1::2])


@given(st.lists(dense_taus(), min_size=1, max_size=4))
def test_concatenate(parts):
    together = SparseTaus.concatenate([SparseTaus.from_dense(part, LAYOUT) for part in parts])
    for name in LAYOUT.shapes():
        np.testing.assert_array_equal(together.dense(name), np.concatenate([part[name] for part in parts]))


def test_concatenate_adds_counts_and_leaves_parts_alone():
    part = SparseTaus.from_dense({name: np.ones((2, *shape), np.float32) for name, shape in LAYOUT.shapes().items()}, LAYOUT)
    counted = SparseTaus(part.tau, part.cells, LAYOUT, {"a/x": 2})
    both = SparseTaus.concatenate([counted, counted, part])
    assert both.nonfinite == {"a/x": 4}
    assert both.cells["inner"].index[-1, 0] == 5
    assert part.cells["inner"].index[-1, 0] == 1


def test_empty():
    taus = SparseTaus.empty(LAYOUT)
    assert {name: array.shape for name, array in taus.as_inputs().items()} == {
        "tau": (0, 2),
        "inner_index": (0, 3),
        "inner_cells": (0, 3),
        "outer_index": (0, 3),
        "outer_cells": (0, 3),
    }
    assert {name: taus.dense(name).shape for name in LAYOUT.shapes()} == {
        name: (0, *shape) for name, shape in LAYOUT.shapes().items()
    }
    assert len(taus.take([])) == 0
    assert len(SparseTaus.concatenate([taus, taus])) == 0


def test_inputs_have_the_types_of_the_batch():
    inputs = SparseTaus.empty(LAYOUT).as_inputs()
    assert {name: array.dtype for name, array in inputs.items()} == {
        name: np.int32 if name.endswith("index") else np.float32 for name in inputs
    }


def test_wrong_shapes_are_refused():
    block = CellBlock(np.zeros((1, 3), np.int32), np.zeros((1, 7), np.float32))
    with pytest.raises(InputError, match=r"inner values: expected shape \(1, 3\), received \(1, 7\)"):
        SparseTaus(np.zeros((1, 2), np.float32), {"inner": block, "outer": block}, LAYOUT)


def test_unknown_tensor_and_mixed_layouts_are_refused():
    taus = SparseTaus.empty(LAYOUT)
    with pytest.raises(InputError, match="no tensor 'inner_photon': expected one of tau, inner_egamma"):
        taus.dense("inner_photon")
    other = SparseTaus.empty(Layout(1, LAYOUT.grids, LAYOUT.tensors))
    with pytest.raises(InputError, match="same layout"):
        SparseTaus.concatenate([taus, other])
    with pytest.raises(InputError, match="received 0 parts"):
        SparseTaus.concatenate([])
