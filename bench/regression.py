"""Did numbers change? Short trainings of every kind, predictions, exports and reports at two commits, compared bit for bit.

  python bench/regression.py                    this checkout against its last commit
  python bench/regression.py --against COMMIT   this checkout against another commit
  python bench/regression.py --record FOLDER    only record this checkout

Either side is recorded on this machine, by its own copy of this program and with its own package: nothing is compared with
figures kept from before, since they depend on processor and versions. Ends with status 1 if anything differs or is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
_THREADS = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")]
os.environ.update(dict.fromkeys((*_THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))  # one order of sums
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", PYTHONPATH=sys.path[1])

from campaign.attempt import REPOSITORY  # noqa: E402
from recordings.cases import CASES, with_needed  # noqa: E402
from recordings.commits import checkout, commit_named, recorded, stop_recording  # noqa: E402
from recordings.record import record  # noqa: E402
from recordings.store import RecordingError, environment, read_description  # noqa: E402
from recordings.verdict import compare, show  # noqa: E402

from TauAdv.cli.options import count, path  # noqa: E402


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--against", default="HEAD", metavar="COMMIT", help="compare with this commit (HEAD)")
    what.add_argument("--record", type=path, metavar="FOLDER", help="only record this checkout into FOLDER")
    parser.add_argument(
        "--only", action="append", metavar="CASE", help="cases to run, with those they need; repeatable (all)"
    )
    parser.add_argument("--quick", action="store_true", help="few cases, a third of the time")
    cores = os.cpu_count() or 1
    parser.add_argument("--jobs", type=count, default=cores, help=f"cases at a time, of both sides together ({cores})")
    parser.add_argument("--keep", type=path, metavar="FOLDER", help="keep the commit's recording there, and use it again")
    parser.add_argument("--json", type=path, metavar="FILE", help="also write the comparison to FILE")
    return parser.parse_args()


def wanted_cases(arguments: argparse.Namespace) -> list[str]:
    """Return the cases to run, with those they need; one that this commit does not know is refused, except by ``--record``.

    Raises:
        RecordingError: if a name is not known.
    """
    known = [case.name for case in CASES]
    names = arguments.only or [case.name for case in CASES if case.quick or not arguments.quick]
    if not arguments.record and (unknown := sorted(set(names) - set(known))):
        msg = f"--only {unknown[0]}: no such case; there are {', '.join(known)}"
        raise RecordingError(msg)
    return [case.name for case in with_needed(names)]


def is_recorded(folder: Path, names: Sequence[str]) -> bool:
    """Return whether a folder holds a recording with these cases, as far as its commit knows them."""
    if (found := read_description(folder)) is None:
        return False
    there = {name for name, outcome in found["cases"].items() if outcome["left out"] or not outcome["problem"]}
    return set(names) & set(found["known"]) <= there


def record_commit(commit: str, names: Sequence[str], folder: Path, jobs: int) -> Path:
    """Record a commit into a folder, and return it; what is there is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with checkout(commit) as root, tempfile.TemporaryDirectory(dir=folder.parent, prefix=".recording_") as temporary:
        recorded(root, Path(temporary) / "new", names, jobs, quiet=True)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(temporary) / "new").rename(folder)
    return folder


def run_comparison(arguments: argparse.Namespace, names: Sequence[str]) -> bool:
    """Record both sides, at the same time if both must be, compare them, and return whether they are equal."""
    began, commit = time.monotonic(), commit_named(arguments.against)
    every_case = not (arguments.only or arguments.quick)
    with tempfile.TemporaryDirectory(prefix="tauadv_recordings_") as temporary, ThreadPoolExecutor() as pool:
        before, after = (arguments.keep or Path(temporary)).resolve() / commit, Path(temporary).resolve() / "checkout"
        there = is_recorded(before, names)
        print(f"{commit[:12]}: {f'recording in {before}' if there else 'is recorded beside this checkout'}", flush=True)
        jobs = max(1, arguments.jobs if there else arguments.jobs // 2)
        other = None if there else pool.submit(record_commit, commit, names, before, jobs)
        try:
            recorded(REPOSITORY, after, names, jobs)
            if other is not None:
                other.result()
        except BaseException:
            stop_recording()
            raise
        rows = compare(before, after, names, every_case=every_case)
    seconds = time.monotonic() - began
    equal = show(rows, commit, seconds)
    if arguments.json is not None:
        content = {"against": commit, "equal": equal, "seconds": seconds, "environment": environment(), "rows": rows}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return equal


def main() -> None:
    """Record, or record and compare."""
    arguments = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        names = wanted_cases(arguments)
        if arguments.record:
            raise SystemExit(1 if record(arguments.record, names, arguments.jobs) else 0)
        equal = run_comparison(arguments, names)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except RecordingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    print("equal" if equal else "NOT equal")
    raise SystemExit(0 if equal else 1)


if __name__ == "__main__":
    main()
