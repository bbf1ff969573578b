"""Statistical errors of the pT weights of a control region, from the file that its set of shards was made with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.errors import TauAdvError
from TauAdv.io.manifests.manifest import describe_input
from TauAdv.shards.store import ShardSet
from TauAdv.tuples.histograms import Histogram, read_th1

__all__ = ["PtWeightErrors", "pt_weight_errors"]


@dataclass(frozen=True)
class PtWeightErrors:
    """Histograms of pT weights.

    Attributes:
        histograms: dataset id -> weights in bins of pT, with their errors; empty if they are not known.
        missing: why they are not known, in words; empty if they are.
    """

    histograms: dict[int, Histogram]
    missing: str = ""

    def of_rows(self, table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.intp]] | None:
        """Return for each row the relative error of its weight and the number of its bin; ``None`` if not known."""
        if not self.histograms or "tau_pt" not in table:
            return None
        errors, bins = np.zeros(len(table)), np.zeros(len(table), np.intp)
        dataset_id, pt = table["dataset_id"].to_numpy(), table["tau_pt"].to_numpy()
        for place, (number, histogram) in enumerate(self.histograms.items()):
            rows = dataset_id == number
            found = histogram.axes[0].find(pt[rows])
            contents, error = np.abs(histogram.values(flow=True)), np.sqrt(histogram.variances(flow=True))
            relative = np.divide(error, contents, out=np.zeros_like(error), where=contents > 0)
            errors[rows], bins[rows] = relative[found], found + place * (len(contents) + 1)
        return errors, bins


def pt_weight_errors(shards: ShardSet) -> PtWeightErrors:
    """Return the errors of the weights of a set, or why they are not known."""
    name = shards.manifest.get("settings", {}).get("adversarial_weights")
    if name is None:
        return PtWeightErrors({}, f"{shards.folder} was made without a file of pT weights")
    recorded = [entry for entry in shards.manifest.get("inputs", []) if entry.get("name") == Path(name).name]
    places = [path for path in (Path(name), shards.folder.parent / Path(name).name) if path.is_file()]
    path = next((path for path in places if describe_input(path) in recorded), None)
    if path is None:
        what = f"{places[0]} has changed" if places else f"{name} is not there"
        return PtWeightErrors({}, f"{what}; {shards.folder} was made with it: put it back, or beside the set")
    names = shards.manifest["settings"].get("contributions") or {}
    try:
        return PtWeightErrors({int(number): read_th1(path, key) for number, key in names.items()})
    except TauAdvError as error:
        return PtWeightErrors({}, str(error))
