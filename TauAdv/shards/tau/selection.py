"""Which taus enter a training set, their tau type and label (TauMLTools)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.tuples.matching import MATCHING_BRANCHES, GenMatch, TauType, gen_match, tau_type

__all__ = ["IDENTITY", "SCORE_BRANCH", "UNLABELLED", "Selection", "select_taus", "selection_branches"]

UNLABELLED = -1
"""Label of a tau that is kept although it has no gen match: an all-zero row in y."""

IDENTITY = ("run", "lumi", "evt", "dataset_id", "tau_pt", "tau_eta", "tau_decayMode")
"""Columns that say which tau a row is."""

SCORE_BRANCH = "tau_byDeepTau2017v2p1VSjetraw"


@dataclass(frozen=True)
class Selection:
    """The taus taken from a block of entries.

    Attributes:
        rows: int64 [k], entries taken, in order.
        tau_type: int32 [k], :class:`TauType` after recomputation (none for a mismatched tau).
        label: int8 [k], number in ``TAU_CLASSES``, or in an adversarial set 1 for data and 0 for simulation;
            :data:`UNLABELLED` for a mismatched tau.
        losses: reason -> entries lost to it (each entry counts once, for the first reason).
    """

    rows: NDArray[np.int64]
    tau_type: NDArray[np.int32]
    label: NDArray[np.int8]
    losses: Mapping[str, int]


def selection_branches(*, include_mismatched: bool = False) -> list[str]:
    """Return the branches that :func:`select_taus` reads."""
    return list(dict.fromkeys([*MATCHING_BRANCHES, SCORE_BRANCH, "tauType", *(["tau_index"] if include_mismatched else [])]))


def select_taus(
    arrays: ak.Array,
    tau_types_names: Mapping[int, str],
    *,
    vs_jet_cut: float = -1.0,
    recompute_tautype: bool = True,
    include_mismatched: bool = False,
    adversarial: bool = False,
) -> Selection:
    """Choose and label taus.

    A tau is taken if it has a gen match or its stored tauType says data, its score against jets is above (not at) the
    cut, and its tau type is listed.

    Args:
        arrays: records with :func:`selection_branches`.
        tau_types_names: tau type -> class name, one of ``TAU_CLASSES`` unless ``adversarial``.
        vs_jet_cut: cut on the 2017v2p1 score; the default drops candidates without a reconstructed tau.
        recompute_tautype: replace the stored tau type by the one of the gen match.
        include_mismatched: also keep reconstructed taus without a gen match, at any score, unlabelled.
        adversarial: label data 1 and simulation 0 instead of the class.

    Raises:
        InputError: if a gen match and a sample type exclude each other.
    """
    match = gen_match(arrays)
    stored = ak.to_numpy(arrays["tauType"]).astype(np.int32)
    score = ak.to_numpy(arrays[SCORE_BRANCH]).astype(np.float64)
    matched = match != GenMatch.NONE
    known = matched | (stored == TauType.DATA)
    passing = known & (score > vs_jet_cut)
    kind = np.where(known, stored, np.int32(TauType.NONE)).astype(np.int32)
    if recompute_tautype:
        again = passing & matched
        kind[again] = tau_type(match[again], ak.to_numpy(arrays["sampleType"])[again])
    listed = np.isin(kind, list(tau_types_names))
    taken = passing & listed
    mismatched = np.zeros(len(match), bool)
    if include_mismatched:
        mismatched = ~known & (ak.to_numpy(arrays["tau_index"]) >= 0)
    losses = {
        "no gen match": int((~known & ~mismatched).sum()),
        f"{SCORE_BRANCH} not above {vs_jet_cut:g}": int((known & ~passing).sum()),
        "tau type not listed": int((passing & ~listed).sum()),
    }
    rows = np.flatnonzero(taken | mismatched)
    label = _data_label(kind[rows]) if adversarial else _class_label(kind[rows], tau_types_names)
    label[mismatched[rows]] = UNLABELLED
    return Selection(rows, kind[rows], label, losses)


def _data_label(kind: NDArray[np.int32]) -> NDArray[np.int8]:
    return (kind == TauType.DATA).astype(np.int8)


def _class_label(kind: NDArray[np.int32], tau_types_names: Mapping[int, str]) -> NDArray[np.int8]:
    label = np.full(len(kind), UNLABELLED, np.int8)
    for number, name in tau_types_names.items():
        label[kind == number] = TAU_CLASSES.index(name)
    return label
