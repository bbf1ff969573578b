"""Scale factors that a run holds: their table, and the histograms behind them, also as a model to fit with pyhf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from TauAdv.commands import command
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.files import read_table_file
from TauAdv.evaluation.scale_factors.efficiencies import RESULTS
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.runs import Run
from TauAdv.runs.layout import SCALE_FACTORS
from TauAdv.tuples.histograms import Histogram, read_th1

__all__ = ["SavedScaleFactors", "read_scale_factors"]


@dataclass(frozen=True)
class SavedScaleFactors:
    """What ``tauadv scale-factors`` wrote into a run.

    Attributes:
        folder: ``artifacts/scale_factors``.
        table: see :func:`TauAdv.evaluation.scale_factors.tables.as_table`.
        content: of ``scale_factors.json``: explanation, scale, uncertainties.
        genuine: contribution of simulation -> whether it is of genuine taus.
        data: name of the contribution of data.
    """

    folder: Path
    table: pd.DataFrame
    content: Mapping[str, Any]
    genuine: Mapping[str, bool]
    data: str

    @property
    def correction(self) -> Path:
        """The file for correctionlib."""
        return self.folder / "correction.json"

    def histogram(self, background: str, working_point: str, decay_modes: str, result: str, contribution: str) -> Histogram:
        """Return the pt histogram of taus that pass or fail.

        Raises:
            InputError: there is none; lists those there are.
        """
        modes = "_".join(decay_modes.split())
        key = f"vs_{background}/{working_point}/dm_{modes}/{result}/{contribution}"
        return read_th1(self.folder / "histograms.root", key)

    def workspace(self, background: str, working_point: str, decay_modes: str, pt_bin: int) -> dict[str, Any]:
        """Return a model of pyhf: the channels pass and fail of one bin, with free yields of genuine taus in each.

        The parameter of interest ``mu_pass`` is data over simulation of genuine taus above the working point, the scale
        factor of the method ``template``. That of ``subtraction`` is mu_pass / (e mu_pass + (1 - e) mu_fail), with the
        efficiency e of simulation. Simulation is scaled as the table says.

        Args:
            background: e, mu or jet.
            working_point: name.
            decay_modes: as in the column of the table.
            pt_bin: number of the bin, from 0.

        Raises:
            InputError: no such histograms, or no such bin.
        """
        channels, observations = [], []
        for result in RESULTS:
            where = (background, working_point, decay_modes, result)
            samples = [self._sample(name, self.histogram(*where, name), result, pt_bin) for name in self.genuine]
            channels.append({"name": result, "samples": [sample for sample in samples if sample["data"][0] > 0]})
            counts = self.histogram(*where, self.data).values()
            observations.append({"name": result, "data": [float(counts[pt_bin])]})
        measurement = {"name": "scale factor", "config": {"poi": "mu_pass", "parameters": []}}
        return {"channels": channels, "observations": observations, "measurements": [measurement], "version": "1.0.0"}

    def _sample(self, name: str, histogram: Histogram, result: str, pt_bin: int) -> dict[str, Any]:
        values = histogram.values()
        if not 0 <= pt_bin < len(values):
            msg = f"{self.folder}: no bin {pt_bin} of pt; there are 0 to {len(values) - 1}"
            raise InputError(msg)
        scale = float(self.content["scale"])
        error = float(scale * np.sqrt(histogram.variances()[pt_bin]))
        modifiers: list[dict[str, Any]] = [{"name": f"stat_{result}", "type": "staterror", "data": [error]}]
        if self.genuine[name]:
            modifiers.append({"name": f"mu_{result}", "type": "normfactor", "data": None})
        if relative := self.content["uncertainties"].get(name):
            ends = {"hi": 1 + relative, "lo": 1 - relative}
            modifiers.append({"name": f"yield_{name}", "type": "normsys", "data": ends})
        return {"name": name, "data": [float(scale * values[pt_bin])], "modifiers": modifiers}


def read_scale_factors(run: Run) -> SavedScaleFactors:
    """Return the scale factors of a run, after comparing the checksums of their files.

    Raises:
        InputError: the run has none (names the command), or they are damaged.
    """
    folder = run.artifacts / SCALE_FACTORS
    remedy = f"make them again with {command('scale-factors')} --overwrite"
    if not (folder / "scale_factors.csv").is_file():
        msg = f"{run.title}: no scale factors in {folder}; {command('scale-factors')} makes them"
        raise InputError(msg)
    files = {
        name: read_table_file(folder / name, remedy, run=run.id, output=folder)
        for name in ("scale_factors.csv", "scale_factors.json", "histograms.root", "correction.json")
    }
    table = pd.read_csv(files["scale_factors.csv"], dtype={"decay_modes": str, "note": str})
    contributions = read_manifest(folder)["settings"]["contributions"]
    genuine = {entry["name"]: bool(entry["genuine"]) for entry in contributions if not entry["data"]}
    (data,) = [entry["name"] for entry in contributions if entry["data"]]
    return SavedScaleFactors(folder, table, json.loads(files["scale_factors.json"].read()), genuine, data)
