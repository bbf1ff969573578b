"""A study of robustness in a few lines, to be read before its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from TauAdv.plotting.plot_styles import RAW, strengths

__all__ = ["in_short"]

_MOST_LINES = 3


def in_short(study: Any) -> list[str]:
    """Return a line for each of the first discriminators: AUC of every run, raw and under what costs the first run most.

    A discriminator that mirrors an earlier one (c against b and b against c) has the same AUC and is passed over.

    Args:
        study: what was measured (``TauAdv.evaluation.robustness.study.RobustnessStudy``).
    """
    lines: list[str] = []
    seen: set[frozenset[str]] = set()
    for one in study.discriminators if len(study.performance) else ():
        pair = frozenset({one.signal, one.background or f"not {one.signal}"})
        if pair not in seen and len(lines) < _MOST_LINES:
            seen.add(pair)
            lines.append(_line(study, one))
    return lines


def _line(study: Any, one: Any) -> str:
    rows = study.performance[study.performance["discriminator"] == one.name]
    auc = rows.drop_duplicates(["run", "disturbance"]).set_index(["run", "disturbance"])
    runs = list(study.run_ids)
    disturbed = auc.loc[runs[0]].drop(RAW, errors="ignore")
    if disturbed.empty:
        return f"{one.title}: AUC " + "; ".join(f"{run} {_value(auc.loc[run, RAW])}" for run in runs)
    worst = disturbed["auc"].idxmin()
    strength = strengths(study.settings.disturbances, [worst]).replace(r"$\epsilon$", "eps")
    parts = [f"{run} {_value(auc.loc[run, RAW])} raw, {_value(auc.loc[run, worst])} under {worst}" for run in runs]
    parts[0] += strength.replace(f"{worst}: ", " (") + ")" if strength else ""
    return f"{one.title}: AUC {'; '.join(parts)}{_recovered(study.recovered, one.name, worst)}"


def _value(row: pd.Series) -> str:
    return f"{row['auc']:.4f} ± {row['auc_error']:.4f}"


def _recovered(table: pd.DataFrame, name: str, disturbance: str) -> str:
    if not len(table):
        return ""
    rows = table[(table["discriminator"] == name) & (table["disturbance"] == disturbance) & table["recovered"].notna()]
    columns = zip(rows["run"], 100 * rows["recovered"], 100 * rows["recovered_error"], strict=True)
    shares = [f"{run} {share:.0f} ± {error:.0f} %" for run, share, error in columns]
    return f". Won back of the loss: {', '.join(shares)}" if shares else ""
