"""``ta.tagger``: a trained model that scores whatever it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import PositiveInt

from TauAdv.arguments import checked
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.scoring import Scorer
from TauAdv.evaluation.predictions.trained import TrainedModel, trained_model
from TauAdv.runs import Run, find_run
from TauAdv.runs.database import DATABASE
from TauAdv.shards.row_types import row_type
from TauAdv.shards.rows import Rows, require_extraction
from TauAdv.shards.store import ShardSet
from TauAdv.tuples.sources import TupleSource

__all__ = ["TrainedTagger", "tagger"]

BATCH_SIZE = 100
"""Rows evaluated together, as ``tauadv apply`` does: the same scores, bit for bit."""


class TrainedTagger:
    """A trained model; make one with :func:`tagger`.

    Attributes:
        name: kind of tagger.
        title: where the model comes from.
        model: Keras model.
        table: feature table that it reads.
        classes: names of the classes, in the order of the probabilities.
    """

    def __init__(self, found: TrainedModel, extraction: Mapping[str, Any]) -> None:
        self._found, self._extraction = found, dict(extraction)
        self.name, self.title, self.table = found.spec.name, found.title, found.table
        self.classes: tuple[str, ...] = found.classes

    def __repr__(self) -> str:
        return f"<tagger {self.name} of {self.title}>"

    def __str__(self) -> str:
        head = ", and an adversarial head" if self._found.is_adversarial else ""
        lines = [
            f"tagger {self.name} of {self.title}",
            f"  scores: {', '.join(self.classes)}{head}",
            f"  reads {self._found.spec.rows} with the features of {self.table.name} (digest {self.table.digest[:8]})",
            f"  file: {self._found.file}",
        ]
        return "\n".join(lines)

    @cached_property
    def model(self) -> Any:
        """Keras model; read when it is first used."""
        return self._found.load()

    @checked
    def predict(self, rows: Any, *, batch_size: PositiveInt = BATCH_SIZE, adversarial_head: bool = True) -> pd.DataFrame:
        """Return the scores of rows: a probability for each class, of taus also Djet, with an adversarial head y_pred_adv.

        Args:
            rows: a set of shards (the table is that of ``tauadv apply``, with labels, weights and run, lumi, evt); tuples
                (one row per entry, with run, lumi, evt, tau_index as far as they are there); what :func:`TauAdv.features` or
                :func:`TauAdv.attack` returns; or arrays of physical values, as :func:`TauAdv.features` takes them.
            batch_size: rows evaluated together; it does not change scores beyond float32 rounding.
            adversarial_head: give y_pred_adv, if the model has the head.

        Raises:
            InputError: rows of another kind or feature table, missing branches, other shapes, or scores that are not finite.
        """
        table = self._predicted(rows, batch_size, adversarial_head)
        table.attrs["classes"] = self._found.classes
        return table

    def _predicted(self, rows: Any, batch_size: int, adversarial_head: bool) -> pd.DataFrame:
        scorer = self._scorer(adversarial_head)
        if isinstance(rows, ShardSet):
            table = scorer.of_set(rows, batch_size=batch_size)
            table.attrs["kind"] = rows.kind
            return table
        if isinstance(rows, TupleSource):
            return pd.concat(list(scorer.of_tuples(rows, batch_size=batch_size)), ignore_index=True)
        if isinstance(rows, Rows):
            return scorer.of_rows(rows, batch_size=batch_size)
        if isinstance(rows, str | Path):
            msg = f"{rows}: expected rows; open the file or folder with ta.tuples('{rows}') or ta.shards('{rows}')"
            raise InputError(msg)
        return scorer.of_arrays(rows, batch_size=batch_size)

    @checked
    def predict_in_pieces(
        self, rows: TupleSource, *, batch_size: PositiveInt = BATCH_SIZE, rows_at_once: PositiveInt | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield the table of :meth:`predict` in pieces, for tuples whose table does not fit into memory."""
        return self._scorer(True).of_tuples(rows, batch_size=batch_size, rows_at_once=rows_at_once)

    def _scorer(self, adversarial_head: bool) -> Scorer:
        recorded: dict[str, Sequence[Any]] = dict(self._found.extraction)
        recorded |= {name: [value] for name, value in self._extraction.items()}
        return Scorer(self.model, self.table, self.title, recorded, adversarial_head)


@checked
def tagger(source: Run | str | Path, run_id: str | None = None, *, features: Any = None, **extraction: Any) -> TrainedTagger:
    """Return a trained tagger, of taus or of jets.

    Args:
        source: a run (:func:`TauAdv.run`); the folder ``mlruns`` or an experiment in it, with ``run_id``; or a ``.keras``
            file.
        run_id: identifier of the run.
        features: feature table of a file without a recorded one: a table, the name of one of taus, or a YAML file.
        extraction: of taus: ``era``, ``rm_inner_from_outer``, instead of those of the sets that the run was trained on.

    Raises:
        InputError: nothing there, no such run, a run without a model, or no feature table is known.
        ConfigError: an unknown setting of features.
    """
    if isinstance(source, Run) and run_id is not None:
        msg = f"run_id: goes with a folder mlruns; {source.title} is a run already: leave run_id out"
        raise InputError(msg)
    if not isinstance(source, Run) and run_id is not None:
        source = find_run(source, run_id)
    elif not isinstance(source, Run) and (Path(source) / DATABASE).is_file():
        msg = f"{source}: holds many runs; say which: ta.tagger('{source}', RUN_ID); ta.runs('{source}') lists them"
        raise InputError(msg)
    found = trained_model(source, features)
    require_extraction(extraction, row_type(found.spec.rows, found.title))
    return TrainedTagger(found, extraction)
