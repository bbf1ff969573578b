"""Make the pT weights of the mixed files, with closure plots (docs/production.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_allow_duplicates, add_config, add_overrides, add_overwrite, add_switch

if TYPE_CHECKING:
    from TauAdv.production.pt_weights.settings import PtWeightsSettings

_DEFAULT = "pt_weights"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--input", nargs="+", required=True, help="mixed tuples: ROOT or Parquet files, folders, globs, .txt lists")
    add("--output", type=path, required=True, help="ROOT file of the weights")
    add("--target-file", type=path, help="ROOT file with the target histograms that processes of the config name")
    add_config(parser, f"control region and bins (default: {_DEFAULT})")
    add("--weights", metavar="BRANCH", help="event weights of the simulation")
    negative = "take negative event weights (bins that sum to 0 or less get weight 0) and negative bins of targets (as 0)"
    add_switch(parser, "--allow-negative", negative)
    add_switch(parser, "--rebin", "sum finer bins of the targets where edges allow it")
    add("--plots", type=path, help="folder of the closure plots (default: that of the output)")
    add("--contributions", type=path, metavar="FILE", help="control region, where --config names none or is not given")
    add_allow_duplicates(parser)
    add_overwrite(parser, "replace an output that was made otherwise")
    add_overrides(parser, "settings that win over the file, at the end")


def run(options: Namespace) -> None:
    """Make the weights and draw the closure."""
    from TauAdv.plotting.pt_weights import STAGES, plot_pt_weights
    from TauAdv.plotting.style import require_own_figures, save_figure
    from TauAdv.production.pt_weights.closure_spectra import read_closure
    from TauAdv.production.pt_weights.weights import make_pt_weights, mixed_contributions

    settings = _settings(options)
    config = options.config or f"{_DEFAULT} (the default of --config)"
    contributions = mixed_contributions(options.input, settings, options.contributions, config).require_complete()
    plots = options.plots or options.output.parent
    names = {stage: f"{options.output.stem}_{stage}" for stage in STAGES}
    require_own_figures(plots, *names.values())
    more = {"contributions": options.contributions, "overwrite": options.overwrite}
    manifest = make_pt_weights(options.input, options.output, settings, options.target_file, **more)
    closure = read_closure(options.output, [process.name for process in settings.processes])
    for stage, figure in plot_pt_weights(closure, contributions).items():
        print(", ".join(map(str, save_figure(figure, plots, names[stage]))))
    _print(manifest["counts"], settings)


def _settings(options: Namespace) -> PtWeightsSettings:
    """Return the settings of the options; a control region with targets wins over that of the shipped configuration."""
    from TauAdv.config import given_once, load_settings, merged
    from TauAdv.domain.contributions.control_region import load_control_region
    from TauAdv.production.pt_weights.settings import PtWeightsSettings

    keys = ("weights", "rebin", "allow_negative", "allow_duplicates")
    region: dict[str, Path] = {}
    if options.config is None and options.contributions and load_control_region(options.contributions).targets:
        region = {"control_region": options.contributions}
    overrides = merged(region, given_once({key: getattr(options, key) for key in keys}, options.overrides))
    return load_settings(PtWeightsSettings, options.config or _DEFAULT, overrides)


def _print(counts: dict[str, Any], settings: PtWeightsSettings) -> None:
    from TauAdv.tuples.axes import Axis

    for name, taus in counts["taus"].items():
        empty = counts["empty_bins"].get(name)
        note = f", {len(empty)} of its bins with a target are empty" if empty else ""
        print(f"{name}: {taus:g} taus, {counts['weighted'][name]:g} after the weights{note}")
        if bins := counts["bins_of_no_positive_sum"][name]:
            print(f"  weight 0 in {Axis.variable(settings.edges).bin_names(bins)}: event weights that sum to 0 or less")
    for what in ("event_weights", "tau_pt"):
        if number := counts[f"negative_{what}"]:
            print(f"negative {what}: {number}")
