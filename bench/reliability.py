"""Campaign against the package: kills, full disks, damaged files, two processes at once, generated inputs.

Prints a table of what came out, and ends with status 1 if anything was wrong, lost, a traceback or hanging. Every part is
drawn from ``--seed``; ``--only`` takes some parts, ``--steps`` some steps. All of it takes hours, ``--quick`` minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):  # bit-equal trainings
    os.environ.setdefault(f"{_threads}_NUM_THREADS" if not _threads.startswith("TF") else f"{_threads}_THREADS", "1")

from campaign import faults  # noqa: E402
from campaign.tally import FAULTS, Tally  # noqa: E402

PARTS = ("kills", "full disk", "pairs", "damage", "inputs")
#: Per part: tries of a step or kind, in the full campaign and with --quick; of steps with TensorFlow in brackets.
KILLS, WRITES, PAIRS, DAMAGED, INPUTS = (14, 2), (None, 2), (4, 1), (60, 3), (20_000, 400)
KILLS_TENSORFLOW, WRITES_TENSORFLOW = (10, 1), (25, 1)


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few tries of each kind (under 5 minutes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write table and examples to FILE")
    parser.add_argument("--seed", type=int, default=20261127, help="of everything that is drawn")
    parser.add_argument("--only", action="append", choices=PARTS, help="parts to run (all)")
    parser.add_argument("--steps", action="append", metavar="TEXT", help="steps whose names hold TEXT (all)")
    parser.add_argument("--folder", type=Path, help="where to work (a temporary folder)")
    return parser.parse_args()


def load() -> None:
    """Import what the steps need, before processes are forked: it takes longer than most of them."""
    import awkward  # noqa: F401
    import matplotlib
    import mlflow  # noqa: F401
    import numba  # noqa: F401
    import tensorflow  # noqa: F401
    import uproot  # noqa: F401

    matplotlib.use("Agg")


def campaign(arguments: argparse.Namespace, folder: Path) -> list[Tally]:
    """Run the parts and return what came of each."""
    wanted, quick = arguments.only or PARTS, int(arguments.quick)
    tallies: list[Tally] = []
    if {"kills", "full disk", "pairs", "damage"} & set(wanted):
        from campaign.steps import build

        began = time.monotonic()
        workspace = build(folder)
        print(f"inputs of all steps made in {time.monotonic() - began:.0f} s", flush=True)
    if {"kills", "full disk", "pairs"} & set(wanted):
        tallies += steps(arguments, workspace, wanted, quick)
    if "damage" in wanted:
        from campaign.damage import damage_files

        tallies += damage_files(workspace, DAMAGED[quick], arguments.seed)
    if "inputs" in wanted:
        from campaign.generated import generate_inputs

        tallies += generate_inputs(INPUTS[quick], arguments.seed)
    return tallies


def steps(arguments: argparse.Namespace, workspace, wanted, quick: int) -> list[Tally]:
    """Try every step: killed, without space, started twice."""
    from campaign.full_disk import fill_disk
    from campaign.kills import kill_step, reference_of
    from campaign.pairs import start_twice
    from campaign.steps import STEPS

    tallies = {part: Tally(part) for part in ("kills", "full disk", "pairs") if part in wanted}
    for number, step in enumerate(STEPS):
        if arguments.steps and not any(text in step.name for text in arguments.steps):
            continue
        if quick and step.tensorflow and step.name not in ("classifier", "predictions"):
            continue
        began, seed = time.monotonic(), arguments.seed + number
        reference = reference_of(step, workspace)
        if "kills" in tallies:
            kills = (KILLS_TENSORFLOW if step.tensorflow else KILLS)[quick]
            kill_step(step, workspace, reference, kills, seed, tallies["kills"])
        if "full disk" in tallies and faults.available():
            writes = (WRITES_TENSORFLOW if step.tensorflow else WRITES)[quick]
            fill_disk(step, workspace, reference, writes, seed, tallies["full disk"])
        if "pairs" in tallies:
            start_twice(step, workspace, reference, PAIRS[quick], seed, tallies["pairs"])
        seconds = time.monotonic() - began
        alone = f"{reference.operations} file operations, {reference.seconds:.1f} s alone"
        print(f"{step.name}: {alone}; tried for {seconds:.0f} s", flush=True)
    return list(tallies.values())


def show(tallies: list[Tally], seconds: float) -> None:
    """Print the table and what happened."""
    print(f"\n{'what':28} {'tries':>8} {'good':>8} " + " ".join(f"{name:>10}" for name in FAULTS) + "  notes")
    for tally in tallies:
        counts = " ".join(f"{tally.counts[name]:>10}" for name in FAULTS)
        notes = ", ".join(f"{name}: {count}" for name, count in tally.notes.items())
        print(f"{tally.what:28} {tally.attempts:>8} {tally.good:>8} {counts}  {notes}")
    for tally in tallies:
        for example in tally.examples:
            print(f"\n{tally.what}: {example}")
    verdict = "all zero" if all(tally.clean for tally in tallies) else "NOT all zero"
    print(f"\ngoal: no wrong result, none lost, no traceback, no hang: {verdict}; {seconds:.0f} s")


def main() -> None:
    """Run the campaign."""
    arguments = options()
    faults.restart_with_faults()
    if not faults.available():
        print("no C compiler: kills at random times only, and no full disks")
    load()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tauadv_reliability_", ignore_cleanup_errors=True) as temporary:
        tallies = campaign(arguments, arguments.folder or Path(temporary))
    seconds = time.monotonic() - began
    show(tallies, seconds)
    if arguments.json is not None:
        rows = [{**vars(tally), "clean": tally.clean} for tally in tallies]
        arguments.json.write_text(json.dumps({"seconds": seconds, "seed": arguments.seed, "rows": rows}, indent=1) + "\n")
    raise SystemExit(0 if all(tally.clean for tally in tallies) else 1)


if __name__ == "__main__":
    main()
