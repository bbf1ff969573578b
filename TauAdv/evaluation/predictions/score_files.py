"""Scores of tuples in a file of their own: a ROOT tree that is a friend of theirs, or a Parquet table; written in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from TauAdv.domain.contributions.agreement import carried_on
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.evaluation.predictions.scoring import Scorer
from TauAdv.evaluation.predictions.trained import TrainedModel, require_adversarial_head, trained_model
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import finished
from TauAdv.production.outputs import check_no_input, errors_of
from TauAdv.runs import Run, find_run
from TauAdv.shards.row_types import row_type
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.writer import TupleWriter

__all__ = ["SCORE_TREE", "STEP", "write_scores"]

STEP = "apply_to_tuples"
SCORE_TREE = "scores"
"""Name of the tree in a ROOT file."""


def write_scores(
    mlpath: Path | str,
    run_id: str,
    inputs: str | Path | Sequence[str | Path],
    output: Path | str,
    *,
    tree: str = "taus",
    batch_size: int = 100,
    not_adversarial: bool = False,
    overwrite: bool = False,
) -> Path:
    """Apply the model of a run to all entries of tuples, and write their scores in the same order; return the path.

    The file holds run, lumi, evt, tau_index and others that say which tau it is, as far as the tuples have them, and Djet,
    y_pred_adv (with an adversarial head), p_e, p_mu, p_tau, p_jet. A few thousand taus are in memory at a time. A file that
    was made of the same model and tuples with the same options is left as it is.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_id: the run.
        inputs: tuples, see :func:`TauAdv.tuples.reader.open_tuples`.
        output: ``.root``: a tree ``scores`` with as many entries as the tuples, to add to theirs as a friend; ``.parquet``.
        tree: name of the tree of the tuples.
        batch_size: taus evaluated together.
        not_adversarial: the model has no adversarial head, or its output is not wanted.
        overwrite: replace a file that was made otherwise.

    Raises:
        InputError: unknown run, run without model, no adversarial head, tuples without branches of the feature table, an
            output that is an input or of another format.
        OutputExistsError: a file made otherwise, or a damaged one, is there.
        OutputLockedError: another process writes it.
    """
    output = Path(output)
    write = _format(output)
    run = find_run(mlpath, run_id)
    found, branches = _model(run, with_head=not not_adversarial)
    reader = open_tuples(inputs, tree)
    check_no_input([output], reader.files)
    settings = {"run": run.id, "tree": tree, "batch_size": batch_size, "not_adversarial": not_adversarial}
    made: dict[str, Any] = {"step": STEP, "settings": settings, "inputs": [found.file, *reader.files]}
    with output_lock(output):
        if finished(output, **made, overwrite=overwrite, checked=True):
            return output
        reader.require(branches)
        carried = carried_on(reader.files)
        scorer = Scorer(found.load(), found.table, found.title, found.extraction, not not_adversarial)
        pieces = _shown(scorer.of_tuples(reader, batch_size=batch_size), reader)
        output.parent.mkdir(parents=True, exist_ok=True)
        with errors_of(reader):
            write_table_file(output, partial(write, pieces), {**made, **carried, "counts": {"taus": reader.num_entries}})
    print(f"{output}: {reader.num_entries} taus")
    return output


def _format(output: Path) -> Callable[[Iterable[pd.DataFrame], Path], None]:
    formats = {".root": _write_root, ".parquet": _write_parquet}
    if output.suffix.lower() not in formats:
        msg = f"{output}: expected a name that ends in {' or '.join(formats)}: the format of the scores"
        raise InputError(msg)
    return formats[output.suffix.lower()]


def _model(run: Run, *, with_head: bool) -> tuple[TrainedModel, Sequence[str]]:
    """Return the model of a run, and the branches of tuples that it needs."""
    found = trained_model(run)
    rows = row_type(found.spec.rows, run.title)
    if rows.tuple_columns is None:
        msg = f"{run.title} is a training of {rows.name}, which are not in tuples; in Python, ta.tagger(...) takes arrays"
        raise InputError(msg)
    if with_head:
        require_adversarial_head(found.is_adversarial, run.title)
    return found, rows.tuple_columns(found.table)


def _shown(pieces: Iterator[pd.DataFrame], reader: TupleSource) -> Iterator[pd.DataFrame]:
    with tqdm(total=reader.num_entries, desc="predict", unit=" taus", mininterval=1) as progress:
        for piece in pieces:
            yield piece
            progress.update(len(piece))


def _write_root(pieces: Iterable[pd.DataFrame], path: Path) -> None:
    with TupleWriter(path, SCORE_TREE) as writer:
        for piece in pieces:
            writer.extend({name: piece[name].to_numpy() for name in piece})


def _write_parquet(pieces: Iterable[pd.DataFrame], path: Path) -> None:
    tables = (pa.Table.from_pandas(piece, preserve_index=False) for piece in pieces)
    first = next(tables)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
