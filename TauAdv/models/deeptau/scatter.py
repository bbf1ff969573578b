"""From rows back to the grid on which the 3x3 convolutions run."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from TauAdv.models.deeptau.grid_rows import GridLayer, flat_cell_index, n_dense_cells

__all__ = ["GridScatter"]


@keras.saving.register_keras_serializable(package="TauAdv")
class GridScatter(GridLayer):
    """Arrange rows [1, rows, 1, features] as grids [n, eta, phi, features].

    Called on ``[rows, index, tau]``. In sparse mode every empty cell takes the output of the empty row; in training there
    are several of them (they differ by dropout) and each empty cell draws one at random.

    Args:
        seed: of the random draws.
    """

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Return the grids."""
        rows, index, tau = inputs
        n_features = rows.shape[-1]
        rows = tf.reshape(rows, (-1, n_features))
        if self.mode == "sparse":
            rows = tf.gather(rows, self._source_rows(index, tau, training))
        return tf.reshape(rows, (-1, self.n_cells, self.n_cells, n_features))

    def _source_rows(self, index: tf.Tensor, tau: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Return the row that each cell of the batch shows."""
        total, filled = n_dense_cells(tau, self.n_cells), tf.shape(index)[0]
        count = self.empty_row_count(training)
        if count > 1:
            seed = tf.cast(self.seed_generator.next(), tf.int32)
            drawn = tf.raw_ops.StatelessRandomUniformInt(shape=total[None], seed=seed, minval=0, maxval=count)
        else:
            drawn = tf.zeros(total[None], tf.int32)
        position = flat_cell_index(index, self.n_cells)[:, None]
        return tf.tensor_scatter_nd_update(filled + drawn, position, tf.range(filled))

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the grids."""
        return (input_shape[2][0], self.n_cells, self.n_cells, input_shape[0][-1])

    def get_config(self) -> dict[str, Any]:
        """Return the settings of the layer."""
        return {**super().get_config(), "seed": self.seed}
