#!/usr/bin/env python3
"""Mix data and simulation into the control-region files for training and evaluation (docs/production.md)."""

from __future__ import annotations

import argparse
from pathlib import Path

from TauAdv.config import load_settings
from TauAdv.config.options import path
from TauAdv.errors import report_errors
from TauAdv.production.mixing import mix_events
from TauAdv.production.mixing_settings import MixingSettings

DEFAULT_CONFIG = Path(__file__).parent / "configs" / "mix_control_region.yaml"


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Read the options and mix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--config", type=path, default=DEFAULT_CONFIG, help="control region and outputs (default: %(default)s)"
    )
    parser.add_argument("--input_dir", type=path, default=Path(), help="folder that the names of contributions start from")
    parser.add_argument("--output_dir", type=path, default=Path(), help="folder of the mixed files")
    parser.add_argument(
        "--allow-duplicates", action="store_true", help="take a file again that is given under another name, or as a copy"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that were made otherwise")
    parser.add_argument(
        "overrides", nargs="*", metavar="key=value", help="for example shuffle=false outputs.trainval.batches=10"
    )
    options = parser.parse_intermixed_args(argv)
    allowed = ["allow_duplicates=true"] if options.allow_duplicates else []
    settings = load_settings(MixingSettings, options.config, [*allowed, *options.overrides])
    manifests = mix_events(settings, options.input_dir, options.output_dir, overwrite=options.overwrite)
    for name, manifest in manifests.items():
        print(f"{options.output_dir / settings.outputs[name].file}: {manifest['counts']['rows']} taus")
        for key in ("branches_left_out", "events_in_two_outputs", "negative_tau_pt"):
            value = manifest.get(key)  # a file that is kept may be of an earlier version
            if found := {name: number for name, number in value.items() if number} if isinstance(value, dict) else value:
                print(f"  {key.replace('_', ' ')}: {found}")


if __name__ == "__main__":
    main()
