"""Prepare extracted jets for training: clean, weight, scale and split them into sets of shards (docs/jets.md).

Examples:
    {jets prepare} --config prepare_jets --input extracted --output jets
    {jets prepare} --input extracted --output jets --weighting altptetaflavloss --jets 100000
    {jets prepare} --input extracted --shifted extracted_shifted --output domains --scalers-from jets
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path, whole_number
from TauAdv.cli.shared_options import add_allow_duplicates, add_config, add_overrides, add_overwrite

_SETTINGS = ("weighting", "jets", "n_tracks", "seed", "defaults", "scalers", "scalers_from", "allow_duplicates")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add_config(parser)
    add("--input", type=path, action="append", required=True, help="extracted jets; repeatable")
    add("--shifted", type=path, help="extracted jets of a shifted detector: makes an adversarial set of both")
    add("--output", type=path, required=True, help="folder of the sets train, val and test")
    add("--weighting", choices=["ptetaflavloss", "altptetaflavloss", "noweighting"], help="sample weights")
    add("--jets", type=whole_number, help="jets to take at random from each input; default: all")
    add("--n-tracks", type=whole_number, help="tracks whose variables are inputs (6)")
    add("--seed", type=whole_number, help="seed of split and shuffle (0)")
    add("--defaults", choices=["computed", "published"], help="values that stand for 'absent'")
    add("--scalers", choices=["computed", "published"], help="mean and spread of the inputs")
    add("--scalers-from", type=path, help="prepared jets whose defaults and scalers are taken")
    add_allow_duplicates(parser, "take an input")
    add_overwrite(parser, "replace sets that were made otherwise")
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Prepare the jets."""
    from TauAdv.config import given_once, load_settings
    from TauAdv.shards.jet.preparation import prepare_jets
    from TauAdv.shards.jet.settings import JetPreparationSettings

    given = {name: getattr(options, name) for name in _SETTINGS}
    kind = None if options.shifted is None else "adversarial"
    settings = load_settings(JetPreparationSettings, options.config, given_once(given, {"kind": kind}, options.overrides))
    inputs = [*options.input, *([] if options.shifted is None else [options.shifted])]
    manifest = prepare_jets(inputs, options.output, settings, overwrite=options.overwrite)
    for name, counts in manifest["sets"].items():
        print(f"{options.output / name}: {counts['jets']} jets; {counts['by_group']}")
    if outside := manifest["counts"]["training_jets_outside_of_weight_bins"]:
        print(f"  {outside} training jets are outside of the bins of the weights: they have the weight of the nearest bin")
    for label, fractions in manifest["counts"]["fractions"].items():
        print(f"  {label}: {', '.join(f'{name} {fraction:.4f}' for name, fraction in fractions.items())}")
