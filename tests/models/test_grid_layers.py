import numpy as np
import pytest
import tensorflow as tf

from TauAdv.models.deeptau.grid_rows import GridRows, GridRowWeights
from TauAdv.models.deeptau.scatter import GridScatter

N_TAUS, N_CELLS, N_EMPTY = 3, 5, 6
INDEX = np.array([[0, 0, 0], [0, 4, 2], [2, 1, 3], [2, 4, 4]], "i4")
CELLS = np.arange(1, 1 + 4 * 7, dtype="f4").reshape(4, 7)
TAU = np.zeros((N_TAUS, 2), "f4")
COLUMNS = (2, 5)


def dense_grid(values):
    grid = np.zeros((N_TAUS, N_CELLS, N_CELLS, values.shape[1]), "f4")
    grid[tuple(INDEX.T)] = values
    return grid


def options(mode):
    return {"n_cells": N_CELLS, "mode": mode, "n_empty_rows": N_EMPTY}


def test_dense_rows_are_all_cells_in_order():
    rows = GridRows(COLUMNS, **options("dense"))([INDEX, CELLS, TAU])
    np.testing.assert_array_equal(rows, dense_grid(CELLS[:, 2:5]).reshape(1, -1, 1, 3))
    weights = GridRowWeights(**options("dense"))([INDEX, TAU])
    np.testing.assert_array_equal(weights, np.ones((1, N_TAUS * N_CELLS**2, 1, 1)))


@pytest.mark.parametrize(("training", "n_empty"), [(True, N_EMPTY), (False, 1)])
def test_sparse_rows_are_the_filled_cells_and_the_empty_rows(training, n_empty):
    rows = GridRows(COLUMNS, **options("sparse"))([INDEX, CELLS, TAU], training=training)
    expected = np.concatenate([CELLS[:, 2:5], np.zeros((n_empty, 3))])
    np.testing.assert_array_equal(rows, expected[None, :, None])
    weights = GridRowWeights(**options("sparse"))([INDEX, TAU], training=training).numpy().ravel()
    np.testing.assert_array_equal(weights[: len(INDEX)], 1)
    assert len(weights) == len(INDEX) + n_empty
    assert len(set(weights[len(INDEX) :])) == 1
    assert weights.sum() == pytest.approx(N_TAUS * N_CELLS**2, rel=1e-6)


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_scatter_undoes_the_rows(mode):
    rows = GridRows(COLUMNS, **options(mode))([INDEX, CELLS, TAU], training=False)
    grid = GridScatter(**options(mode))([rows, INDEX, TAU], training=False)
    np.testing.assert_array_equal(grid, dense_grid(CELLS[:, 2:5]))


def test_empty_cells_draw_among_all_empty_rows_in_training():
    scatter = GridScatter(**options("sparse"), seed=3)
    labels = np.arange(len(INDEX) + N_EMPTY, dtype="f4")[None, :, None, None]
    first, second = (scatter([labels, INDEX, TAU], training=True).numpy()[..., 0] for _ in range(2))
    empty = np.ones(first.shape, bool)
    empty[tuple(INDEX.T)] = False
    for grid in (first, second):
        np.testing.assert_array_equal(grid[tuple(INDEX.T)], np.arange(len(INDEX)))
        assert set(grid[empty]) == set(range(len(INDEX), len(INDEX) + N_EMPTY))
    assert (first[empty] != second[empty]).any()
    again = GridScatter(**options("sparse"), seed=3)([labels, INDEX, TAU], training=True).numpy()[..., 0]
    np.testing.assert_array_equal(again, first)


def test_gradient_of_a_drawn_row_is_the_sum_over_its_cells():
    scatter = GridScatter(**options("sparse"))
    rows = tf.zeros((1, len(INDEX) + N_EMPTY, 1, 2))
    with tf.GradientTape() as tape:
        tape.watch(rows)
        total = tf.reduce_sum(scatter([rows, INDEX, TAU], training=True))
    gradient = tape.gradient(total, rows).numpy()[0, :, 0, 0]
    np.testing.assert_array_equal(gradient[: len(INDEX)], 1)
    assert gradient.sum() == N_TAUS * N_CELLS**2
