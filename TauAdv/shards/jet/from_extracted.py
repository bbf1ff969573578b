"""From extracted jets to the rows of a set of shards: scaled features, identity, label and weight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TauAdv.jets.features import JetFeatures
from TauAdv.jets.sample_weights import Spectra
from TauAdv.shards.files import RowColumns, merge_columns, take_columns
from TauAdv.shards.jet.packing import PackedJets
from TauAdv.shards.jet.survey import JetBlock
from TauAdv.shards.row_layout import RowLayout

__all__ = ["JetMaker", "rows_of_set"]


@dataclass(frozen=True)
class JetMaker:
    """Makes the rows of the sets.

    Attributes:
        features: default and scaling of the inputs.
        spectra: that weights come from; ``None`` for weights of 1.
    """

    features: JetFeatures
    spectra: Spectra | None

    def __call__(self, blocks: Iterable[JetBlock]) -> list[tuple[PackedJets, RowColumns, NDArray[np.int8]]]:
        """Return features, columns and number of the set of the jets of every block."""
        return [self._rows(block) for block in blocks]

    def _rows(self, block: JetBlock) -> tuple[PackedJets, RowColumns, NDArray[np.int8]]:
        jets = block.jets
        columns: RowColumns = {
            "source": np.full(len(jets), block.source, np.int16),
            "line": jets.line,
            "jet_id": block.ids,
            "dataset_id": np.full(len(jets), block.source, np.int16),
            "flavor": jets.flavor,
            "jet_pt": jets["jet_pt"],
            "jet_eta": jets["jet_eta"],
            "n_tracks": jets.n_tracks,
            "label": block.label,
            "weight": self._weight(block),
        }
        return PackedJets.of(*self.features(jets)), columns, block.in_set

    def _weight(self, block: JetBlock) -> NDArray[np.float32]:
        if self.spectra is None:
            return np.ones(len(block), np.float32)
        bins = self.spectra.bins.find(block.jets["jet_eta"], block.jets["jet_pt"])
        return self.spectra.weights()[block.label, bins].astype(np.float32)


def rows_of_set(
    made: list[tuple[PackedJets, RowColumns, NDArray[np.int8]]], number: int, layout: RowLayout
) -> tuple[PackedJets, RowColumns]:
    """Return those of the rows that are in one set."""
    chosen = [np.flatnonzero(in_set == number) for _, _, in_set in made]
    packed = [jets.take(which) for (jets, _, _), which in zip(made, chosen, strict=True)]
    columns = [take_columns(values, which) for (_, values, _), which in zip(made, chosen, strict=True)]
    return layout.concatenate(packed), merge_columns(columns)
