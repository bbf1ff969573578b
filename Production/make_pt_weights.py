#!/usr/bin/env python3
"""Make the pT weights of the mixed files, with closure plots (docs/production.md)."""

from __future__ import annotations

import argparse
from pathlib import Path

from TauAdv.config import load_settings, merged
from TauAdv.config.options import path
from TauAdv.domain.control_region import load_control_region
from TauAdv.errors import report_errors
from TauAdv.plotting.pt_weights import FIGURES, plot_pt_weights
from TauAdv.plotting.style import require_own_figures, save_figure
from TauAdv.production.pt_closure import read_closure
from TauAdv.production.pt_weights import make_pt_weights, mixed_contributions
from TauAdv.production.pt_weights_settings import PtWeightsSettings
from TauAdv.tuples.axes import Axis

DEFAULT_CONFIG = Path(__file__).parent / "configs" / "pt_weights.yaml"


def read_settings(options: argparse.Namespace) -> PtWeightsSettings:
    """Return the settings of the options; a control region with targets wins over that of the shipped configuration."""
    keys = ("weights", "rebin", "allow_negative", "allow_duplicates")
    region: dict[str, Path] = {}
    if options.config is None and options.contributions and load_control_region(options.contributions).targets:
        region = {"control_region": options.contributions}
    overrides = merged(region, {key: getattr(options, key) for key in keys}, options.overrides)
    return load_settings(PtWeightsSettings, options.config or DEFAULT_CONFIG, overrides)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options, make the weights, draw the closure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", nargs="+", required=True, help="mixed tuples: ROOT files, folders, globs, .txt lists")
    parser.add_argument("--output", type=path, required=True, help="ROOT file of the weights")
    parser.add_argument(
        "--target_file", type=path, help="ROOT file with the target histograms that processes of the config name"
    )
    parser.add_argument("--config", type=path, help=f"control region and bins (default: {DEFAULT_CONFIG})")
    parser.add_argument("--weights", metavar="BRANCH", help="event weights of the simulation")
    parser.add_argument(
        "--allow-negative",
        action="store_true",
        default=None,
        help="take negative event weights (bins that sum to 0 or less get weight 0) and negative bins of targets (as 0)",
    )
    parser.add_argument(
        "--rebin", action="store_true", default=None, help="sum finer bins of the targets where edges allow it"
    )
    parser.add_argument("--plots", type=path, help="folder of the closure plots (default: that of the output)")
    parser.add_argument(
        "--contributions", type=path, metavar="FILE", help="control region, where --config names none or is not given"
    )
    parser.add_argument(
        "--allow-duplicates",
        action="store_true",
        default=None,
        help="take a file again that is given under another name, or as a copy",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an output that was made otherwise")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the file, at the end")
    options = parser.parse_intermixed_args(argv)
    settings = read_settings(options)
    config = options.config or f"{DEFAULT_CONFIG} (the default of --config)"
    contributions = mixed_contributions(options.input, settings, options.contributions, config).require_complete()
    plots = options.plots or options.output.parent
    require_own_figures(plots, *FIGURES)
    more = {"contributions": options.contributions, "overwrite": options.overwrite}
    manifest = make_pt_weights(options.input, options.output, settings, options.target_file, **more)
    closure = read_closure(options.output, [process.name for process in settings.processes])
    for name, figure in plot_pt_weights(closure, contributions).items():
        print(", ".join(map(str, save_figure(figure, plots, name))))
    counts = manifest["counts"]
    for name, taus in counts["taus"].items():
        empty = counts["empty_bins"].get(name)
        note = f", {len(empty)} of its bins with a target are empty" if empty else ""
        print(f"{name}: {taus:g} taus, {counts['weighted'][name]:g} after the weights{note}")
        if bins := counts["bins_of_no_positive_sum"][name]:
            print(f"  weight 0 in {Axis.variable(settings.edges).bin_names(bins)}: event weights that sum to 0 or less")
    for what in ("event_weights", "tau_pt"):
        if number := counts[f"negative_{what}"]:
            print(f"negative {what}: {number}")


if __name__ == "__main__":
    main()
