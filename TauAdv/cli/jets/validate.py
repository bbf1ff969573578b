"""Compare a file of jets with the published dataset: means, vertex rates, and the AUC of a quick tagger.

Example:
    {jets validate} --input jets.json.gz
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import count, path


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--input", type=path, required=True, help="file of jets (.json.gz)")
    parser.add_argument("--most", type=count, help="use so many jets, spread over the file")


def run(options: Namespace) -> None:
    """Compare."""
    from TauAdv.simulation.jets.validation import load_jets, report

    print(report(load_jets(options.input, options.most)))
