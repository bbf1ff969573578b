#!/usr/bin/env python3
"""Make spectra of tuples: (|eta|, pt) of e, mu, tau, jet for the training weights, or pt targets of the event drop.

make_spectra.py --input FILES --output spectrum_input.root
make_spectra.py --target mt_inclusive/EMB=FILE [--target REGION/PROCESS=FILE ...] --output datacard.root
"""

from __future__ import annotations

import argparse

from TauAdv.config import load_settings
from TauAdv.config.options import number, path
from TauAdv.errors import report_errors
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets, parse_processes


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and make the spectra."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--input", nargs="+", help="tuples of the (|eta|, pt) spectra: ROOT files, folders, globs, .txt lists")
    kind.add_argument("--target", action="append", metavar="REGION/PROCESS=FILES", help="tuples of one pt target; repeat it")
    parser.add_argument("--output", type=path, required=True, help="ROOT file to write")
    parser.add_argument("--tree", help="name of the tree (taus)")
    parser.add_argument("--sel", help="ROOT-style selection, for example 'tau_byDeepTau2017v2p1VSjetraw > 0.9'")
    parser.add_argument("--weights", metavar="BRANCH", help="event weights")
    parser.add_argument(
        "--allow-negative", action="store_true", help="take negative event weights; bins may become negative"
    )
    parser.add_argument(
        "--tau_type", help="with --input: branch of the tau type; default: recompute it from the generator match"
    )
    parser.add_argument("--scale", type=number, help="with --target: number that the histograms are multiplied by")
    parser.add_argument(
        "--allow-duplicates", action="store_true", help="take a file again that is given under another name, or as a copy"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an output that was made otherwise")
    options = parser.parse_args(argv)
    common = {"tree": options.tree, "selection": options.sel, "weights": options.weights}
    common |= {"allow_negative": options.allow_negative, "allow_duplicates": options.allow_duplicates}
    if options.input:
        if options.scale is not None:
            parser.error("--scale goes with --target")
        settings = load_settings(EtaPtSettings, overrides=common | {"tau_type": options.tau_type})
        manifest = make_eta_pt_spectra(options.input, options.output, settings, overwrite=options.overwrite)
    else:
        if options.tau_type is not None:
            parser.error("--tau_type goes with --input")
        processes = parse_processes(options.target)
        targets = load_settings(TargetSettings, overrides=common | {"scale": options.scale})
        manifest = make_targets(processes, options.output, targets, overwrite=options.overwrite)
    print(f"{options.output}: " + ", ".join(f"{name} {count} taus" for name, count in manifest["counts"].items()))
    if found := {name: count for name, count in manifest["negative"].items() if count}:
        print("  negative: " + ", ".join(f"{count} {name}" for name, count in found.items()))


if __name__ == "__main__":
    main()
