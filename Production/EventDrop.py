#!/usr/bin/env python3
"""Drop taus until their pt spectrum has the shape of a target histogram (docs/production.md)."""

from __future__ import annotations

import argparse

from TauAdv.config import load_settings
from TauAdv.config.options import number, path, whole_number
from TauAdv.errors import report_errors
from TauAdv.production.event_drop import EventDropSettings, drop_events
from TauAdv.tuples.axes import Axis


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and drop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input_file", required=True, help="tuples: ROOT file, folder, glob or .txt list")
    parser.add_argument("--target_file", type=path, required=True, help="ROOT file with the target histogram")
    parser.add_argument("--target_histo", required=True, help="path of the histogram in it, for example mt_inclusive/EMB")
    parser.add_argument("--n_tau", type=whole_number, help="taus to read (not to keep), from the first one on; default: all")
    parser.add_argument("--save_path", required=True, type=path, help="ROOT file to write")
    parser.add_argument("--tree", help="name of the tree (taus)")
    parser.add_argument(
        "--rng", choices=["numpy", "root"], help="random numbers: numpy (default), or those of ROOT's TRandom3"
    )
    parser.add_argument("--seed", type=whole_number, help="seed of the random numbers (4357, ROOT's default)")
    parser.add_argument("--maximum", choices=["max", "robust"], help="what scales target/observed: its maximum (default), "
                        "or the maximum of the bins that are known precisely")  # fmt: skip
    parser.add_argument("--max_relative_error", type=number, help="with --maximum robust: error of a precise bin (0.2)")
    parser.add_argument("--weights", metavar="BRANCH", help="event weights for the observed spectrum")
    parser.add_argument(
        "--allow-negative",
        action="store_true",
        default=None,
        help="take negative event weights and target bins (as 0); bins whose weights sum to 0 or less keep all their taus",
    )
    parser.add_argument(
        "--rebin", action="store_true", default=None, help="sum finer bins of the target where edges allow it"
    )
    parser.add_argument(
        "--allow-duplicates",
        action="store_true",
        default=None,
        help="take a file again that is given under another name, or as a copy",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an output that was made otherwise")
    options = vars(parser.parse_args(argv))
    files = {name: options.pop(name) for name in ("input_file", "target_file", "save_path", "overwrite")}
    settings = load_settings(EventDropSettings, overrides=options | {"target_histogram": options.pop("target_histo")})
    manifest = drop_events(**files, settings=settings)
    counts, drop = manifest["counts"], manifest["drop"]
    named = Axis.variable(drop["edges"]).bin_names
    print(f"{files['save_path']}: {counts['kept']} of {counts['read']} taus kept (the input has {counts['entries']})")
    if drop["negative_tau_pt"]:
        print(f"  {drop['negative_tau_pt']} candidates have a tau_pt below 0 (no reconstructed tau): underflow bin")
    if drop["negative_event_weights"]:
        print(f"  {drop['negative_event_weights']} of {counts['entries']} event weights are negative")
    if drop["bins_without_ratio"]:
        print(f"  all taus kept in {named(drop['bins_without_ratio'])}: their event weights sum to 0 or less")
    if drop["negative_target_bins"]:
        print(f"  no tau kept in {named(drop['negative_target_bins'])}: the target is negative there, which counts as 0")


if __name__ == "__main__":
    main()
