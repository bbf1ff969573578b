"""Target spectra: TH1 ``REGION/PROCESS`` histograms in tau pt, read into the bins of a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from TauAdv.errors import InputError
from TauAdv.production.spectrum import Spectrum, check_edges
from TauAdv.tuples.histograms import read_th1

__all__ = ["read_target"]


def read_target(path: Path | str, key: str, edges: npt.ArrayLike, *, rebin: bool = False) -> Spectrum:
    """Return a target histogram in the wanted bins, under- and overflow included.

    Args:
        path: ROOT file.
        key: path inside it, for example ``mt_inclusive/EMB``.
        edges: the bins needed, in GeV.
        rebin: sum finer bins where every wanted edge is also an edge of the histogram.

    Raises:
        InputError: if the histogram is missing (lists those there are) or its bins are others.
    """
    found = Spectrum.from_hist(read_th1(path, key))
    wanted = check_edges(edges)
    if np.array_equal(found.edges, wanted):
        return found
    aligned = set(wanted.tolist()) <= set(found.edges.tolist())
    if aligned and rebin:
        return found.rebinned(wanted)
    way_out = (
        "its bins can be summed into these: use --rebin"
        if aligned
        else "its bins cannot be summed into these; make the histogram again with the bins needed"
    )
    msg = f"{path}: {key} has the bin edges {found.edges.tolist()}, needed are {wanted.tolist()}; {way_out}"
    raise InputError(msg)
