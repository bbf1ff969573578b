"""Target spectra: TH1 ``REGION/PROCESS`` histograms in tau pt, read into the bins of a step."""

from __future__ import annotations

from pathlib import Path

import numpy.typing as npt

from TauAdv.errors import InputError
from TauAdv.production.spectrum import Spectrum
from TauAdv.tuples.axes import Axis
from TauAdv.tuples.histograms import read_th1
from TauAdv.tuples.weights import check_contents

__all__ = ["read_target"]


def read_target(
    path: Path | str, key: str, edges: npt.ArrayLike, *, rebin: bool = False, allow_negative: bool = False
) -> Spectrum:
    """Return a target histogram in the wanted bins, under- and overflow included.

    Args:
        path: ROOT file.
        key: path inside it, for example ``mt_inclusive/EMB``.
        edges: the bins needed, in GeV. Edges of the histogram that differ by at most 1e-9 of a bin are these edges.
        rebin: sum finer bins where every wanted edge is also an edge of the histogram.
        allow_negative: take negative contents (summed with others where finer bins are summed).

    Raises:
        InputError: if the histogram is missing (lists those there are), its bins are others, or its contents are not finite,
            or negative.
    """
    histogram = read_th1(path, key)
    check_contents(histogram, allow_negative=allow_negative)
    (axis,), wanted = histogram.axes, Axis.variable(edges)
    found = Spectrum.from_hist(histogram)
    if axis.has_edges(wanted.edges):
        return Spectrum(wanted.edges, found.contents, found.variances)
    missing = wanted.edges[axis.positions(wanted.edges) < 0]
    if rebin and not missing.size:
        return found.rebinned(wanted.edges)
    suggestion = (
        f"its bins cannot be summed into these, no edge is at {', '.join(map(repr, missing.tolist()))}; make the histogram "
        "again with the bins needed"
        if missing.size
        else "its bins can be summed into these: use --rebin"
    )
    msg = f"{path}: {key} has the bin edges {axis}, needed are {wanted}; {suggestion}"
    raise InputError(msg)
