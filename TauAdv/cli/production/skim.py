"""Keep the taus that pass a selection, and the branches asked for (docs/tuples.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import count, path, whole_number
from TauAdv.cli.shared_options import add_allow_duplicates, add_overwrite, add_switch

_LISTS = ("other_trees", "include_columns", "exclude_columns")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--input", required=True, nargs="+", help="ROOT or Parquet files, folders, globs, .txt and .list lists (# comments)")
    add("--output", type=path, required=True, help="ROOT file to write")
    add("--input-tree", "--tree", help="tree to read (taus)")
    add("--output-tree", help="tree to write (named as the input's)")
    add("--other-trees", metavar="A,B", help="further trees, copied whole")
    add("--sel", help="selection as in ROOT, for example 'tau_pt>30 && std::abs(tau_eta)<2.3'")
    add("--include-columns", metavar="A,^B.*", help="branches to keep; ^ begins a regular expression")
    add("--exclude-columns", metavar="A,^B.*", help="branches to leave out; wins over --include-columns")
    add_switch(parser, "--skip-unwritable", "leave out branches that cannot be written, and say so")
    add_allow_duplicates(parser, "read a file")
    add("--input-prefix", default="", help="put before the names of inputs and of the entries of lists")
    add("--processing-module", metavar="FILE:FUNCTION", help="built-in: recompute_tautype.py:compute, adds mytauType")
    add("--comp-algo", help="lzma (default), zlib, lz4, zstd or none")
    add("--comp-level", type=whole_number, help="compression level (lzma: 9)")
    add("--n-threads", type=count, default=1, help="threads (1)")
    add("--input-range", metavar="B:E", help="entries to read")
    add("--output-range", metavar="B:E", help="which of the passing taus to write")
    add("--format", choices=["ttree", "rntuple"], help="what to write (ttree)")
    add("--update-output", action="store_true", help="add the tree to the output file if that exists")
    add_switch(parser, "--allow-empty", "write an empty tree if nothing passes")
    add_overwrite(parser, "replace an output that was made otherwise")
    add("--verbose", action="store_true", help="print how many taus are left after each cut")


def run(options: Namespace) -> None:
    """Skim."""
    from TauAdv.config import load_settings
    from TauAdv.config.words import names_between_commas
    from TauAdv.production.skim.skim import SkimSettings, skim, summary

    given = vars(options)
    where = {"inputs": given.pop("input"), "output": given.pop("output"), "prefix": given.pop("input_prefix")}
    how = {"threads": given.pop("n_threads"), "update": given.pop("update_output"), "overwrite": given.pop("overwrite")}
    verbose = given.pop("verbose")
    lists = {key: names_between_commas(given[key], f"--{key.replace('_', '-')}") for key in _LISTS}
    manifest = skim(**where, settings=load_settings(SkimSettings, overrides=given | lists), **how)
    print(f"{where['output']}:\n{summary(manifest, verbose=verbose)}")
