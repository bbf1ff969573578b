"""Draw the validation page of simulated tuples: classes against each other, nominal against shifted, sanity figures.

Example:
    {validate} --nominal tuples --shifted tuples_shifted --output plots/simulation
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_allow_duplicates


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--nominal", required=True, help="ROOT or Parquet files of the nominal samples (folder, glob, list)")
    parser.add_argument("--shifted", help="ROOT or Parquet files made with other detector settings, or pseudo-data")
    add_allow_duplicates(parser)
    parser.add_argument("--output", type=path, required=True, help="folder of the page")


def run(options: Namespace) -> None:
    """Draw the page."""
    from TauAdv.plotting.simulation import write_page
    from TauAdv.simulation.validation import class_histograms, load_candidates, sanity_figures, shift_figures

    how = {"allow_duplicates": bool(options.allow_duplicates)}
    nominal = load_candidates(options.nominal, **how)
    shifted = load_candidates(options.shifted, **how) if options.shifted else None
    figures = sanity_figures(nominal, options.nominal)
    figures += shift_figures(nominal, shifted) if shifted is not None else []
    for figure in figures:
        print(f"{figure.name:50s} {figure.measured:8.3f} ± {figure.error:.3f}   {figure.asked}", file=sys.stderr)
    print(write_page(class_histograms(nominal, shifted), figures, options.output))
