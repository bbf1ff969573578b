"""Apply a tagger to whatever rows there are: a set of shards, tuples read in pieces, or arrays in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.inference import predict, require_finite, score_columns
from TauAdv.shards.row_layout import RowType
from TauAdv.shards.row_types import layout_of, row_type
from TauAdv.shards.rows import Rows, rows_of_arrays, rows_of_tuples
from TauAdv.shards.store import ShardSet
from TauAdv.taggers.registry import tagger_of_model
from TauAdv.tuples.sources import TupleSource

__all__ = ["ROWS_AT_ONCE", "Scorer"]

ROWS_AT_ONCE = 2000
"""Rows of tuples that are in memory together: about 25 kB a tau while features are made."""


@dataclass(frozen=True)
class Scorer:
    """A model with all that is needed to apply it.

    Attributes:
        model: tagger.
        table: feature table of the model.
        title: what the model is called in messages.
        recorded: settings besides the table that decided the features of the training: name -> values of its sets.
        adversarial_head: give y_pred_adv if the model has the head.
    """

    model: Any
    table: Any
    title: str = "the model"
    recorded: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    adversarial_head: bool = True

    @cached_property
    def rows(self) -> RowType:
        """What the model reads."""
        return row_type(self.model.objects, self.title)

    @property
    def extraction(self) -> dict[str, Any]:
        """Settings besides the table that decide features.

        Raises:
            InputError: the sets of the training do not agree.
        """
        for name, values in self.recorded.items():
            if len(values) > 1:
                shown = " and ".join(map(str, values))
                msg = f"{self.title}: its sets were made with {name}: {shown}; say which is meant: {name}={values[0]!r}"
                raise InputError(msg)
        return {name: values[0] for name, values in self.recorded.items() if values}

    def of_set(self, shards: ShardSet, *, batch_size: int) -> pd.DataFrame:
        """Return the prediction table of a set of shards (:func:`TauAdv.evaluation.predictions.inference.predict`).

        Raises:
            InputError: as ``predict``, or shards of other rows or of another feature table.
        """
        if shards.rows_name != self.rows.name:
            msg = f"{shards.folder}: holds {shards.rows_name}; {self.title} reads {self.rows.name}"
            raise InputError(msg)
        shards.require_table(self.table)
        return predict(self.model, shards, batch_size=batch_size, use_adversarial_head=self.adversarial_head).table

    def of_tuples(self, reader: TupleSource, *, batch_size: int, rows_at_once: int | None = None) -> Iterator[pd.DataFrame]:
        """Yield prediction tables of pieces of tuples, one row per entry, in order.

        Args:
            reader: of the tuples; it may hold more than fits into memory.
            batch_size: rows evaluated together.
            rows_at_once: most rows of a piece; default: 2000.

        Raises:
            InputError: tuples without taus or without branches of the feature table, or outputs that are not finite.
        """
        size = ROWS_AT_ONCE if rows_at_once is None else rows_at_once
        for rows in rows_of_tuples(reader, self.table, self.rows, self.extraction, rows_at_once=size):
            yield self.of_rows(rows, batch_size=batch_size, source=reader.files[0])

    def of_arrays(self, arrays: Any, *, batch_size: int) -> pd.DataFrame:
        """Return the scores of rows in memory, given by physical values or as the inputs of the network.

        Raises:
            InputError: neither, missing branches, other shapes, or outputs that are not finite.
        """
        return self.of_rows(self.rows_of(arrays), batch_size=batch_size)

    def rows_of(self, arrays: Any) -> Rows:
        """Return arrays in memory as rows: physical values of branches or columns, or inputs of the network."""
        return rows_of_arrays(arrays, self.table, self.rows, self.extraction)

    def of_rows(self, rows: Rows, *, batch_size: int, source: object = "the arrays") -> pd.DataFrame:
        """Return the scores of rows, beside their columns.

        Raises:
            InputError: rows of another feature table, or outputs that are not finite.
        """
        if rows.table.digest != self.table.digest:
            msg = (
                f"expected rows with the features of {self.title} ('{self.table.name}'), received those of "
                f"'{rows.table.name}'"
            )
            raise InputError(msg)
        if batch_size < 1:
            msg = f"{self.rows.name} per batch: expected 1 or more, received {batch_size}"
            raise InputError(msg)
        outputs = self._outputs(rows.features, batch_size)
        require_finite(outputs, source, self.rows.name)
        first, probabilities = score_columns(outputs, self.rows.scores, layout_of(self.rows.name, self.table).classes)
        return pd.DataFrame({**first, **rows.columns, **probabilities})

    def _outputs(self, features: Any, batch_size: int) -> dict[str, NDArray[Any]]:
        found = [
            {name: values.numpy() for name, values in self._compute(batch.as_inputs()).items()}
            for batch in (
                features.take(slice(start, start + batch_size)) for start in range(0, max(len(features), 1), batch_size)
            )
        ]
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    @cached_property
    def _compute(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return tagger_of_model(self.model).inference(self.model, with_adversarial_head=self.adversarial_head)
