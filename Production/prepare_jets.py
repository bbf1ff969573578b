#!/usr/bin/env python3
"""Prepare extracted jets for training: clean, weight, scale and split them into sets of shards (docs/jets.md).

Examples:
    python Production/prepare_jets.py --config Production/configs/prepare_jets.yaml --input extracted --output jets
    python Production/prepare_jets.py --input extracted --output jets --weighting altptetaflavloss --jets 100000
    python Production/prepare_jets.py --input extracted --shifted extracted_shifted --output domains --scalers_from jets
"""

from __future__ import annotations

import argparse

from TauAdv.config import load_settings, merged
from TauAdv.config.options import path, whole_number
from TauAdv.errors import report_errors
from TauAdv.shards.jet_preparation import prepare_jets
from TauAdv.shards.jet_settings import JetPreparationSettings

NAMED = ("weighting", "jets", "n_tracks", "seed", "defaults", "scalers", "scalers_from", "allow_duplicates")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=path, help="YAML file of the settings")
    parser.add_argument("--input", type=path, action="append", required=True, help="extracted jets; repeatable")
    parser.add_argument(
        "--shifted", type=path, help="extracted jets of a shifted detector: makes an adversarial set of both"
    )
    parser.add_argument("--output", type=path, required=True, help="folder of the sets train, val and test")
    parser.add_argument("--weighting", choices=["ptetaflavloss", "altptetaflavloss", "noweighting"], help="sample weights")
    parser.add_argument("--jets", type=whole_number, help="jets to take at random from each input; default: all")
    parser.add_argument("--n_tracks", type=whole_number, help="tracks whose variables are inputs (6)")
    parser.add_argument("--seed", type=whole_number, help="seed of split and shuffle (0)")
    parser.add_argument("--defaults", choices=["computed", "published"], help="values that stand for 'absent'")
    parser.add_argument("--scalers", choices=["computed", "published"], help="mean and spread of the inputs")
    parser.add_argument("--scalers_from", type=path, help="prepared jets whose defaults and scalers are taken")
    parser.add_argument(
        "--allow-duplicates",
        action="store_true",
        default=None,
        help="take an input again that is given under another name, or as a copy",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace sets that were made otherwise")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the file")
    return parser.parse_intermixed_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and prepare the jets."""
    options = arguments(argv)
    named = {name: getattr(options, name) for name in NAMED}
    kind = None if options.shifted is None else "adversarial"
    settings = load_settings(JetPreparationSettings, options.config, merged(named, {"kind": kind}, options.overrides))
    inputs = [*options.input, *([] if options.shifted is None else [options.shifted])]
    manifest = prepare_jets(inputs, options.output, settings, overwrite=options.overwrite)
    for name, counts in manifest["sets"].items():
        print(f"{options.output / name}: {counts['jets']} jets; {counts['by_group']}")
    if outside := manifest["counts"]["training_jets_outside_of_weight_bins"]:
        print(f"  {outside} training jets are outside of the bins of the weights: they have the weight of the nearest bin")
    for label, fractions in manifest["counts"]["fractions"].items():
        print(f"  {label}: {', '.join(f'{name} {fraction:.4f}' for name, fraction in fractions.items())}")


if __name__ == "__main__":
    main()
