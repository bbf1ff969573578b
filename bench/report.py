"""What every bench program shares: the options, interleaved timing and the table of goal, figure, baseline and limit."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from apart import Cost

from TauAdv.cli.options import path
from TauAdv.io.checked_files import new_listed_file


def parser(description: str) -> argparse.ArgumentParser:
    """Return the parser of ``--quick`` and ``--json FILE``."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="smaller samples and fewer repetitions (under 5 minutes)")
    made.add_argument("--json", type=path, metavar="FILE", help="also write the figures to FILE")
    return made


def options(description: str) -> argparse.Namespace:
    """Parse ``--quick`` and ``--json FILE``."""
    return parser(description).parse_args()


def interleaved(
    jobs: Mapping[str, Callable[[], Any]],
    repetitions: int,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median time in seconds of each job; the jobs take turns, so that a drift of the machine hits all.

    ``clock`` is the wall clock by default; ``time.process_time`` counts CPU seconds of all threads, for figures per core.
    """
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for repetition in range(-warm_up, repetitions):
        for name, job in jobs.items():
            start = clock()
            job()
            if repetition >= 0:
                times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


class Report:
    """Collects rows of goal, figure, baseline and physical limit; prints them side by side; writes them as JSON."""

    columns = ("what", "figure", "baseline", "ratio", "goal", "limit", "cpu", "wall")

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[dict[str, Any]] = []

    def add(
        self,
        what: str,
        *,
        figure: str,
        baseline: str = "-",
        ratio: float | None = None,
        goal: str = "-",
        limit: str = "-",
        cpu: str = "-",
        wall: str = "-",
    ) -> None:
        """Add a row; ``ratio`` is figure over baseline, measured in this run."""
        row = {"what": what, "figure": figure, "baseline": baseline, "ratio": ratio, "goal": goal, "limit": limit}
        self.rows.append(row | {"cpu": cpu, "wall": wall})

    def race(
        self, what: str, ours: Cost, peer: Cost, *, number: int, peer_name: str, goal: str = "-", limit: Cost | None = None
    ) -> None:
        """Add a row of rates per CPU second, of the same ``number`` of things on both sides, with CPU and wall seconds.

        ``limit`` is the cost of what cannot be spared, such as decompression.
        """
        self.add(
            what,
            figure=f"{number / ours.cpu:,.0f}/s",
            baseline=f"{number / peer.cpu:,.0f}/s ({peer_name})",
            ratio=peer.cpu / ours.cpu,
            goal=goal,
            limit="-" if limit is None else f"{number / limit.cpu:,.0f}/s",
            cpu=f"{ours.cpu:.2f} / {peer.cpu:.2f} s",
            wall=f"{ours.wall:.2f} / {peer.wall:.2f} s",
        )

    def finish(self, json_path: Path | None = None) -> None:
        """Print the table and write the JSON file."""
        cells = [self.columns] + [
            tuple(
                "-" if row[c] is None else f"{row[c]:.2f}" if isinstance(row[c], float) else str(row[c])
                for c in self.columns
            )
            for row in self.rows
        ]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        print(f"\n{self.title}  ({platform.machine()}, Python {platform.python_version()})")
        for row in cells:
            print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
        if json_path is not None:
            write_figures(json_path, {"title": self.title, "rows": self.rows})


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write figures as JSON; a file that is not of a bench program is not replaced."""
    with new_listed_file(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
