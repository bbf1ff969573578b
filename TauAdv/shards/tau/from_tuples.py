"""From tuple records to the rows of a set of shards: selection, features, weights, columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from TauAdv.commands import command
from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.contributions.agreement import Statement
from TauAdv.domain.contributions.contribution import check_dataset_ids
from TauAdv.errors import InputError
from TauAdv.features.extract import extract
from TauAdv.features.sparse import SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.shards.files import RowColumns
from TauAdv.shards.tau.packing import PackedTaus, PackLayout, pack
from TauAdv.shards.tau.selection import IDENTITY, UNLABELLED, Selection, select_taus, selection_branches
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.weights import PtWeights, SpectrumWeights

__all__ = ["IDENTITY", "TauMaker", "Weights", "load_weights"]

_OPTIONAL = ("sim_trueType", "sampleType", "tau_index")

Weights = SpectrumWeights | PtWeights | None


def load_weights(settings: ShardSettings) -> Weights:
    """Return the weights that the settings ask for, ``None`` for weights of 1.

    Raises:
        InputError: if a file or histogram is not what it should be.
    """
    if settings.adversarial_weights is not None:
        options = {"allow_negative": settings.allow_negative}
        return PtWeights.from_file(settings.adversarial_weights, settings.contributions or {}, **options)
    if settings.input_spectrum is None or settings.target_spectrum is None:
        return None
    classes = [name for name in TAU_CLASSES if name in settings.types.values()]
    return SpectrumWeights.from_files(
        settings.input_spectrum,
        settings.target_spectrum,
        classes,
        settings.weight_bins,
        threshold=settings.weight_thr,
        empty_bins=settings.empty_bins,
        allow_negative=settings.allow_negative,
    )


@dataclass(frozen=True)
class TauMaker:
    """Makes the rows of a set from tuple records.

    Attributes:
        settings: what is taken.
        table: of the features.
        weights: see :func:`load_weights`.
        present: branches of the tuple.
        statement: what the contributions of an adversarial set are.
    """

    settings: ShardSettings
    table: FeatureTable
    weights: Weights
    present: frozenset[str]
    statement: Statement | None = None

    @cached_property
    def layout(self) -> PackLayout:
        """Layout of the packed features."""
        return PackLayout.of(self.table)

    @property
    def branches(self) -> list[str]:
        """Branches to read; a classification set does without dataset_id."""
        needed = [*IDENTITY, *selection_branches(include_mismatched=self.settings.include_mismatched), *self.table.branches]
        if self.settings.kind == "classification" and "dataset_id" not in self.present:
            needed.remove("dataset_id")
        return list(dict.fromkeys([*needed, *(name for name in _OPTIONAL if name in self.present)]))

    def describe_weights(self) -> dict[str, Any]:
        """Return what the manifest says about the weights."""
        if isinstance(self.weights, SpectrumWeights):
            return {"spectrum": {"fraction_of_empty_bins": self.weights.empty_fraction()}}
        if self.weights is None:
            return {}
        names = dict(self.weights.names)
        negative = {names[number]: count for number, count in self.weights.negative_bins.items() if count}
        return {"pt": names, **({"negative_bins": negative} if negative else {})}

    def __call__(self, arrays: ak.Array) -> tuple[PackedTaus, RowColumns, Counter[str], Counter[str]]:
        """Return packed features, columns, lost entries by reason and non-finite values by feature.

        Raises:
            InputError: if a branch holds what cannot be (see :func:`select_taus`, :func:`extract`).
        """
        settings = self.settings
        selection = select_taus(
            arrays,
            settings.types,
            vs_jet_cut=settings.DeepTauVSjet_cut,
            recompute_tautype=settings.recompute,
            include_mismatched=settings.include_mismatched,
            adversarial=settings.kind == "adversarial",
        )
        losses = Counter(selection.losses)
        taken = arrays if len(selection.rows) == len(arrays) else ak.to_packed(arrays[selection.rows])
        columns = self._columns(taken, selection)
        if len(taken) == 0:
            return pack(SparseTaus.empty(self.table.layout), self.layout), columns, losses, Counter()
        taus = extract(taken, self.table, era=settings.era, rm_inner_from_outer=settings.rm_inner_from_outer)
        return pack(taus, self.layout), columns, losses, Counter(taus.nonfinite)

    def _columns(self, taken: ak.Array, selection: Selection) -> RowColumns:
        names = [name for name in (*IDENTITY, *_OPTIONAL) if name in taken.fields]
        columns: dict[str, NDArray[Any]] = {name: ak.to_numpy(taken[name]) for name in names}
        missing = np.full(len(taken), -1, np.int64)
        columns["dataset_id"] = columns.get("dataset_id", missing).astype(np.int64)
        columns["tauType"] = selection.tau_type
        columns["label"] = selection.label
        columns["weight"] = self._weight(columns)
        return columns

    def _weight(self, columns: RowColumns) -> NDArray[np.float32]:
        label, pt, eta = columns["label"], columns["tau_pt"], columns["tau_eta"]
        if self.settings.kind == "adversarial":
            check_dataset_ids(columns["dataset_id"], self.settings.contributions or {})
            of_data = [entry.dataset_id for entry in self.statement.contributions if entry.data] if self.statement else []
            _check_data_label(columns["dataset_id"], label, of_data)
        weight = np.ones(len(label), np.float32)
        if isinstance(self.weights, PtWeights):
            weight = self.weights(columns["dataset_id"], pt)
            _check_data_weight(weight[label == 1], str(self.settings.adversarial_weights))
        elif isinstance(self.weights, SpectrumWeights):
            for number, name in enumerate(TAU_CLASSES):
                chosen = label == number
                if chosen.any():
                    weight[chosen] = self.weights(name, pt[chosen], eta[chosen])
        weight[label == UNLABELLED] = 0
        return weight


def _check_data_weight(weight: NDArray[np.float32], source: str) -> None:
    """Refuse pT weights that change data."""
    if (other := weight != 1).any():
        msg = (
            f"{source}: {other.sum()} of {len(weight)} taus of data would get another weight than 1, such as "
            f"{weight[other][0]:g}; data have weight 1: give their histogram contents of 1, under- and overflow included"
        )
        raise InputError(msg)


def _check_data_label(dataset_id: NDArray[np.int64], label: NDArray[np.int8], data_ids: Sequence[int]) -> None:
    """Refuse taus that are data by dataset_id, of which none is data by its tau type: simulation that was not mixed."""
    of_data = np.isin(dataset_id, list(data_ids))
    if of_data.any() and not (label[of_data] == 1).any():
        msg = (
            f"{of_data.sum()} taus have the dataset_id of data, but none has tauType 8: it looks like simulation that "
            f"was not mixed; make it with {command('mix')}"
        )
        raise InputError(msg)
