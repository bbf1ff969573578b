"""Runs the bench programs one after the other and writes ``bench/summary.md``: their tables, and the machine's description.

Programs that were run before at this commit, in the same way, are not run again (their figures lie in bench_output); the
table of a program that fails is replaced by its last line. ``--only`` runs some programs. All of them take hours; with
``--quick`` each takes less than five minutes.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from report import Report, parser, write_figures

HERE = Path(__file__).resolve().parent
RESULTS, SUMMARY = HERE.parent / "bench_output", HERE / "summary.md"
PROGRAMS = (
    "skim",
    "production",
    "features",
    "shards",
    "network_inference",
    "network_training",
    "step_cost",
    "jets",
    "jet_shards",
    "jet_training",
    "attacks",
    "growth",
)
PACKAGES = ("tensorflow-cpu", "keras", "numpy", "uproot", "awkward", "pyarrow", "root", "torch", "foolbox")


def main() -> None:
    """Run what is missing, and write the summary."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--only", nargs="+", choices=PROGRAMS, default=PROGRAMS, help="programs to run")
    chosen = options.parse_args()
    commit = said(["git", "rev-parse", "--short=10", "HEAD"])
    RESULTS.mkdir(exist_ok=True)
    results = [result(name, commit, chosen.quick, run=name in chosen.only) for name in PROGRAMS]
    found = [each for each in results if each is not None]
    SUMMARY.write_text(text_of(found), encoding="utf-8")
    print(f"{SUMMARY}: {len(found)} of {len(PROGRAMS)} programs")
    if chosen.json is not None:
        write_figures(chosen.json, {"programs": found})
    if any("error" in each for each in found):
        raise SystemExit(1)


def result(name: str, commit: str, quick: bool, run: bool) -> dict[str, Any] | None:
    """Return the figures of a program: those of before if they are of this commit, or new ones."""
    path = RESULTS / f"{name}.json"
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if not run or (earlier and "error" not in earlier and (earlier["commit"], earlier["quick"]) == (commit, quick)):
        return earlier
    figures = RESULTS / f"{name}.figures.json"
    print(f"== {name}", flush=True)
    start = time.perf_counter()
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", str(figures), *(["--quick"] if quick else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout, flush=True)
    found = {"name": name, "commit": commit, "quick": quick, "date": time.strftime("%Y-%m-%d")}
    found |= {"seconds": time.perf_counter() - start, "load": os.getloadavg()[2], "machine": machine()}
    if done.returncode:
        found["error"] = (done.stderr.strip() or "no message").splitlines()[-1]
    else:
        found |= json.loads(figures.read_text(encoding="utf-8"))
        figures.unlink()
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def machine() -> str:
    """Return processor, cores, memory and the versions of what decides the figures."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    processor = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{package} {found}" for package in PACKAGES if (found := installed(package))]
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {', '.join(versions)}"
    )


def installed(package: str) -> str | None:
    """Return the version of a package, if it is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def said(command: list[str]) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout.strip()


def text_of(results: list[dict[str, Any]]) -> str:
    """Return the summary as Markdown."""
    machines = dict.fromkeys(each["machine"] for each in results)
    parts = ["# Measurements", "", "Made by `make bench`. Ratio: ours over what it is compared with, in the same run.", ""]
    parts += [f"Machine: {each}." for each in machines]
    for each in results:
        how = ", `--quick`" if each["quick"] else ""
        parts += ["", f"## {each.get('title', each['name'])}", ""]
        took = f"{each['seconds'] / 60:.0f} min, load {each['load']:.1f}"
        parts.append(f"`python bench/{each['name']}.py`{how}, {each['date']}, commit {each['commit']}, {took}")
        parts += ["", *(table_of(each["rows"]) if "rows" in each else [f"Failed: {each['error']}"])]
    return "\n".join(parts) + "\n"


def table_of(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table."""
    lines = ["| " + " | ".join(Report.columns) + " |", "|" + "---|" * len(Report.columns)]
    for row in rows:
        cells = [
            "-" if row[name] is None else f"{row[name]:.2f}" if name == "ratio" else row[name] for name in Report.columns
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


if __name__ == "__main__":
    main()
