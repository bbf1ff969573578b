"""Make spectra of tuples: (|eta|, pt) of e, mu, tau, jet for the training weights, or pt targets of the event drop.

{spectra} --input FILES --output spectrum_input.root
{spectra} --target mt_inclusive/EMB=FILE [--target REGION/PROCESS=FILE ...] --output datacard.root
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from TauAdv.cli.options import number, path
from TauAdv.cli.shared_options import add_allow_duplicates, add_overwrite, add_switch
from TauAdv.errors import ConfigError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--input", nargs="+", help="(|eta|, pt) spectra of these: ROOT or Parquet files, folders, globs, lists"
    )
    kind.add_argument("--target", action="append", metavar="REGION/PROCESS=FILES", help="tuples of one pt target; repeat it")
    add("--output", type=path, required=True, help="ROOT file to write")
    add("--tree", help="name of the tree (taus)")
    add("--sel", help="ROOT-style selection, for example 'tau_byDeepTau2017v2p1VSjetraw > 0.9'")
    add("--weights", metavar="BRANCH", help="event weights")
    add_switch(parser, "--allow-negative", "take negative event weights; bins may become negative")
    add("--tau-type", help="with --input: branch of the tau type; default: recompute it from the generator match")
    add("--scale", type=number, help="with --target: number that the histograms are multiplied by")
    add_allow_duplicates(parser)
    add_overwrite(parser, "replace an output that was made otherwise")


def run(options: Namespace) -> None:
    """Make the spectra."""
    manifest = _eta_pt(options) if options.input else _targets(options)
    print(f"{options.output}: " + ", ".join(f"{name} {count} taus" for name, count in manifest["counts"].items()))
    if found := {name: count for name, count in manifest["negative"].items() if count}:
        print("  negative: " + ", ".join(f"{count} {name}" for name, count in found.items()))


def _eta_pt(options: Namespace) -> dict[str, Any]:
    from TauAdv.config import load_settings
    from TauAdv.production.spectra import EtaPtSettings, make_eta_pt_spectra

    _refuse(options.scale, "--scale goes with --target")
    settings = load_settings(EtaPtSettings, overrides=_common(options) | {"tau_type": options.tau_type})
    return make_eta_pt_spectra(options.input, options.output, settings, overwrite=options.overwrite)


def _targets(options: Namespace) -> dict[str, Any]:
    from TauAdv.config import load_settings
    from TauAdv.production.spectra import TargetSettings, make_targets, parse_processes

    _refuse(options.tau_type, "--tau-type goes with --input")
    processes = parse_processes(options.target)
    settings = load_settings(TargetSettings, overrides=_common(options) | {"scale": options.scale})
    return make_targets(processes, options.output, settings, overwrite=options.overwrite)


def _common(options: Namespace) -> dict[str, Any]:
    found = {"tree": options.tree, "selection": options.sel, "weights": options.weights}
    return found | {"allow_negative": options.allow_negative, "allow_duplicates": options.allow_duplicates}


def _refuse(value: Any, message: str) -> None:
    if value is not None:
        raise ConfigError(message)
