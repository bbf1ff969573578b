"""Extract jets: a .json.gz file of one jet a line (Jet Flavor dataset) becomes Arrow files with the needed columns.

Example:
    {jets extract} --input dataset.json.gz --output jets n_tracks=6 on_bad_line=skip
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_config, add_overrides, add_overwrite


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add_config(parser, "YAML file of settings; default: 6 tracks, stop at a bad line")
    parser.add_argument("--input", type=path, required=True, help="file of jets, one list a line (.json.gz or plain)")
    parser.add_argument("--output", type=path, required=True, help="folder of the Arrow files")
    add_overwrite(parser, "replace jets made with other settings or another file")
    add_overrides(parser)


def run(options: Namespace) -> None:
    """Extract."""
    from TauAdv.config import load_settings
    from TauAdv.jets.extract import ExtractionSettings, extract_jets

    settings = load_settings(ExtractionSettings, options.config, options.overrides)
    manifest = extract_jets(options.input, options.output, settings, overwrite=options.overwrite)
    print(f"{options.output}: {manifest['counts']}", file=sys.stderr)
