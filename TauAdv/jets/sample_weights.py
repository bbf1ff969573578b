"""Weights that give all flavours the same spectrum in (eta, pt) (arXiv:2203.13890).

With H_f the histogram of flavour f, N_f its jets and h_f = H_f / N_f, every flavour gets the mean of all h_f:
weight = mean(h) / h_f * N / (number of flavours * N_f).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.tuples.axes import find_bins

__all__ = ["Binning", "Spectra", "Weighting", "binning"]

Weighting = Literal["ptetaflavloss", "altptetaflavloss", "noweighting"]


@dataclass(frozen=True)
class Binning:
    """Edges of the bins in pseudorapidity and in transverse momentum (GeV)."""

    eta: tuple[float, ...]
    pt: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of bins in eta and pt."""
        return len(self.eta) - 1, len(self.pt) - 1

    def find(self, eta: NDArray, pt: NDArray) -> NDArray[np.int64]:
        """Return the flat number of the bin of each jet; jets outside belong to the nearest bin, NaN to the last."""
        return self._index(self.eta, eta) * self.shape[1] + self._index(self.pt, pt)

    def outside(self, eta: NDArray, pt: NDArray) -> NDArray[np.bool_]:
        """Return which jets are outside of all bins, those with NaN among them."""
        within_eta = (np.asarray(eta) >= self.eta[0]) & (np.asarray(eta) <= self.eta[-1])
        return ~(within_eta & (np.asarray(pt) >= self.pt[0]) & (np.asarray(pt) <= self.pt[-1]))

    @staticmethod
    def _index(edges: tuple[float, ...], values: NDArray) -> NDArray[np.int64]:
        return np.clip(find_bins(values, edges) - 1, 0, len(edges) - 2)


def binning(weighting: Weighting) -> Binning:
    """Return the bins of a method; ``noweighting`` has a single one."""
    eta = tuple(np.linspace(-2.5, 2.5, 51).tolist())
    if weighting == "ptetaflavloss":
        return Binning(eta, tuple(np.linspace(20, 900, 51).tolist()))
    if weighting == "altptetaflavloss":
        pt = [*range(20, 100, 5), *range(100, 151, 10), *range(200, 501, 50), *range(600, 901, 100)]
        return Binning(eta, tuple(map(float, pt)))
    return Binning((-2.5, 2.5), (20.0, 900.0))


@dataclass(frozen=True, eq=False)
class Spectra:
    """Training jets per flavour (or per domain) and bin; add two of them to know it of both blocks.

    Attributes:
        bins: edges.
        counts: int64 [flavours, bins].
    """

    bins: Binning
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, bins: Binning, num_groups: int, group: NDArray, eta: NDArray, pt: NDArray) -> Spectra:
        """Return the spectra of some jets; ``group`` is the number of the flavour of each."""
        size = bins.shape[0] * bins.shape[1]
        flat = np.bincount(group.astype(np.int64) * size + bins.find(eta, pt), minlength=num_groups * size)
        return cls(bins, flat.reshape(num_groups, size))

    def __add__(self, other: Spectra) -> Spectra:
        """Return the spectra of the jets of both."""
        return Spectra(self.bins, self.counts + other.counts)

    @property
    def totals(self) -> NDArray[np.int64]:
        """Jets per flavour."""
        return self.counts.sum(axis=1)

    @property
    def class_weights(self) -> NDArray[np.float64]:
        """N / (number of flavours * N_f) of each flavour.

        Raises:
            InputError: if a flavour has no jets.
        """
        totals = self.totals
        if (totals == 0).any():
            msg = f"no training jets of flavour number {', '.join(map(str, np.flatnonzero(totals == 0)))}; weights need all"
            raise InputError(msg)
        return totals.sum() / (len(totals) * totals)

    def shape_weights(self) -> NDArray[np.float64]:
        """Return mean(h) / h_f [flavours, bins].

        It is 1 where a flavour has no training jets: jets of it that appear there later get the mean weight of their
        flavour, never infinity.
        """
        density = self.counts / np.maximum(self.totals, 1)[:, None]
        target = np.broadcast_to(density.mean(axis=0), density.shape)
        return np.divide(target, density, out=np.ones_like(density), where=density > 0)

    def weights(self) -> NDArray[np.float64]:
        """Return the sample weight of each flavour and bin [flavours, bins]; finite and positive everywhere.

        Raises:
            InputError: if a flavour has no jets.
        """
        return self.shape_weights() * self.class_weights[:, None]
