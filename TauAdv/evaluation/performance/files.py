"""``performance.json``: written in the layout of TauMLTools with more entries, and read from either.

There the names ``*_rate_up`` and ``*_rate_down`` are exchanged: ``up`` is the distance to the lower end of the interval, as
the error bars of its plots take it. The entries ``*_rate_low`` and ``*_rate_high`` are the ends themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from TauAdv.errors import InputError
from TauAdv.evaluation.measures.statistics import Measured
from TauAdv.evaluation.performance.curves import Performance, PerformanceCurve, Points
from TauAdv.evaluation.performance.settings import Bin
from TauAdv.evaluation.predictions.scores import BACKGROUNDS
from TauAdv.io.checked_files import read_text
from TauAdv.io.manifests.verified import verified_manifest

__all__ = ["as_json", "read_performance"]

_Rates = list[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]]
_Lengths = list[Annotated[float, Field(ge=-1e-9, le=1, allow_inf_nan=False)]]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_CURVE, _POINTS = "roc_curve", "roc_wp"
_SIDES = {"true_positive_rate": "efficiency", "false_positive_rate": "mis_id"}


def as_json(performance: Performance) -> dict[str, Any]:
    """Return the content of a file."""
    metrics: dict[str, list[dict[str, Any]]] = {_CURVE: [], _POINTS: []}
    for curve in performance.curves:
        for kind, points in ((_CURVE, curve.curve), (_POINTS, curve.points)):
            if points is not None:
                metrics[kind].append(_described(curve) | _rates(points) | {"plot_setup": _look(curve, kind)})
    return {
        "name": performance.name,
        "period": performance.period,
        "metrics": {kind: entries for kind, entries in metrics.items() if entries},
        "working_points": {name: dict(points) for name, points in performance.thresholds.items()},
        "empty_bins": list(performance.empty),
        "notes": list(performance.notes),
        "set_digest": performance.set_digest,
    }


def _described(curve: PerformanceCurve) -> dict[str, Any]:
    ends = {"pt_min": curve.bin.pt[0], "pt_max": curve.bin.pt[1], "eta_min": curve.bin.abs_eta[0]}
    return {
        **ends,
        "eta_max": curve.bin.abs_eta[1],
        "dm_bin": list(curve.bin.decay_modes),
        "vs_type": curve.background,
        "dataset_alias": curve.dataset,
        "auc_score": None if curve.auc is None else curve.auc.value,
        "auc_error": None if curve.auc is None else curve.auc.error,
        "counts": curve.counts,
        "disturbance": curve.disturbance,
    }


def _rates(points: Points) -> dict[str, Any]:
    found: dict[str, Any] = {} if points.thresholds is None else {"thresholds": points.thresholds.tolist()}
    ends = {"efficiency": (points.efficiency_low, points.efficiency_high), "mis_id": (points.low, points.high)}
    for key, name in _SIDES.items():
        values, (low, high) = getattr(points, name), ends[name]
        found |= {key: values.tolist(), f"{key}_low": low.tolist(), f"{key}_high": high.tolist()}
        found |= {f"{key}_up": (values - low).tolist(), f"{key}_down": (high - values).tolist()}
    return found | ({"working_points": list(points.names)} if points.names else {})


def _look(curve: PerformanceCurve, kind: str) -> dict[str, Any]:
    """Return what TauMLTools needs to draw the curve."""
    modes = ", ".join(map(str, curve.bin.decay_modes))
    return {
        "color": "black",
        "dots_only": kind == _POINTS,
        "dashed": False,
        "ylabel": f"{curve.background} mis-id probability",
        "yscale": "log",
        "ratio_title": "ratio",
        "pt_text": rf"$p_T\in ({curve.bin.pt[0]:g}, {curve.bin.pt[1]:g})$ GeV",
        "eta_text": rf"${curve.bin.abs_eta[0]:g} < |\eta| < {curve.bin.abs_eta[1]:g}$",
        "dm_text": rf"DM$ \in [{modes}]$",
    }


class _Entry(BaseModel):
    """A curve of a file; entries that are not needed are ignored."""

    model_config = ConfigDict(extra="ignore")

    pt_min: _Number
    pt_max: _Number
    eta_min: _Number = 0.0
    eta_max: _Number = 2.5
    dm_bin: list[int] = [0, 1, 2, 10, 11]
    vs_type: str
    dataset_alias: str = ""
    auc_score: _Number | None = None
    auc_error: _Number | None = None
    counts: dict[str, int] = {}
    disturbance: str = ""
    thresholds: list[_Number] | None = None
    working_points: list[str] = []
    true_positive_rate: Annotated[_Rates, Field(min_length=1)]
    false_positive_rate: _Rates
    true_positive_rate_low: _Rates | None = None
    true_positive_rate_high: _Rates | None = None
    true_positive_rate_up: _Lengths | None = None
    true_positive_rate_down: _Lengths | None = None
    false_positive_rate_low: _Rates | None = None
    false_positive_rate_high: _Rates | None = None
    false_positive_rate_up: _Lengths | None = None
    false_positive_rate_down: _Lengths | None = None

    @model_validator(mode="after")
    def _of_one_length(self) -> _Entry:
        lists = {name: len(value) for name, value in self if isinstance(value, list) and name not in {"dm_bin"} and value}
        if len({*lists.values(), len(self.true_positive_rate)}) > 1:
            msg = f"expected lists of one length, received {lists}"
            raise ValueError(msg)
        if self.vs_type not in BACKGROUNDS:
            msg = f"vs_type: expected {', '.join(BACKGROUNDS)}, received '{self.vs_type}'"
            raise ValueError(msg)
        return self

    @property
    def points(self) -> Points:
        """The rates, with intervals of no width where the file has none."""
        signal, background = self._side("true_positive_rate"), self._side("false_positive_rate")
        thresholds = None if self.thresholds is None else np.array(self.thresholds)
        return Points(thresholds, *signal, *background, tuple(self.working_points))

    def _side(self, key: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        values = np.array(getattr(self, key), np.float64)
        low, high, up, down = (getattr(self, f"{key}_{name}") for name in ("low", "high", "up", "down"))
        if low is None and up is not None:
            low = values - np.array(up)
        if high is None and down is not None:
            high = values + np.array(down)
        ends = [values if end is None else np.asarray(end, np.float64) for end in (low, high)]
        return values, ends[0], ends[1]

    @property
    def place(self) -> tuple[str, Bin, str, str]:
        """Background, bin, data set and disturbance."""
        where = {"pt": (self.pt_min, self.pt_max), "abs_eta": (self.eta_min, self.eta_max)}
        return self.vs_type, Bin(**where, decay_modes=tuple(self.dm_bin)), self.dataset_alias, self.disturbance


class _File(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="ignore")

    name: str
    period: str = ""
    metrics: dict[str, list[_Entry]]
    working_points: dict[str, dict[str, _Number]] = {}
    empty_bins: list[str] = []
    notes: list[str] = []
    set_digest: str = ""


def read_performance(path: Path | str) -> Performance:
    """Return the content of a file, of ours or of TauMLTools.

    Raises:
        InputError: no such file, a damaged one, not of either layout (names the entry), or with two entries of one place.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"{path}: no such file; expected a performance.json"
        raise InputError(msg)
    verified_manifest(path)
    try:
        content = _File.model_validate(json.loads(read_text(path)))
    except (ValidationError, ValueError, RecursionError) as error:
        msg = f"{path}: not a performance.json of TauAdv or TauMLTools: {_problem(error)}"
        raise InputError(msg) from error
    found: dict[Any, dict[str, _Entry]] = {}
    for kind in (_CURVE, _POINTS):
        for entry in content.metrics.get(kind, []):
            entries = found.setdefault(str(entry.place), {})
            if kind in entries:
                msg = f"{path}: metrics.{kind} has two entries of one place, against {entry.vs_type}: {entry.place[1]}"
                raise InputError(f"{msg}; take one of them out")
            entries[kind] = entry
    if not found:
        there = ", ".join(content.metrics) or "none"
        msg = f"{path}: expected curves under metrics.{_CURVE} or metrics.{_POINTS}, found {there}"
        raise InputError(msg)
    curves = tuple(_together(entries) for entries in found.values())
    return Performance(
        content.name,
        content.period,
        curves,
        content.working_points,
        tuple(content.empty_bins),
        tuple(content.notes),
        content.set_digest,
    )


def _together(entries: Mapping[str, _Entry]) -> PerformanceCurve:
    """Return curve and working points of one place."""
    first = next(iter(entries.values()))
    background, place, dataset, disturbance = first.place
    area = None if first.auc_score is None else Measured(first.auc_score, first.auc_error or 0.0)
    curve, points = (None if kind not in entries else entries[kind].points for kind in (_CURVE, _POINTS))
    return PerformanceCurve(background, place, dataset, curve, points, area, first.counts, disturbance)


def _problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
