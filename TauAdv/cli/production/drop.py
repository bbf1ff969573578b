"""Drop taus until their pt spectrum has the shape of a target histogram (docs/production.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from TauAdv.cli.options import number, path, whole_number
from TauAdv.cli.shared_options import add_allow_duplicates, add_overwrite, add_switch


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--input-file", required=True, help="tuples: ROOT or Parquet file, folder, glob or .txt list")
    add("--target-file", type=path, required=True, help="ROOT file with the target histogram")
    add("--target-histo", required=True, help="path of the histogram in it, for example mt_inclusive/EMB")
    add("--n-tau", type=whole_number, help="taus to read (not to keep), from the first one on; default: all")
    add("--save-path", type=path, required=True, help="ROOT file to write")
    add("--tree", help="name of the tree (taus)")
    add("--rng", choices=["numpy", "root"], help="random numbers: numpy (default), or those of ROOT's TRandom3")
    add("--seed", type=whole_number, help="seed of the random numbers (4357, ROOT's default)")
    add("--maximum", choices=["max", "robust"], help="what scales target/observed: its maximum (default), "
        "or the maximum of the bins that are known precisely")  # fmt: skip
    add("--max-relative-error", type=number, help="with --maximum robust: error of a precise bin (0.2)")
    add("--weights", metavar="BRANCH", help="event weights for the observed spectrum")
    negative = "take negative event weights and target bins (as 0); bins whose weights sum to 0 or less keep all their taus"
    add_switch(parser, "--allow-negative", negative)
    add_switch(parser, "--rebin", "sum finer bins of the target where edges allow it")
    add_allow_duplicates(parser)
    add_overwrite(parser, "replace an output that was made otherwise")


def run(options: Namespace) -> None:
    """Drop."""
    from TauAdv.config import load_settings
    from TauAdv.production.event_drop.drop import EventDropSettings, drop_events

    given = vars(options)
    files = {name: given.pop(name) for name in ("input_file", "target_file", "save_path", "overwrite")}
    settings = load_settings(EventDropSettings, overrides=given | {"target_histogram": given.pop("target_histo")})
    _print(files["save_path"], drop_events(**files, settings=settings))


def _print(output: Any, manifest: dict[str, Any]) -> None:
    from TauAdv.tuples.axes import Axis

    counts, drop = manifest["counts"], manifest["drop"]
    named = Axis.variable(drop["edges"]).bin_names
    print(f"{output}: {counts['kept']} of {counts['read']} taus kept (the input has {counts['entries']})")
    if drop["negative_tau_pt"]:
        print(f"  {drop['negative_tau_pt']} candidates have a tau_pt below 0 (no reconstructed tau): underflow bin")
    if drop["negative_event_weights"]:
        print(f"  {drop['negative_event_weights']} of {counts['entries']} event weights are negative")
    if drop["bins_without_ratio"]:
        print(f"  all taus kept in {named(drop['bins_without_ratio'])}: their event weights sum to 0 or less")
    if drop["negative_target_bins"]:
        print(f"  no tau kept in {named(drop['negative_target_bins'])}: the target is negative there, which counts as 0")
