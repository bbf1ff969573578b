"""The verdict on two recordings, case by case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recordings.differences import differences
from recordings.store import DESCRIPTION, read_case

__all__ = ["compare", "show"]

_SHOWN = 3  # differences of a case
Row = dict[str, Any]


def compare(before: Path, after: Path, names: Sequence[str], *, every_case: bool) -> list[Row]:
    """Return one row per case: its name, what is compared, how many arrays, and what came out.

    Args:
        before: recording of the commit.
        after: recording of this checkout.
        names: of the cases.
        every_case: whether they are all that there are: then none may have gone.
    """
    old, new = (json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")) for folder in (before, after))
    gone = sorted(set(old["known"]) - set(new["known"])) if every_case else []
    rows: list[Row] = [{"case": name, "what": "", "arrays": 0, "result": "missing", "differences": []} for name in gone]
    for name in names:
        row: Row = {"case": name, "what": new["cases"][name]["what"], "arrays": 0, "differences": []}
        if problems := list(_problems(name, old, new)):
            result = "left out" if new["cases"][name]["left out"] else "failed"
            rows.append({**row, "result": result, "differences": problems})
        elif name not in old["known"]:
            rows.append({**row, "result": "new"})
        else:
            arrays = [read_case(folder / name) for folder in (before, after)]
            found = differences(*arrays)
            rows.append({**row, "arrays": len(arrays[1]), "result": "differs" if found else "equal", "differences": found})
    return rows


def _problems(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for side, description in (("at the commit", old), ("here", new)):
        if problem := description["cases"].get(name, {}).get("problem"):
            yield f"{side}: {problem}"


def show(rows: Sequence[Row], commit: str, seconds: float) -> bool:
    """Print the table; return whether all is equal: of what is new, or needs a package, nothing can be said."""
    case, what = (max(len(row[key]) for row in rows) for key in ("case", "what"))
    print(f"\n{'case':{case}}  {'what':{what}}  arrays  result")
    for row in rows:
        print(f"{row['case']:{case}}  {row['what']:{what}}  {row['arrays']:6}  {row['result']}")
        more = len(row["differences"]) - _SHOWN
        for text in [*row["differences"][:_SHOWN], *([f"and {more} more"] if more > 0 else [])]:
            print(f"{'':{case}}    {text}")
    compared = [row for row in rows if row["result"] not in ("new", "left out")]
    equal = sum(row["result"] == "equal" for row in compared)
    print(f"\ngoal: every bit as at {commit[:12]}: {equal} of {len(compared)} cases; {seconds:.0f} s")
    return bool(compared) and equal == len(compared)
