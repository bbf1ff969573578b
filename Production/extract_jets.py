"""Extract jets: a .json.gz file of one jet a line (Jet Flavor dataset) becomes Arrow files with the needed columns.

Example:
    python Production/extract_jets.py --input dataset.json.gz --output jets n_tracks=6 on_bad_line=skip
"""

from __future__ import annotations

import argparse
import sys

from TauAdv.config import load_settings
from TauAdv.config.options import path
from TauAdv.errors import report_errors
from TauAdv.jets.extract import ExtractionSettings, extract_jets


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=path, help="YAML file of settings; default: 6 tracks, stop at a bad line")
    parser.add_argument("--input", type=path, required=True, help="file of jets, one list a line (.json.gz or plain)")
    parser.add_argument("--output", type=path, required=True, help="folder of the Arrow files")
    parser.add_argument("--overwrite", action="store_true", help="replace jets made with other settings or another file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that win over the file")
    return parser.parse_intermixed_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    options = arguments(argv)
    settings = load_settings(ExtractionSettings, options.config, options.overrides)
    manifest = extract_jets(options.input, options.output, settings, overwrite=options.overwrite)
    print(f"{options.output}: {manifest['counts']}", file=sys.stderr)


if __name__ == "__main__":
    main()
