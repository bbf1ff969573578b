"""Compare a file of jets with the published dataset: means, vertex rates, and the AUC of a quick tagger.

Example:
    python Production/validate_jets.py --input jets.json.gz
"""

from __future__ import annotations

import argparse

from TauAdv.config.options import count, path
from TauAdv.errors import report_errors
from TauAdv.simulation.jets.validation import load_jets, report


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=path, required=True, help="file of jets (.json.gz)")
    parser.add_argument("--most", type=count, help="use so many jets, spread over the file")
    return parser.parse_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    options = arguments(argv)
    print(report(load_jets(options.input, options.most)))


if __name__ == "__main__":
    main()
