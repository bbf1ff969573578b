"""The spectra that lie beside the pT weights in their file, for the closure plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import hist
import numpy as np

from TauAdv.production.spectrum import Spectrum
from TauAdv.tuples.histograms import Histogram, read_th1

__all__ = ["read_closure"]


def read_closure(weights_file: Path | str, names: Sequence[str]) -> dict[str, hist.Hist]:
    """Return ``observed`` and ``weighted``: histograms (contribution, tau pt) of the mixed file, before and after weights.

    Args:
        weights_file: output of :func:`TauAdv.production.pt_weights.weights.make_pt_weights`.
        names: contributions to read.

    Raises:
        InputError: if the file does not have a contribution (lists those there are).
    """
    stages = ("observed", "weighted")
    return {
        stage: _together([read_th1(weights_file, f"closure/{stage}/{name}") for name in names], names) for stage in stages
    }


def _together(histograms: Sequence[Histogram], names: Sequence[str]) -> hist.Hist:
    spectra = [Spectrum.from_hist(histogram) for histogram in histograms]
    axis = hist.axis.Variable(spectra[0].edges.tolist(), name="tau_pt", label="$p_T$ of the tau candidate [GeV]")
    result = hist.Hist(hist.axis.StrCategory(list(names), name="contribution"), axis, storage=hist.storage.Weight())
    view = result.view(flow=True)
    # rows are the names and, last, the overflow of the categories
    view.value[: len(names)] = np.stack([spectrum.contents for spectrum in spectra])
    view.variance[: len(names)] = np.stack([spectrum.variances for spectrum in spectra])
    return result
