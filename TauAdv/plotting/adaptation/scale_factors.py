"""The part of the page of a comparison that shows scale factors, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from TauAdv.plotting.plot_styles import run_colors
from TauAdv.plotting.scale_factors import plot_scale_factors

__all__ = ["scale_factor_figures", "scale_factor_lines", "scale_factor_table"]

_DRAWN = "Medium"


def scale_factor_lines(comparison: Any) -> list[str]:
    """Return how much nearer to 1 and how much better known scale factors are, and where there are none."""
    lines = [_gain(found) for found in comparison.scale_factor_summaries] if len(comparison.entries) > 1 else []
    if lines:
        first = next(iter(comparison.results))
        lines.append(f"Each line: {first} -> this entry. Of several trainings: mean ± spread.")
    for label, result in comparison.results.items():
        found = result.scale_factors
        lines += [f"{label}: no scale factors, {found.reason}."] if found.found is None else []
        lines += [f"{label}, working point {text}." for text in found.warnings]
    return lines


def _gain(found: Mapping[str, Any]) -> str:
    distance, error = (f"{found[f'{name}_before']:.3f} → {found[f'{name}_after']:.3f}" for name in ("distance", "error"))
    sentences = [
        f"{found['entry']}: mean distance from 1: {distance} ({_change(found['nearer'], 'nearer', 'farther')}).",
        f"Mean uncertainty: {error} ({_change(found['smaller'], 'smaller', 'larger')}).",
    ]
    worse = {"Farther from 1": found["farther"], "Larger uncertainty": found["wider"]}
    return " ".join([*sentences, *(f"{name} at {', '.join(points)}." for name, points in worse.items() if points)])


def _change(part: float, better: str, worse: str) -> str:
    return f"{100 * abs(part):.0f} % {better if part >= 0 else worse}" if np.isfinite(part) else "not comparable"


def scale_factor_table(comparison: Any) -> pd.DataFrame:
    """Return text: a row for each entry and working point."""
    several = len(comparison.entries) > 1
    rows = [
        {
            "working point": f"{row['working_point']} vs {row['against']}",
            "entry": row["entry"],
            "inclusive scale factor": _inclusive(row, several),
            "mean distance from 1": _arrow(row, "distance", several),
            "mean uncertainty": _arrow(row, "error", several),
            "bins": str(row["bins"]),
        }
        for row in comparison.scale_factor_improvements.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _inclusive(row: Mapping[str, Any], several: bool) -> str:
    sides = [
        f"{row[f'inclusive_{side}']:.3f} ± {row[f'inclusive_error_{side}']:.3f}" if known else "-"
        for side in ("before", "after")
        for known in [np.isfinite(row[f"inclusive_{side}"])]
    ]
    return _spread(row, "inclusive", " → ".join(sides)) if several else sides[0]


def _arrow(row: Mapping[str, Any], name: str, several: bool) -> str:
    sides = [f"{value:.3f}" if np.isfinite(value := row[f"{name}_{side}"]) else "-" for side in ("before", "after")]
    return _spread(row, name, " → ".join(sides)) if several else sides[0]


def _spread(row: Mapping[str, Any], name: str, text: str) -> str:
    spread = row.get(f"{name}_after_spread", np.nan)
    if not np.isfinite(spread):
        return text
    return f"{text} ± {spread:.3f} (trainings)"


def scale_factor_figures(comparison: Any) -> Iterator[tuple[str, str, str, Figure]]:
    """Yield the scale factors by bin of one working point: of the first training of the first and of the last entry."""
    results = comparison.results_of
    firsts = {label: found[0].scale_factors.table for label, found in results.items()}
    tables = {label: firsts[label] for label in dict.fromkeys([next(iter(firsts)), [*firsts][-1]]) if len(firsts[label])}
    if not tables:
        return
    chosen = _working_point(list(tables.values()))
    if chosen is None:
        return
    against, point = chosen
    colors = run_colors(list(results))
    figure = plot_scale_factors(tables, point, against=against, colors=colors)
    caption = f"{point} against {against}. At 1 simulation needs no correction. "
    caption += "Thin bars: total uncertainty; thick: its statistical part."
    if any(len(results[label]) > 1 for label in tables):
        caption += " Of several trainings: the first."
    alt = f"Scale factors of {point} against {against} in bins of decay mode and pT for {', '.join(tables)}"
    yield "plots/scale_factors", alt, caption, figure


def _working_point(tables: Sequence[pd.DataFrame]) -> tuple[str, str] | None:
    """Return background and name of what is drawn: Medium, else the one in the middle."""
    first = tables[0][~tables[0]["inclusive"]]
    points = [
        (str(against), str(point)) for against, point in first.groupby(["against", "working_point"], sort=False).groups
    ]
    named = [each for each in points if each[1] == _DRAWN]
    return next(iter(named or points[len(points) // 2 :]), None)
