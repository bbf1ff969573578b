"""The network: inference and training against dense grids, and the official CMS network in and out."""

from __future__ import annotations

from network_cms import cms_rows
from network_inference import inference_rows, one_thread
from network_training import training_rows
from report import Report, options
from step_cost import cost_rows


def main() -> None:
    """Measure and print."""
    chosen = options(__doc__.splitlines()[0])
    one_thread()
    report = Report("Network: inference, training, official network")
    for rows in (inference_rows, training_rows, cost_rows, cms_rows):
        rows(report, chosen.quick)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
