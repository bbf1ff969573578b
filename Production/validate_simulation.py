"""Draw the validation page of simulated tuples: classes against each other, nominal against shifted, sanity figures.

Example:
    python Production/validate_simulation.py --nominal tuples --shifted tuples_shifted --output plots/simulation
"""

from __future__ import annotations

import argparse
import sys

from TauAdv.config.options import path
from TauAdv.errors import report_errors
from TauAdv.plotting.simulation import write_page
from TauAdv.simulation.validation import class_histograms, load_candidates, sanity_figures, shift_figures


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nominal", required=True, help="ROOT files of the nominal samples (folder, glob or .txt list)")
    parser.add_argument("--shifted", help="ROOT files made with other detector settings, or pseudo-data")
    parser.add_argument(
        "--allow-duplicates", action="store_true", help="take a file again that is given under another name, or as a copy"
    )
    parser.add_argument("--output", type=path, required=True, help="folder of the page")
    return parser.parse_args(argv)


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    options = arguments(argv)
    how = {"allow_duplicates": options.allow_duplicates}
    nominal = load_candidates(options.nominal, **how)
    shifted = load_candidates(options.shifted, **how) if options.shifted else None
    figures = sanity_figures(nominal, options.nominal)
    figures += shift_figures(nominal, shifted) if shifted is not None else []
    for figure in figures:
        print(f"{figure.name:50s} {figure.measured:8.3f} ± {figure.error:.3f}   {figure.asked}", file=sys.stderr)
    print(write_page(class_histograms(nominal, shifted), figures, options.output))


if __name__ == "__main__":
    main()
