import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.features.grids import cell_centre, cell_index, cell_position, highest_pt, offsets_from_axis

GEOMETRIES = st.sampled_from([(11, 0.02), (21, 0.05), (10, 0.02), (1, 1.0), (4, 0.5)])
OFFSETS = arrays(np.float64, st.integers(1, 50), elements=st.floats(-2, 2))


@given(GEOMETRIES, OFFSETS)
def test_positions_are_in_the_array(geometry, offsets):
    cells, size = geometry
    on_grid, position = cell_position(offsets, cells, size)
    assert ((position[on_grid] >= 0) & (position[on_grid] < cells)).all()
    np.testing.assert_array_equal(on_grid[np.abs(offsets) > cells * size / 2], False)
    # everything clearly inside the outer edge has a cell, and its centre is at most half a cell away
    inside = np.abs(offsets) < cells * size / 2 * (1 - 1e-12)
    assert on_grid[inside].all()
    centre = cell_centre(position - cells // 2, cells, size)
    assert (np.abs(centre - offsets)[on_grid] <= size / 2 * (1 + 1e-9)).all()


@given(GEOMETRIES.filter(lambda geometry: geometry[0] % 2 == 1), OFFSETS)
def test_odd_grids_are_symmetric(geometry, offsets):
    on_grid, index = cell_index(offsets, *geometry)
    mirrored_on_grid, mirrored = cell_index(-offsets, *geometry)
    np.testing.assert_array_equal(on_grid, mirrored_on_grid)
    np.testing.assert_array_equal(index, -mirrored)


@given(GEOMETRIES)
def test_centre_round_trip(geometry):
    cells, size = geometry
    index = np.arange(cells) - cells // 2
    on_grid, received = cell_index(cell_centre(index, cells, size), cells, size)
    assert on_grid.all()
    np.testing.assert_array_equal(received, index)


def test_outer_edge_has_an_index_but_no_cell():
    on_grid, index = cell_index([-0.75, 0.75], 3, 0.5)
    np.testing.assert_array_equal((on_grid, index), [[True, True], [-2, 2]])
    assert not cell_position([-0.75, 0.75], 3, 0.5)[0].any()


def test_nan_is_on_no_grid():
    assert not cell_index([np.nan, np.inf], 11, 0.02)[0].any()


def test_offsets_across_pi():
    deta, dphi, dr = offsets_from_axis(np.float32(1.5), np.float32(3.1), np.float32(1.2), np.float32(-3.1))
    assert deta == pytest.approx(0.3, abs=1e-6)
    assert dphi == pytest.approx(6.2 - 2 * np.pi, abs=1e-6)
    assert dr == pytest.approx(np.hypot(deta, dphi))


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([1.0, 2.0, 3.0, np.nan])), max_size=30))
def test_highest_pt_is_the_first_of_the_highest(objects):
    cell = np.array([c for c, _ in objects], np.int64)
    pt = np.array([p for _, p in objects], np.float32)
    expected = []
    for number in sorted(set(cell.tolist())):
        members = [i for i in range(len(cell)) if cell[i] == number]
        expected.append(max(members, key=lambda i: (-np.inf if np.isnan(pt[i]) else pt[i], -i)))
    np.testing.assert_array_equal(highest_pt(cell, pt), expected)
