"""Working points of a run: derived on genuine taus, written into the run, and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from TauAdv.commands import command
from TauAdv.config import load_settings
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.measures.working_points import (
    PUBLISHED,
    SHIPPED,
    Thresholds,
    WorkingPoints,
    WorkingPointSettings,
    derive_working_points,
)
from TauAdv.evaluation.performance.labelled import LabelledTaus, Source
from TauAdv.evaluation.performance.selection import TauSelection
from TauAdv.evaluation.performance.tables import markdown
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.evaluation.predictions.origin import require_current
from TauAdv.evaluation.predictions.scores import BACKGROUNDS
from TauAdv.io.checked_files import read_text
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import finished
from TauAdv.io.manifests.verified import verified_manifest
from TauAdv.io.ownership import require_same_run
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import WORKING_POINTS

__all__ = [
    "DerivedPoints",
    "RunWorkingPointSettings",
    "derive_from",
    "read_thresholds",
    "thresholds_for",
    "write_working_points",
]

STEP = "derive_wp"
_Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_LAYOUT = TypeAdapter(dict[str, dict[str, _Score]])


class RunWorkingPointSettings(WorkingPointSettings):
    """Working points, and the genuine taus that they are derived on.

    Attributes:
        selection: of the genuine taus.
        weighted: count taus with their weights (``False``: every tau counts 1).
        batch_size: taus evaluated together.
    """

    selection: TauSelection = TauSelection()
    weighted: bool = True
    batch_size: Annotated[int, Field(ge=1)] = 1000


@dataclass(frozen=True)
class DerivedPoints:
    """Working points of one run.

    Attributes:
        points: what was derived.
        cuts: cut of the selection -> genuine taus that are left.
        warnings: cuts that were left out, efficiencies that were not reached, taus of the training.
    """

    points: WorkingPoints
    cuts: Mapping[str, int]
    warnings: tuple[str, ...]

    def text(self, title: str) -> str:
        """Return the points as a Markdown table, with what is needed to read it."""
        lines = [
            [
                point.background,
                point.name,
                f"{100 * point.target:g}",
                f"{point.threshold:g}",
                f"{100 * point.reached.value:.3f}",
                f"-{100 * (point.reached.value - point.reached.low):.3f} "
                f"+{100 * (point.reached.high - point.reached.value):.3f}",
            ]
            for point in self.points.points
        ]
        head = ["against", "working point", "wanted (%)", "threshold", "efficiency (%)", "68 % interval"]
        cuts = ", ".join(f"{text}: {count}" for text, count in self.cuts.items())
        found = f"Working points of {title}: {self.points.taus} genuine taus ({cuts}); {self.points.rounds} rounds."
        return "\n".join([found, "", *markdown([head, *lines]), "", *(f"WARNING: {text}" for text in self.warnings)])


def derive_from(taus: LabelledTaus, settings: RunWorkingPointSettings | None = None) -> DerivedPoints:
    """Derive working points on the genuine taus of some candidates.

    Raises:
        InputError: as :func:`derive_working_points`, or no genuine tau passes the selection.
    """
    settings = settings or load_settings(RunWorkingPointSettings, SHIPPED)
    genuine = taus.are("tau")
    selected = settings.selection.rows(taus.table[genuine])
    if not selected.passes.any():
        shown = ", ".join(f"{text}: {count}" for text, count in selected.cuts.items())
        msg = (
            f"{taus.source}: none of {int(genuine.sum())} genuine taus passes the selection ({shown}); loosen it (selection)"
        )
        raise InputError(msg)
    rows = np.flatnonzero(genuine)[selected.passes]
    scores = {name: values[rows] for name, values in taus.scores.items()}
    weights = taus.require_weights(rows) if settings.weighted else None
    points = derive_working_points(scores, weights, settings)
    return DerivedPoints(points, selected.cuts, (*selected.left_out, *points.warnings, *taus.warnings))


def write_working_points(
    mlpath: Path | str,
    run_id: str,
    test: Path | str | None = None,
    *,
    settings: RunWorkingPointSettings | None = None,
    overwrite: bool = False,
) -> Path:
    """Derive the working points of a run, write ``artifacts/working_points.json`` (TauMLTools' layout) and print a table.

    Args:
        mlpath: folder of the experiment, or the folder ``mlruns``.
        run_id: the run.
        test: classification set; ``None``: the prediction table in the run.
        settings: see :class:`RunWorkingPointSettings`; default: the shipped ones.
        overwrite: replace a file that was made otherwise.

    Raises:
        InputError: unknown run, no predictions, a set of another kind, or as :func:`derive_from`.
        OutputExistsError: a file made otherwise is there and ``overwrite`` is false.
        OutputLockedError: another process writes it.
    """
    settings = settings or load_settings(RunWorkingPointSettings, SHIPPED)
    run = find_run(mlpath, run_id)
    source = Source.of(run, test)
    path = run.artifacts / WORKING_POINTS
    decisive = {"run": run.id, **settings.model_dump(mode="json")}
    made: dict[str, Any] = {"step": STEP, "settings": decisive, "inputs": source.inputs}
    with output_lock(path):
        finished(path, **made, overwrite=overwrite, make_again=True)
        found = derive_from(source.read(settings.batch_size), settings)
        content = json.dumps(found.points.thresholds, indent=4) + "\n"
        counts = {"taus": found.points.taus, "cuts": dict(found.cuts), "rounds": found.points.rounds}
        more = {"counts": counts, "exact": _exact(found.points), "warnings": list(found.warnings)}
        write_table_file(path, partial(Path.write_text, data=content, encoding="utf-8"), {**made, **more})
    print(found.text(run.title))
    print(path)
    return path


def _exact(points: WorkingPoints) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for point in points.points:
        found.setdefault(point.background, {})[point.name] = point.exact
    return found


def read_thresholds(path: Path | str) -> dict[str, dict[str, float]]:
    """Return background -> working point -> threshold of a file, ours or one of TauMLTools.

    Raises:
        InputError: not such a file, a background that is none of e, mu, jet, or thresholds that are not between 0 and 1.
    """
    path = Path(path)
    if not path.is_file():
        known = ", ".join(PUBLISHED)
        msg = f"{path}: no such file; expected thresholds such as those of {command('working-points')}, or one of {known}"
        raise InputError(msg)
    verified_manifest(path)
    layout = "expected {background: {working point: threshold}}, for example {'jet': {'Medium': 0.96}}"
    try:
        found = _LAYOUT.validate_json(read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        msg = f"{path}: {layout}; {where}: {first['msg']}"
        raise InputError(msg) from error
    if wrong := [name for name in found if name not in BACKGROUNDS]:
        msg = f"{path}: '{wrong[0]}'{nearest(wrong[0], BACKGROUNDS)}: expected {', '.join(BACKGROUNDS)}; {layout}"
        raise InputError(msg)
    if not any(found.values()):
        msg = f"{path}: holds no working points; {layout}"
        raise InputError(msg)
    return found


def thresholds_for(run: Run, given: str | None = None) -> tuple[Thresholds, str]:
    """Return the thresholds to use for a run, and where they come from in words; none if the run has no file of its own.

    Args:
        run: the run.
        given: name of published thresholds (``2018v2p5``), or a file; ``None``: the file in the run.

    Raises:
        InputError: as :func:`read_thresholds`; the file in the run is of another run, or of another model.
    """
    if given is not None:
        return (PUBLISHED[given], f"published thresholds {given}") if given in PUBLISHED else (read_thresholds(given), given)
    own = run.artifacts / WORKING_POINTS
    if own.is_file():
        manifest = verified_manifest(own)
        require_same_run(own, manifest.get("settings", {}).get("run"))
        require_current(run, manifest, own, f"make it again with {command('working-points')}")
        return read_thresholds(own), WORKING_POINTS
    return {}, f"no {WORKING_POINTS} in {run.title}; {command('working-points')} makes it"
