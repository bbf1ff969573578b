"""Counts for the manifest of a set of shards."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.contributions.agreement import Statement
from TauAdv.errors import InputError, InputWarning
from TauAdv.shards.files import RowColumns
from TauAdv.shards.repeated import count_repeated
from TauAdv.shards.store import part_readers
from TauAdv.shards.tau.contributions import check_kinds
from TauAdv.shards.tau.packing import PackLayout
from TauAdv.shards.tau.selection import UNLABELLED
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.weights import PtWeights, SpectrumWeights

__all__ = ["summarise"]

FEW = 10
"""So many taus are not all in empty bins by chance."""
UNLABELLED_NAME = "unlabelled"


def summarise(
    folder: Path,
    manifest: Mapping[str, Any],
    layout: PackLayout,
    settings: ShardSettings,
    statistics: Sequence[Mapping[str, Any]],
    statement: Statement | None = None,
    weights_of: PtWeights | SpectrumWeights | None = None,
) -> dict[str, Any]:
    """Return taus, sums of weights, taus of weight 0 and below per class or contribution, losses, non-finite values.

    Args:
        folder: of the parts.
        manifest: its entries ``parts`` and ``files``.
        layout: of the taus.
        settings: of the set.
        statistics: of the pieces of the input.
        statement: what the contributions of an adversarial set are called.
        weights_of: what the taus were weighted with.

    Warns (:class:`InputWarning`) if the few taus of a class or contribution all lie in empty bins of the weights.

    Raises:
        InputError: if a contribution of an adversarial set holds both data and simulation, or none of what it is called;
            if all taus of a class or contribution have weight 0 and these are many, or outside of the bins.
    """
    groups: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    zero: Counter[str] = Counter()
    negative: Counter[str] = Counter()
    data: Counter[str] = Counter()
    within: Counter[str] = Counter()
    readers = part_readers(folder, manifest, layout)
    for reader in readers:
        columns = reader.all_columns(["label", "weight", "dataset_id", "tau_pt", "tau_eta"])
        for name, chosen in _groups(columns, settings):
            groups[name] += int(chosen.sum())
            weights[name] += float(columns["weight"][chosen].sum(dtype=np.float64))  # type: ignore[assignment]
            zero[name] += int((columns["weight"][chosen] == 0).sum())
            negative[name] += int((columns["weight"][chosen] < 0).sum())
            if weights_of is not None and name != UNLABELLED_NAME:
                within[name] += int(weights_of.within(name, columns["tau_pt"][chosen], columns["tau_eta"][chosen]).sum())
            data[name] += int((columns["label"][chosen] == 1).sum())
    if settings.kind == "adversarial":
        _check_data(groups, data, statement)
        if statement is not None:
            found = [reader.all_columns(["dataset_id", "tauType"]) for reader in readers]
            check_kinds(statement, *(np.concatenate([each[name] for each in found]) for name in ("dataset_id", "tauType")))
    _require_weight(groups, zero, within, settings)
    total = sum(groups.values())
    return {
        "entries_read": sum(found["taken"] + sum(found["losses"].values()) for found in statistics),
        "taus": total,
        "repeated": count_repeated(readers, total),
        "batches": -(-total // settings.n_tau),
        "by_group": dict(groups),
        "sum_of_weights": dict(weights),
        "weight_zero": dict(zero),
        "weight_negative": dict(negative),
        "losses": dict(sum((Counter(found["losses"]) for found in statistics), Counter())),
        "nonfinite": dict(sum((Counter(found["nonfinite"]) for found in statistics), Counter())),
    }


def _groups(columns: RowColumns, settings: ShardSettings) -> list[tuple[str, np.ndarray]]:
    if settings.kind == "adversarial":
        column, names = columns["dataset_id"], settings.contributions or {}
    else:
        column, names = columns["label"], {**dict(enumerate(TAU_CLASSES)), UNLABELLED: UNLABELLED_NAME}
    return [(names[number], column == number) for number in np.unique(column).tolist()]


def _require_weight(
    groups: Mapping[str, int], zero: Mapping[str, int], within: Mapping[str, int], settings: ShardSettings
) -> None:
    """Refuse a class or contribution that counts nothing: by weights of another set, or of other units.

    Fewer than :data:`FEW` taus can all lie in bins that were empty by chance.
    """
    lost = [name for name, count in groups.items() if zero[name] == count > 0 and name != UNLABELLED_NAME]
    if not lost:
        return
    counts = ", ".join(f"{name} (all {groups[name]})" for name in lost)
    files = " and ".join(map(str, settings.weight_files))
    if all(within[name] == groups[name] < FEW for name in lost):
        msg = f"{files}: taus of {counts} get weight 0: they are in empty bins; the set holds nothing of them"
        warnings.warn(msg, InputWarning, stacklevel=2)
        return
    msg = (
        f"{files}: taus of {counts} would get weight 0: they are outside of the bins, or in empty ones; "
        "make the weights of these tuples, or leave such taus out"
    )
    raise InputError(msg)


def _check_data(groups: Mapping[str, int], data: Mapping[str, int], statement: Statement | None) -> None:
    known = {} if statement is None else {entry.name: entry.data for entry in statement.contributions}
    if wrong := [name for name, count in groups.items() if known.get(name) is False and data[name] == count > 0]:
        msg = f"{', '.join(wrong)}: all taus are data (tauType 8), but {statement and statement.source} calls it simulation"
        raise InputError(msg)
    mixed = [f"{name}: {data[name]} of {count} taus" for name, count in groups.items() if 0 < data[name] < count]
    if mixed:
        msg = f"contributions that are partly data (tauType 8) and partly simulation: {'; '.join(mixed)}; check dataset_id"
        raise InputError(msg)
