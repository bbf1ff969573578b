"""Apply the model of a run to a set of shards and write its prediction table into the run; or to tuples, into a file.

{apply} --mlpath mlruns/1 --expID RUN_ID --eval-ds shards/control
{apply} --mlpath mlruns/1 --expID RUN_ID --input 'data/*.root' --output scores.root
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import count, path
from TauAdv.cli.shared_options import add_overwrite
from TauAdv.errors import ConfigError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--expID", required=True, metavar="RUN_ID", help="run whose model is applied")
    add("--mlpath", required=True, type=path, help="folder of its experiment, .../mlruns/EXPERIMENT_ID")
    add("--eval-ds", type=path, metavar="SHARDS", help="set of shards to evaluate")
    add("--input", nargs="+", metavar="TUPLES", help="ROOT or Parquet files, folders, patterns or lists, instead of shards")
    add("--output", type=path, metavar="FILE", help="of --input: friend tree 'scores' (.root) or table (.parquet)")
    add("--tree", default=None, help="of --input: name of the tree (default: taus)")
    add("--n-tau", type=count, default=100, help="taus per batch (default 100)")
    add("--n-batches", type=count, default=None, help="most batches to evaluate (default: all taus of the set)")
    add("--not-adversarial", action="store_true", help="the model has no adversarial head")
    add_overwrite(parser, "replace predictions made with other options")


def run(options: Namespace) -> None:
    """Apply the run."""
    if (options.eval_ds is None) == (options.input is None):
        msg = "give what to evaluate: --eval-ds SHARDS, or --input TUPLES with --output FILE"
        raise ConfigError(msg)
    if options.input is not None:
        _to_tuples(options)
        return
    if options.output is not None or options.tree is not None:
        msg = "--output and --tree belong to --input; the table of --eval-ds is written into the run"
        raise ConfigError(msg)
    from TauAdv.evaluation.predictions.tables import apply_run

    apply_run(
        options.mlpath,
        options.expID,
        options.eval_ds,
        batch_size=options.n_tau,
        max_batches=options.n_batches,
        not_adversarial=options.not_adversarial,
        overwrite=options.overwrite,
    )


def _to_tuples(options: Namespace) -> None:
    if options.output is None or options.n_batches is not None:
        msg = "--input: expected also --output FILE (.root or .parquet), and no --n-batches: all entries are scored"
        raise ConfigError(msg)
    from TauAdv.evaluation.predictions.score_files import write_scores

    write_scores(
        options.mlpath,
        options.expID,
        options.input,
        options.output,
        tree=options.tree or "taus",
        batch_size=options.n_tau,
        not_adversarial=options.not_adversarial,
        overwrite=options.overwrite,
    )
