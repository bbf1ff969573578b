"""The performance of several runs and files, brought together for plots: curves of one bin at the same efficiencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TauAdv.commands import command
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.measures.roc import RocCurve
from TauAdv.evaluation.performance.curves import Performance, PerformanceCurve, Points
from TauAdv.evaluation.performance.files import read_performance
from TauAdv.evaluation.performance.settings import Bin
from TauAdv.evaluation.predictions.origin import require_current
from TauAdv.io.manifests.verified import verified_manifest
from TauAdv.runs import find_run
from TauAdv.runs.layout import PERFORMANCE

__all__ = ["ComparedCurves", "compared_curves", "read_performances"]


@dataclass(frozen=True)
class ComparedCurves:
    """Curves of taus against one background in one bin.

    Attributes:
        background: e, mu or jet.
        bin: where.
        curves: label -> curve, all at the efficiencies of the reference; NaN where a curve does not reach.
        points: label -> working points, as far as they are there.
        runs: label -> label of the run or file.
        disturbances: label -> what was done to the inputs; empty: nothing.
        reference: label of the curve that the others are divided by.
    """

    background: str
    bin: Bin
    curves: Mapping[str, RocCurve]
    points: Mapping[str, Points]
    runs: Mapping[str, str]
    disturbances: Mapping[str, str]
    reference: str


def read_performances(
    mlpath: Path | str | None, run_ids: Sequence[str], files: Mapping[str, Path | str], *, any_set: bool = False
) -> dict[str, Performance]:
    """Return label -> performance: of runs, by their names, then of files.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_ids: of the runs.
        files: label -> file, ours or of TauMLTools.
        any_set: take runs that were measured on different sets.

    Raises:
        InputError: unknown run, a run without the file (names the command), runs measured on different sets, a label twice,
            nothing to read, or as :func:`read_performance`.
    """
    found: dict[str, Performance] = {}
    for run_id in run_ids:
        run = find_run("mlruns" if mlpath is None else mlpath, run_id)
        file = run.require_file(PERFORMANCE, f"{command('performance')} makes it")
        performance = read_performance(file)
        require_current(run, verified_manifest(file), file, f"make it again with {command('performance')}")
        label = run.id if run.name in found else performance.name
        found[label] = performance
    if not any_set:
        _require_one_set(found)
    for label, path in files.items():
        if label in found:
            msg = f"label '{label}' is there twice; give the file another one: --file LABEL=FILE"
            raise InputError(msg)
        found[label] = read_performance(path)
    if not found:
        msg = "nothing to draw: expected runs (--expID) or files (--file LABEL=FILE)"
        raise InputError(msg)
    return found


def _require_one_set(found: Mapping[str, Performance]) -> None:
    """Refuse runs that were measured on different sets, or on sets that nothing names."""
    sets = {one.set_digest: label for label, one in found.items()}
    if len(found) < 2 or (len(sets) == 1 and "" not in sets):
        return
    way_out = f"measure them on one with {command('performance')} --test, or give --any-set"
    if "" in sets:
        msg = f"{sets['']}: the set that it was measured on is not known, and may be another than that of the other runs"
    else:
        msg = f"{' and '.join(sets.values())} were measured on different sets: their differences may be those of the sets"
    raise InputError(f"{msg}; {way_out}")


def compared_curves(
    performances: Mapping[str, Performance], reference: str | None = None, against: Sequence[str] = ()
) -> Iterator[ComparedCurves]:
    """Yield the curves of every background and bin that the reference has.

    Args:
        performances: label -> performance.
        reference: label; default: the first.
        against: backgrounds; default: all.

    Raises:
        InputError: no such reference, it has no curve that is asked for, or curves of two data sets are in one bin.
    """
    chosen = next(iter(performances)) if reference is None else reference
    if chosen not in performances:
        known = list(performances)
        msg = f"reference '{chosen}'{nearest(chosen, known)}: expected one of {', '.join(known)}"
        raise InputError(msg)
    wanted = [
        curve
        for curve in performances[chosen].curves
        if curve.curve is not None and not curve.disturbance and (not against or curve.background in against)
    ]
    if not wanted:
        asked = f" against {', '.join(against)}" if against else ""
        msg = f"reference '{chosen}': it has no ROC curve{asked} to divide by"
        raise InputError(msg)
    for label, performance in performances.items():
        _require_one_data_set(label, performance, wanted)
    for base in wanted:
        yield _together(base, performances, chosen)


def _require_one_data_set(label: str, performance: Performance, wanted: Sequence[PerformanceCurve]) -> None:
    """Refuse what holds curves of two data sets where one is drawn."""
    for base in wanted:
        place = (base.background, base.bin, base.disturbance)
        sets = [one.dataset for one in performance.curves if (one.background, one.bin, one.disturbance) == place]
        if len(sets) > 1:
            msg = f"{label}: curves against {base.background} of {len(sets)} data sets in one bin, {' and '.join(sets)}"
            raise InputError(f"{msg}; expected those of one, take the others out of a copy of the file")


def _together(base: PerformanceCurve, performances: Mapping[str, Performance], reference: str) -> ComparedCurves:
    """Return all curves of the background and the bin of one."""
    assert base.curve is not None  # chosen so
    curves: dict[str, RocCurve] = {}
    points: dict[str, Points] = {}
    runs: dict[str, str] = {}
    disturbances: dict[str, str] = {}
    for name, performance in performances.items():
        for curve in performance.curves:
            label = f"{name}, {curve.disturbance}" if curve.disturbance else name
            if (curve.background, curve.bin) != (base.background, base.bin) or label in runs:
                continue
            if curve.curve is not None:
                curves[label] = _at(base.curve.efficiency, curve.curve)
            elif curve.points is not None:
                nowhere = np.full(len(base.curve.efficiency), np.nan)
                curves[label] = RocCurve(base.curve.efficiency, nowhere, nowhere, nowhere)
            if curve.points is not None:
                points[label] = curve.points
            runs[label], disturbances[label] = name, curve.disturbance
    return ComparedCurves(base.background, base.bin, curves, points, runs, disturbances, reference)


def _at(efficiency: NDArray[np.float64], curve: Points) -> RocCurve:
    """Return a curve at these efficiencies, its logarithm interpolated; NaN outside, and where no background passes."""
    order = np.argsort(curve.efficiency)

    def interpolated(values: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            logarithm = np.log(values[order])
        logarithm[np.isneginf(logarithm)] = np.nan
        return np.exp(np.interp(efficiency, curve.efficiency[order], logarithm, left=np.nan, right=np.nan))

    return RocCurve(efficiency, *(interpolated(values) for values in (curve.mis_id, curve.low, curve.high)))
