"""Campaign against the package: kills, full disks, damaged files, two processes at once, generated inputs.

Prints a table of what came out, and ends with status 1 if anything was wrong, lost, a traceback or hanging. Every part is
drawn from ``--seed``; ``--only`` takes some parts, ``--steps`` some steps. All of it takes hours, ``--quick`` minutes.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):  # bit-equal trainings
    os.environ.setdefault(f"{_threads}_NUM_THREADS" if not _threads.startswith("TF") else f"{_threads}_THREADS", "1")

from campaign import faults  # noqa: E402
from campaign.damage import damage_files  # noqa: E402
from campaign.full_disk import fill_disk  # noqa: E402
from campaign.generated import generate_inputs  # noqa: E402
from campaign.kills import kill_step, reference_of  # noqa: E402
from campaign.pairs import start_twice  # noqa: E402
from campaign.steps import STEPS, Step, Workspace, build  # noqa: E402
from campaign.tally import FAULTS, Tally  # noqa: E402
from report import write_figures  # noqa: E402

from TauAdv.cli.options import count, path, whole_number  # noqa: E402

PARTS = ("kills", "full disk", "pairs", "damage", "inputs")
_LIBRARIES = ("awkward", "numba", "uproot", "matplotlib.pyplot")


@dataclass(frozen=True)
class Size:
    """How much of the campaign is run: tries of a step, with the numbers of steps that load TensorFlow, or of a kind.

    Attributes:
        writes: that fail; ``None``: every one.
        steps: names of the steps; ``None``: all.
        inputs_of: names of the steps that make inputs; ``None``: all.
        kinds: of damaged files; ``None``: all.
    """

    kills: int
    kills_tensorflow: int
    writes: int | None
    writes_tensorflow: int
    pairs: int
    damaged: int
    generated: int
    steps: Sequence[str] | None = None
    inputs_of: Sequence[str] | None = None
    kinds: Sequence[str] | None = None

    def kills_of(self, step: Step) -> int:
        """Return how often a step is killed."""
        return self.kills_tensorflow if step.tensorflow else self.kills

    def writes_of(self, step: Step) -> int | None:
        """Return how many writes of a step fail."""
        return self.writes_tensorflow if step.tensorflow else self.writes


FULL = Size(14, 10, None, 25, 4, 60, 20_000)
_SHORT = tuple(step.name for step in STEPS if not step.tensorflow or step.name in ("classifier", "predictions"))
QUICK = Size(2, 1, 2, 1, 1, 3, 400, steps=_SHORT)
#: The part that ``make test`` runs, in seconds.
SLICE = Size(
    *(2, 0, 4, 0, 1, 3, 250),
    steps=("skim", "jet extraction", "jet preparation"),
    inputs_of=("jet extraction", "jet preparation"),
    kinds=("tuples", "jet shards", "extracted jets", "compressed jet lines", "manifests of files", "settings"),
)


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few tries of each kind (under 5 minutes)")
    parser.add_argument("--slice", action="store_true", help="the few tries that make test runs")
    parser.add_argument("--json", type=path, metavar="FILE", help="also write table and examples to FILE")
    parser.add_argument("--seed", type=whole_number, default=20261127, help="of everything that is drawn")
    parser.add_argument("--only", action="append", choices=PARTS, help="parts to run (all)")
    parser.add_argument("--steps", action="append", metavar="TEXT", help="steps whose names hold TEXT (all)")
    parser.add_argument("--kills", type=count, help="how often a step is killed (10 to 14)")
    parser.add_argument("--writes", type=count, help="most writes of a step that fail (every one)")
    parser.add_argument("--pairs", type=count, help="how often two processes do a step at once (4)")
    parser.add_argument("--folder", type=path, help="where to work (a temporary folder)")
    return parser.parse_args()


def load(names: Sequence[str]) -> None:
    """Import what the steps need, before processes are forked: it takes longer than most of them."""
    for name in names:
        importlib.import_module(name)
    matplotlib.use("Agg")


def campaign(arguments: argparse.Namespace, size: Size, folder: Path) -> list[Tally]:
    """Run the parts and return what came of each."""
    wanted = arguments.only or PARTS
    tallies: list[Tally] = []
    if set(wanted) - {"inputs"}:
        began = time.monotonic()
        workspace = build(folder, size.inputs_of)
        print(f"inputs made in {time.monotonic() - began:.0f} s", flush=True)
        tallies += try_steps(arguments, size, workspace, wanted)
        if "damage" in wanted:
            tallies += damage_files(workspace, size.damaged, arguments.seed, size.kinds)
    if "inputs" in wanted:
        tallies += generate_inputs(size.generated, arguments.seed)
    return tallies


def try_steps(arguments: argparse.Namespace, size: Size, workspace: Workspace, wanted: Sequence[str]) -> list[Tally]:
    """Try every step: killed, without space, started twice."""
    tallies = {part: Tally(part) for part in ("kills", "full disk", "pairs") if part in wanted}
    for number, step in enumerate(STEPS if tallies else ()):
        named = arguments.steps is None or any(text in step.name for text in arguments.steps)
        if not named or (size.steps is not None and step.name not in size.steps):
            continue
        began, seed = time.monotonic(), arguments.seed + number
        reference = reference_of(step, workspace)
        if "kills" in tallies:
            kills = arguments.kills or size.kills_of(step)
            kill_step(step, workspace, reference, kills, seed, tallies["kills"])
        if "full disk" in tallies and faults.available():
            writes = arguments.writes or size.writes_of(step)
            fill_disk(step, workspace, reference, writes, seed, tallies["full disk"])
        if "pairs" in tallies:
            start_twice(step, workspace, reference, arguments.pairs or size.pairs, seed, tallies["pairs"])
        seconds = time.monotonic() - began
        alone = f"{reference.operations} file operations, {reference.seconds:.1f} s alone"
        so_far = ", ".join(f"{tally.what} {tally.good} of {tally.attempts} good" for tally in tallies.values())
        print(f"{step.name}: {alone}; tried for {seconds:.0f} s; so far {so_far}", flush=True)
    return list(tallies.values())


def show(tallies: list[Tally], seconds: float) -> None:
    """Print the table and what happened."""
    print(f"\n{'what':28} {'tries':>8} {'good':>8} " + " ".join(f"{name:>10}" for name in FAULTS) + "  notes")
    for tally in tallies:
        counts = " ".join(f"{tally.counts[name]:>10}" for name in FAULTS)
        notes = ", ".join(f"{name}: {count}" for name, count in tally.notes.items())
        print(f"{tally.what:28} {tally.attempts:>8} {tally.good:>8} {counts}  {notes}")
    verdict = "all zero" if all(tally.clean for tally in tallies) else "NOT all zero"
    print(f"\ngoal: no wrong result, none lost, no traceback, no hang: {verdict}; {seconds:.0f} s")


def main() -> None:
    """Run the campaign."""
    arguments = options()
    faults.restart_with_faults()
    if not faults.available():
        print("no C compiler: kills at random times only, and no full disks")
    size = SLICE if arguments.slice else QUICK if arguments.quick else FULL
    load(_LIBRARIES if arguments.slice else (*_LIBRARIES, "mlflow", "tensorflow"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tauadv_reliability_", ignore_cleanup_errors=True) as temporary:
        tallies = campaign(arguments, size, arguments.folder or Path(temporary))
    seconds = time.monotonic() - began
    show(tallies, seconds)
    if arguments.json is not None:
        rows = [{**vars(tally), "clean": tally.clean} for tally in tallies]
        write_figures(arguments.json, {"seconds": seconds, "seed": arguments.seed, "rows": rows})
    raise SystemExit(0 if all(tally.clean for tally in tallies) else 1)


if __name__ == "__main__":
    main()
