"""Mix data and simulation into the control-region files for training and evaluation (docs/production.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_allow_duplicates, add_config, add_overrides, add_overwrite

_DEFAULT = "mix_control_region"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser, f"control region and outputs (default: {_DEFAULT})")
    parser.add_argument("--input-dir", type=path, default=Path(), help="folder that the names of contributions start from")
    parser.add_argument("--output-dir", type=path, default=Path(), help="folder of the mixed files")
    add_allow_duplicates(parser)
    add_overwrite(parser, "replace outputs that were made otherwise")
    add_overrides(parser, "for example shuffle=false outputs.trainval.batches=10")


def run(options: Namespace) -> None:
    """Mix."""
    from TauAdv.config import load_settings
    from TauAdv.production.mixing.mix import mix_events
    from TauAdv.production.mixing.settings import MixingSettings

    allowed = ["allow_duplicates=true"] if options.allow_duplicates else []
    settings = load_settings(MixingSettings, options.config or _DEFAULT, [*allowed, *options.overrides])
    manifests = mix_events(settings, options.input_dir, options.output_dir, overwrite=options.overwrite)
    for name, manifest in manifests.items():
        print(f"{options.output_dir / settings.outputs[name].file}: {manifest['counts']['rows']} taus")
        for key in ("branches_left_out", "events_in_two_outputs", "negative_tau_pt"):
            value = manifest.get(key)  # a file that is kept may be of an earlier version
            if found := {name: number for name, number in value.items() if number} if isinstance(value, dict) else value:
                print(f"  {key.replace('_', ' ')}: {found}")
