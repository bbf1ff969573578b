"""Plot what trainings logged per epoch, or the loss of one jet as two of its inputs move, into the first run's artifacts.

{plot-loss} --mlpath mlruns/1 --expID RUN_ID [RUN_ID ...]
{plot-loss} --mlpath mlruns/1 --expID RUN_ID --surface track_0_D0 jet_pt --test jets/test --row 12
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import number, path, whole_number
from TauAdv.errors import ConfigError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--mlpath", required=True, type=path, help="folder mlruns, or one experiment in it")
    add("--expID", required=True, nargs="+", metavar="RUN_ID", help="runs; the surface is of the first")
    add("--metrics", nargs="+", help="metrics per epoch (default: losses, also attacked and of domains)")
    add("--surface", nargs=2, metavar="INPUT", help="draw the loss over these two inputs instead")
    add("--test", type=path, metavar="SHARDS", help="set that holds the jet of the surface")
    add("--row", type=whole_number, default=0, help="number of the jet in the set (default 0)")
    add("--width", type=number, default=1.0, help="reach of the surface in standard deviations (default 1)")
    add("--points", type=whole_number, default=61, help="points of the surface in each direction (default 61)")
    add("--eps", type=number, default=0.05, help="half width of the box of an attack (default 0.05)")
    add("--output", type=path, metavar="FOLDER", help="default: artifacts/plots of the first run")


def run(options: Namespace) -> None:
    """Draw."""
    if options.surface and options.test is None:
        msg = "--surface needs --test, the set that holds the jet"
        raise ConfigError(msg)
    # TensorFlow takes seconds to load: after the checks of the command line
    from TauAdv.evaluation.losses.of_runs import history_of_runs, plots_folder, surface_of_run
    from TauAdv.plotting.losses.of_runs import save_loss_history, save_loss_surface

    mlpath, runs = options.mlpath, options.expID
    folder = options.output or plots_folder(mlpath, runs[0])
    if options.surface:
        shape = {"row": options.row, "width": options.width, "points": options.points, "eps": options.eps}
        surface = surface_of_run(mlpath, runs[0], options.test, options.surface, **shape)
        paths = save_loss_surface(surface, folder, options.row)
    else:
        paths = save_loss_history(history_of_runs(mlpath, runs, options.metrics), folder, options.metrics)
    print("\n".join(str(path) for path in paths))
