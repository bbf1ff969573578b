"""Make a set of shards, the input of training and evaluation, from tuples (docs/shards.md).

Examples:
    {shards} --config shards_classification --input train.root --output class
    {shards} --config shards_adversarial --input mixed.root --output adv
    {shards} --n-batches 1125 --save-path adv --input-dir mixed --training-cfg training_v1.yaml
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path, whole_number
from TauAdv.cli.shared_options import (
    add_allow_duplicates,
    add_config,
    add_n_workers,
    add_overrides,
    add_overwrite,
    add_switch,
)
from TauAdv.errors import ConfigError

_SETTINGS = ("kind", "n_batches", "n_tau", "adversarial_weights", "allow_negative", "allow_duplicates", "seed")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add_config(parser)
    add("--training-cfg", type=path, help="training config of TauMLTools; makes an adversarial set by default")
    add("--input", "--input-dir", action="append", help="tuples: ROOT or Parquet file, folder, glob, .txt list; repeatable")
    add("--output", "--save-path", type=path, required=True, help="folder of the set")
    add("--kind", choices=["classification", "adversarial"], help="what labels and weights mean")
    add("--n-batches", type=whole_number, help="take n_batches * n_tau taus; default: all")
    add("--n-tau", type=whole_number, help="taus per batch (100)")
    add("--weights", dest="adversarial_weights", metavar="FILE", help="pT weights of an adversarial set")
    add_switch(parser, "--allow-negative", "take negative contents of weights and spectra")
    add_allow_duplicates(parser)
    add("--seed", type=whole_number, help="seed of the shuffle (0)")
    add_n_workers(parser)
    add_overwrite(parser, "replace a set that was made otherwise")
    add_overrides(parser, "settings that win over the files")


def run(options: Namespace) -> None:
    """Write the set."""
    from TauAdv.config import given_once
    from TauAdv.shards.tau.settings import load_shard_settings
    from TauAdv.shards.tau.training_config import TrainingConfig
    from TauAdv.shards.tau.writer import write_shards

    overrides = given_once({key: getattr(options, key) for key in _SETTINGS}, options.overrides)
    settings, input_dir = load_shard_settings(options.config, overrides, training_cfg=options.training_cfg)
    if options.training_cfg is not None:
        print("\n".join(TrainingConfig.read(options.training_cfg).lines(settings.kind)))
    inputs = options.input or input_dir
    if not inputs:
        msg = "no tuples to read: give --input, or a --training-cfg with input_dir"
        raise ConfigError(msg)
    manifest = write_shards(inputs, options.output, settings, overwrite=options.overwrite, n_workers=options.n_workers)
    counts = manifest["counts"]
    print(f"{options.output}: {counts['taus']} of {counts['entries_read']} taus; {counts['by_group']}")
    for title in ("losses", "weight_zero", "weight_negative", "nonfinite"):
        if found := {name: count for name, count in counts[title].items() if count}:
            print(f"  {title.replace('_', ' ')}: {found}")
