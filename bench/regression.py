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
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
_THREADS = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")]
os.environ.update(dict.fromkeys((*_THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))  # one order of sums
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", PYTHONPATH=sys.path[1])

from campaign.attempt import REPOSITORY  # noqa: E402
from recordings.cases import CASES, with_needed  # noqa: E402
from recordings.commits import checkout, commit_named, recorded  # noqa: E402
from recordings.differences import differences  # noqa: E402
from recordings.record import record  # noqa: E402
from recordings.store import DESCRIPTION, RecordingError, environment, read_case, read_description  # noqa: E402

_SHOWN = 3  # differences of a case


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--against", default="HEAD", metavar="COMMIT", help="compare with this commit (HEAD)")
    what.add_argument("--record", type=Path, metavar="FOLDER", help="only record this checkout into FOLDER")
    parser.add_argument(
        "--only", action="append", metavar="CASE", help="cases to run, with those they need; repeatable (all)"
    )
    parser.add_argument("--quick", action="store_true", help="few cases (under 2 minutes)")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--jobs", type=int, default=cores, help=f"cases at a time, of both sides together ({cores})")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the commit's recording there, and use it again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the comparison to FILE")
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
    found = read_description(folder)
    return found is not None and set(names) & set(found["known"]) <= set(found["cases"])


def record_commit(commit: str, names: Sequence[str], folder: Path, jobs: int) -> Path:
    """Record a commit into a folder, and return it; what is there is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with checkout(commit) as root, tempfile.TemporaryDirectory(dir=folder.parent, prefix=".recording_") as temporary:
        recorded(root, Path(temporary) / "new", names, jobs, quiet=True)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(temporary) / "new").rename(folder)
    return folder


def compare(before: Path, after: Path, names: Sequence[str], *, every_case: bool) -> list[dict[str, Any]]:
    """Return one row per case: its name, what is compared, how many arrays, and what came out.

    Args:
        before: recording of the commit.
        after: recording of this checkout.
        names: of the cases.
        every_case: whether they are all that there are: then none may have gone.
    """
    old, new = (json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")) for folder in (before, after))
    gone = sorted(set(old["known"]) - set(new["known"])) if every_case else []
    rows = [{"case": name, "what": "", "arrays": 0, "result": "missing", "differences": []} for name in gone]
    for name in names:
        row = {"case": name, "what": new["cases"][name]["what"], "arrays": 0, "differences": []}
        problems = [side["cases"].get(name, {}).get("problem") for side in (old, new)]
        if any(problems):
            left_out = new["cases"][name]["left out"]
            rows.append({**row, "result": "left out" if left_out else "failed", "differences": list(filter(None, problems))})
        elif name not in old["known"]:
            rows.append({**row, "result": "new"})
        else:
            arrays = [read_case(folder / name) for folder in (before, after)]
            found = differences(*arrays)
            result = "differs" if found else "equal"
            rows.append({**row, "arrays": len(arrays[1]), "result": result, "differences": found})
    return rows


def show(rows: Sequence[dict[str, Any]], commit: str, seconds: float) -> bool:
    """Print the table; return whether all is equal: of what is new, or needs a package, nothing can be said."""
    widths = [max(len(row[key]) for row in rows) for key in ("case", "what")]
    print(f"\n{'case':{widths[0]}}  {'what':{widths[1]}}  arrays  result")
    for row in rows:
        print(f"{row['case']:{widths[0]}}  {row['what']:{widths[1]}}  {row['arrays']:6}  {row['result']}")
        shown = row["differences"][:_SHOWN]
        more = len(row["differences"]) - len(shown)
        for text in [*shown, *([f"and {more} more"] if more else [])]:
            print(f"{'':{widths[0]}}    {text}")
    compared = [row for row in rows if row["result"] not in ("new", "left out")]
    equal = sum(row["result"] == "equal" for row in compared)
    print(f"\ngoal: every bit as at {commit[:12]}: {equal} of {len(compared)} cases; {seconds:.0f} s")
    return bool(compared) and equal == len(compared)


def run_comparison(arguments: argparse.Namespace, names: Sequence[str]) -> bool:
    """Record both sides, at the same time if both must be, compare them, and return whether they are equal."""
    began, commit = time.monotonic(), commit_named(arguments.against)
    every_case = not (arguments.only or arguments.quick)
    with tempfile.TemporaryDirectory(prefix="tauadv_recordings_") as temporary, ThreadPoolExecutor() as pool:
        before, after = (arguments.keep or Path(temporary)).resolve() / commit, Path(temporary).resolve() / "checkout"
        if there := is_recorded(before, names):
            print(f"recording of {commit[:12]}: {before}", flush=True)
        jobs = arguments.jobs if there else max(1, arguments.jobs // 2)
        other = None if there else pool.submit(record_commit, commit, names, before, jobs)
        recorded(REPOSITORY, after, names, jobs)
        if other is not None:
            other.result()
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
    try:
        names = wanted_cases(arguments)
        if arguments.record:
            raise SystemExit(1 if record(arguments.record, names, arguments.jobs) else 0)
        equal = run_comparison(arguments, names)
    except RecordingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    print("equal" if equal else "NOT equal")
    raise SystemExit(0 if equal else 1)


if __name__ == "__main__":
    main()
