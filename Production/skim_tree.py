#!/usr/bin/env python3
"""Keep the taus that pass a selection, and the branches asked for (docs/tuples.md)."""

from __future__ import annotations

import argparse

from TauAdv.config import load_settings
from TauAdv.config.options import count, path, whole_number
from TauAdv.config.words import names_between_commas
from TauAdv.errors import report_errors
from TauAdv.production.skim import SkimSettings, skim, summary


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and skim."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--input", required=True, nargs="+", help="ROOT files, folders, globs, or .txt and .list lists (with # comments)")
    add("--output", type=path, required=True, help="ROOT file to write")
    add("--input-tree", "--tree", help="tree to read (taus)")
    add("--output-tree", help="tree to write (named as the input's)")
    add("--other-trees", metavar="A,B", help="further trees, copied whole")
    add("--sel", help="selection as in ROOT, for example 'tau_pt>30 && std::abs(tau_eta)<2.3'")
    add(
        "--include-columns",
        metavar="A,^B.*",
        help="branches to keep; ^ begins a regular expression",
    )
    add(
        "--exclude-columns",
        metavar="A,^B.*",
        help="branches to leave out; wins over --include-columns",
    )
    add("--skip-unwritable", action="store_true", default=None, help="leave out branches that cannot be written, and say so")
    add(
        "--allow-duplicates",
        action="store_true",
        default=None,
        help="read a file again that is given under another name, or as a copy",
    )
    add("--input-prefix", default="", help="put before the names of inputs and of the entries of lists")
    add("--processing-module", metavar="FILE:FUNCTION", help="built-in: recompute_tautype.py:compute, adds mytauType")
    add("--comp-algo", help="lzma (default), zlib, lz4, zstd or none")
    add("--comp-level", type=whole_number, help="compression level (lzma: 9)")
    add("--n-threads", type=count, default=1, help="threads (1)")
    add("--input-range", metavar="B:E", help="entries to read")
    add("--output-range", metavar="B:E", help="which of the passing taus to write")
    add("--format", choices=["ttree", "rntuple"], help="what to write (ttree)")
    add("--update-output", action="store_true", help="add the tree to the output file if that exists")
    add("--allow-empty", action="store_true", default=None, help="write an empty tree if nothing passes")
    add("--overwrite", action="store_true", help="replace an output that was made otherwise")
    add("--verbose", action="store_true", help="print how many taus are left after each cut")
    options = vars(parser.parse_args(argv))
    where = {"inputs": options.pop("input"), "output": options.pop("output"), "prefix": options.pop("input_prefix")}
    how = {
        "threads": options.pop("n_threads"),
        "update": options.pop("update_output"),
        "overwrite": options.pop("overwrite"),
    }
    verbose = options.pop("verbose")
    for key in ("other_trees", "include_columns", "exclude_columns"):
        options[key] = names_between_commas(options[key], f"--{key.replace('_', '-')}")
    manifest = skim(**where, settings=load_settings(SkimSettings, overrides=options), **how)
    print(f"{where['output']}:\n{summary(manifest, verbose=verbose)}")


if __name__ == "__main__":
    main()
