#!/usr/bin/env python
"""Plot what trainings logged per epoch, or the loss of one jet as two of its inputs move, into the first run's artifacts.

python Evaluation/plot_loss.py --mlpath mlruns/1 --expID RUN_ID [RUN_ID ...]
python Evaluation/plot_loss.py --mlpath mlruns/1 --expID RUN_ID --surface track_0_D0 jet_pt --test jets/test --row 12
"""

from __future__ import annotations

import argparse

from TauAdv.config.options import number, path, whole_number
from TauAdv.errors import report_errors


def parser() -> argparse.ArgumentParser:
    """Return the command line of the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    options.add_argument("--expID", required=True, nargs="+", metavar="RUN_ID", help="runs; the surface is of the first")
    options.add_argument("--metrics", nargs="+", help="metrics per epoch (default: losses, also attacked and of domains)")
    options.add_argument("--surface", nargs=2, metavar="INPUT", help="draw the loss over these two inputs instead")
    options.add_argument("--test", type=path, metavar="SHARDS", help="set that holds the jet of the surface")
    options.add_argument("--row", type=whole_number, default=0, help="number of the jet in the set (default 0)")
    options.add_argument("--width", type=number, default=1.0, help="reach of the surface in standard deviations (default 1)")
    options.add_argument(
        "--points", type=whole_number, default=61, help="points of the surface in each direction (default 61)"
    )
    options.add_argument("--eps", type=number, default=0.05, help="half width of the box of an attack (default 0.05)")
    options.add_argument("--output", type=path, metavar="FOLDER", help="default: artifacts/plots of the first run")
    return options


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Parse the command line and draw."""
    options = parser()
    args = options.parse_args(argv)
    if args.surface and args.test is None:
        options.error("--surface needs --test, the set that holds the jet")
    # TensorFlow takes seconds to load: after the checks of the command line
    from TauAdv.evaluation.losses import history_of_runs, plots_folder, surface_of_run
    from TauAdv.plotting.losses import save_loss_history, save_loss_surface

    folder = args.output or plots_folder(args.mlpath, args.expID[0])
    if args.surface:
        shape = {"row": args.row, "width": args.width, "points": args.points, "eps": args.eps}
        surface = surface_of_run(args.mlpath, args.expID[0], args.test, args.surface, **shape)
        paths = save_loss_surface(surface, folder, args.row)
    else:
        paths = save_loss_history(history_of_runs(args.mlpath, args.expID, args.metrics), folder, args.metrics)
    print("\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main()
