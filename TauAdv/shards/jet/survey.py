"""The first pass over extracted jets: what defaults, scalers, sample weights and the report of the split need to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.io.array_files import load_arrays, save_arrays
from TauAdv.jets.cleaning import is_default
from TauAdv.jets.columns import Jets
from TauAdv.jets.moments import Moments
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.sample_weights import Spectra, binning
from TauAdv.jets.splitting import SETS, assign_sets, jet_ids
from TauAdv.shards.jet.settings import JetPreparationSettings

__all__ = ["JetBlock", "JetSource", "Survey"]

_BLOCK = 4096


@dataclass(frozen=True)
class JetBlock:
    """Some jets of an input, with what decides their place.

    Attributes:
        jets: as extracted.
        source: number of the input.
        ids: hash of the content of each jet.
        label: class of each jet, or in an adversarial set the number of the input.
        in_set: number of the set (0 train, 1 val, 2 test).
    """

    jets: Jets
    source: int
    ids: NDArray[np.uint64]
    label: NDArray[np.int8]
    in_set: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.jets)


@dataclass(frozen=True)
class JetSource:
    """The jets that are taken from an input.

    Attributes:
        extracted: folder of the input.
        number: of the input.
        settings: of the preparation.
    """

    extracted: ExtractedJets
    number: int
    settings: JetPreparationSettings

    @cached_property
    def _taken(self) -> NDArray[np.bool_] | None:
        """Which jets are taken: exactly as many as wanted, with equal chances; ``None``: all."""
        total, wanted = len(self.extracted), self.settings.jets
        if wanted is None or wanted == total:
            return None
        if wanted > total:
            msg = f"{self.extracted.folder}: jets={wanted} wanted, but there are {total}"
            raise InputError(msg)
        taken = np.zeros(total, bool)
        generator = np.random.default_rng((self.settings.seed, 2, self.number))
        taken[generator.choice(total, wanted, replace=False, shuffle=False)] = True
        return taken

    def __len__(self) -> int:
        return len(self.extracted) if self._taken is None else int(self._taken.sum())

    def pieces(self) -> Iterator[Iterator[JetBlock]]:
        """Yield the blocks of one file of the input after the other."""
        start = 0
        for number, part in enumerate(self.extracted.manifest["parts"]):
            yield self._blocks(number, start)
            start += part["jets"]

    def _blocks(self, part: int, start: int) -> Iterator[JetBlock]:
        for jets in self.extracted.iterate_part(part, _BLOCK):
            taken = jets if self._taken is None else jets.take(self._taken[start : start + len(jets)])
            start += len(jets)
            if len(taken):
                yield self._block(taken)

    def _block(self, jets: Jets) -> JetBlock:
        ids = jet_ids(jets)
        if self.settings.kind == "adversarial":
            label = np.full(len(jets), self.number, np.int8)
        else:
            label = self.extracted.table.labels(jets.flavor).astype(np.int8)
        return JetBlock(
            jets, self.number, ids, label, assign_sets(ids, self.settings.expected_fractions, self.settings.seed)
        )


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over jets tells; add two to know it of both.

    Attributes:
        moments: of the input columns of training jets, defaults left out.
        spectra: of the training jets.
        counts: int64 [labels, sets], jets.
        outside: jets outside of the bins of the weights.
        repeated: jets that were there once before; filled in at the end (:class:`RepeatedJets`).
    """

    moments: Moments
    spectra: Spectra
    counts: NDArray[np.int64]
    outside: int
    repeated: int = 0

    @classmethod
    def of(
        cls, block: JetBlock, settings: JetPreparationSettings, positions: Sequence[int], default: NDArray, labels: int
    ) -> Survey:
        """Return what a block tells.

        Args:
            block: jets.
            settings: of the preparation.
            positions: of the columns whose moments are wanted.
            default: of these columns, NaN where it is not known yet.
            labels: number of labels.
        """
        bins = binning(settings.weighting)
        training = block.in_set == 0
        values = block.jets.values[np.ix_(training, positions)]
        moments = Moments.of(values, ~is_default(values, default))
        eta, pt = block.jets["jet_eta"][training], block.jets["jet_pt"][training]
        flat = np.bincount(block.label.astype(np.int64) * len(SETS) + block.in_set, minlength=labels * len(SETS))
        spectra = Spectra.of(bins, labels, block.label[training], eta, pt)
        return cls(moments, spectra, flat.reshape(labels, len(SETS)), int(bins.outside(eta, pt).sum()))

    def __add__(self, other: Survey) -> Survey:
        """Return what the jets of both tell."""
        return Survey(
            self.moments + other.moments,
            self.spectra + other.spectra,
            self.counts + other.counts,
            self.outside + other.outside,
        )

    def save(self, path: Path, owner: str) -> None:
        """Write it to an ``.npz`` file that belongs to a preparation."""
        arrays = {"spectra": self.spectra.counts, "counts": self.counts, "outside": np.array(self.outside)}
        arrays["repeated"] = np.array(self.repeated)
        save_arrays(path, {**arrays, **self.moments.arrays()}, owner)

    @classmethod
    def load(cls, path: Path, settings: JetPreparationSettings, owner: str) -> Survey | None:
        """Return what :meth:`save` wrote; ``None`` if it is not there, damaged, or of another preparation."""
        try:
            arrays = load_arrays(path, owner)
        except (InputError, FileNotFoundError):
            return None
        if "repeated" not in arrays:
            return None  # of an earlier version, which did not count them
        spectra = Spectra(binning(settings.weighting), arrays["spectra"])
        numbers = (int(arrays[name]) for name in ("outside", "repeated"))
        return cls(Moments.from_arrays(arrays), spectra, arrays["counts"], *numbers)
