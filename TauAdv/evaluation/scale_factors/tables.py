"""Scale factors as tables, and how two taggers compare: how near to 1 they are, and how well they are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from TauAdv.evaluation.performance.tables import markdown
from TauAdv.evaluation.scale_factors.measure import ScaleFactor, ScaleFactors

__all__ = ["as_table", "as_text", "improvement", "improvement_text"]

_NUMBERS = (
    *("efficiency_data", "efficiency_data_error", "efficiency_simulation", "efficiency_simulation_error"),
    *("scale_factor", "statistical_error", "systematic_error", "error", "expected", "purity"),
)


def as_table(found: ScaleFactors) -> pd.DataFrame:
    """Return a row for every working point and bin, the inclusive ones last; without numbers where there are none."""
    rows = [_row(one) for one in (*found.factors, *found.inclusive)]
    inclusive = [False] * len(found.factors) + [True] * len(found.inclusive)
    return pd.DataFrame(rows).assign(inclusive=inclusive)


def _row(one: ScaleFactor) -> dict[str, object]:
    place = {
        "against": one.background,
        "working_point": one.working_point,
        "threshold": one.threshold,
        "decay_modes": " ".join(map(str, one.decay_modes)),
        "pt_low": one.pt[0],
        "pt_high": one.pt[1],
    }
    found = one.measured
    if found is None:
        return {**place, **dict.fromkeys(_NUMBERS, np.nan), "note": one.reason}
    numbers = (
        *(found.data.value, found.data.error, found.simulation.value, found.simulation.error),
        *(found.factor.value, found.factor.error, found.systematic, found.error, found.expected, found.purity),
    )
    return {**place, **dict(zip(_NUMBERS, numbers, strict=True)), "note": ""}


def as_text(found: ScaleFactors, title: str, *, inclusive_only: bool = False) -> str:
    """Return scale factors as a Markdown table, with what is needed to read it.

    Args:
        found: scale factors.
        title: what they are of.
        inclusive_only: leave single bins out, but those without a number.
    """
    head = ["against", "working point", "bin", "data (%)", "simulation (%)", "scale factor", "stat.", "syst."]
    shown = found.inclusive if inclusive_only and found.inclusive else (*found.inclusive, *found.factors)
    rows = [_cells(one) for one in shown if one.measured is not None]
    lines = [f"Scale factors of {title}", "", found.settings.explanation]
    lines += [f"All simulation was multiplied by {found.scale:.4f}."] if found.settings.normalise else []
    stated = ", ".join(f"{name} {100 * value:g} %" for name, value in found.uncertainties.items())
    lines.append(
        f"Systematic: yields of {stated}." if stated else "Systematic: none, no contribution states an uncertainty."
    )
    lines += ["", *markdown([head, *rows]), "", *(f"EMPTY: {text}" for text in found.empty)]
    return "\n".join(lines)


def _cells(one: ScaleFactor) -> list[str]:
    found = one.measured
    assert found is not None
    efficiencies = [f"{100 * side.value:.2f} ± {100 * side.error:.2f}" for side in (found.data, found.simulation)]
    errors = [f"{value:.3f}" for value in (found.factor.value, found.factor.error)]
    errors.append(f"{found.systematic:.3f}" if found.systematics else "-")
    return [one.background, one.working_point, one.place, *efficiencies, *errors]


def improvement(before: ScaleFactors, after: ScaleFactors) -> pd.DataFrame:
    """Return, for every working point, how far scale factors are from 1 and how well they are known, before and after.

    Means are over the bins that both measured, each bin counting once. The columns ``inclusive_*`` are of all bins together.
    """
    rows = []
    for background, point in _points(before, after):
        pairs = _common(before.factors, after.factors, background, point)
        row: dict[str, object] = {"against": background, "working_point": point, "bins": len(pairs)}
        for number, when in enumerate(("before", "after")):
            measured = [pair[number].measured for pair in pairs]
            row[f"distance_{when}"] = _mean([abs(one.factor.value - 1) for one in measured if one])
            row[f"error_{when}"] = _mean([one.error for one in measured if one])
        inclusive = _common(before.inclusive, after.inclusive, background, point)
        for number, when in enumerate(("before", "after")):
            found = inclusive[0][number].measured if inclusive else None
            row[f"inclusive_{when}"] = found.factor.value if found else np.nan
            row[f"inclusive_error_{when}"] = found.error if found else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _points(before: ScaleFactors, after: ScaleFactors) -> list[tuple[str, str]]:
    both = [dict.fromkeys((one.background, one.working_point) for one in side.factors) for side in (before, after)]
    return [key for key in both[0] if key in both[1]]


def _common(
    before: Sequence[ScaleFactor], after: Sequence[ScaleFactor], background: str, point: str
) -> list[tuple[ScaleFactor, ScaleFactor]]:
    """Return the bins of a working point that both measured."""
    sides = [
        {
            (one.decay_modes, one.pt): one
            for one in side
            if one.measured is not None and (one.background, one.working_point) == (background, point)
        }
        for side in (before, after)
    ]
    return [(sides[0][key], sides[1][key]) for key in sides[0] if key in sides[1]]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def improvement_text(before: ScaleFactors, after: ScaleFactors) -> str:
    """Return :func:`improvement` as a Markdown table."""
    head = ["against", "working point", "bins"]
    head += ["mean distance from 1", "mean uncertainty", "inclusive scale factor"]
    rows = []
    for row in improvement(before, after).to_dict("records"):
        cells = [f"{row[f'{name}_before']:.3f} -> {row[f'{name}_after']:.3f}" for name in ("distance", "error")]
        inclusive = [
            f"{row[f'inclusive_{when}']:.3f} ± {row[f'inclusive_error_{when}']:.3f}" for when in ("before", "after")
        ]
        rows.append([row["against"], row["working_point"], str(row["bins"]), *cells, " -> ".join(inclusive)])
    found = f"Scale factors, {before.name} -> {after.name} (means over the bins that both measured):"
    return "\n".join([found, "", *markdown([head, *rows]), ""])
