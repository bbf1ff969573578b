#!/usr/bin/env python3
"""Make a set of shards, the input of training and evaluation, from tuples (docs/shards.md).

Examples:
    python Production/make_shards.py --config Production/configs/shards_classification.yaml --input train.root --output class
    python Production/make_shards.py --config Production/configs/shards_adversarial.yaml --input mixed.root --output adv
    python Production/make_shards.py --n_batches 1125 --save_path adv --input_dir mixed --training_cfg training_v1.yaml
"""

from __future__ import annotations

import argparse

from TauAdv.config import merged
from TauAdv.config.options import count, path, whole_number
from TauAdv.errors import ConfigError, report_errors
from TauAdv.shards.settings import load_shard_settings
from TauAdv.shards.training_config import TrainingConfig
from TauAdv.shards.writer import write_shards

NAMED = ("kind", "n_batches", "n_tau", "adversarial_weights", "allow_negative", "allow_duplicates", "seed")


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=path, help="YAML file of the settings")
    parser.add_argument(
        "--training_cfg", type=path, help="training config of TauMLTools; makes an adversarial set by default"
    )
    parser.add_argument(
        "--input", "--input_dir", action="append", help="tuples: ROOT file, folder, glob or .txt list; repeatable"
    )
    parser.add_argument("--output", "--save_path", type=path, required=True, help="folder of the set")
    parser.add_argument("--kind", choices=["classification", "adversarial"], help="what labels and weights mean")
    parser.add_argument("--n_batches", type=whole_number, help="take n_batches * n_tau taus; default: all")
    parser.add_argument("--n_tau", type=whole_number, help="taus per batch (100)")
    parser.add_argument("--weights", dest="adversarial_weights", metavar="FILE", help="pT weights of an adversarial set")
    parser.add_argument(
        "--allow-negative", action="store_true", default=None, help="take negative contents of weights and spectra"
    )
    parser.add_argument(
        "--allow-duplicates",
        action="store_true",
        default=None,
        help="take a file again that is given under another name, or as a copy",
    )
    parser.add_argument("--seed", type=whole_number, help="seed of the shuffle (0)")
    parser.add_argument("--n_workers", type=count, default=1, help="worker processes")
    parser.add_argument("--overwrite", action="store_true", help="replace a set that was made otherwise")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the files")
    return parser.parse_intermixed_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and write the set."""
    options = arguments(argv)
    named = {key: getattr(options, key) for key in NAMED}
    overrides = merged(named, options.overrides)
    settings, input_dir = load_shard_settings(options.config, overrides, training_cfg=options.training_cfg)
    if options.training_cfg is not None:
        print("\n".join(TrainingConfig.read(options.training_cfg).lines(settings.kind)))
    inputs = options.input or input_dir
    if not inputs:
        msg = "no tuples to read: give --input, or a --training_cfg with input_dir"
        raise ConfigError(msg)
    manifest = write_shards(inputs, options.output, settings, overwrite=options.overwrite, n_workers=options.n_workers)
    counts = manifest["counts"]
    print(f"{options.output}: {counts['taus']} of {counts['entries_read']} taus; {counts['by_group']}")
    for title in ("losses", "weight_zero", "weight_negative", "nonfinite"):
        if found := {name: count for name, count in counts[title].items() if count}:
            print(f"  {title.replace('_', ' ')}: {found}")


if __name__ == "__main__":
    main()
