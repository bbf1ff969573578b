"""Matching of reconstructed to generated taus, and the label that follows from it (TauMLTools)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.errors import InputError

__all__ = [
    "MATCHING_BRANCHES",
    "GenMatch",
    "SampleType",
    "TauType",
    "delta_r",
    "gen_match",
    "recompute_tau_type",
    "tau_type",
]

MATCHING_BRANCHES = (
    "genLepton_index",
    "genLepton_kind",
    "genLepton_vis_pt",
    "genLepton_vis_eta",
    "genLepton_vis_phi",
    "genJet_index",
    "tau_eta",
    "tau_phi",
    "sampleType",
)

_MAX_DELTA_R = 0.2
_MIN_LEPTON_PT = 8.0
_MIN_HADRONIC_PT = 15.0
_UNKNOWN = -999


class SampleType(IntEnum):
    """Where an entry comes from."""

    DATA = 0
    MC = 1
    EMBEDDED = 2


class GenMatch(IntEnum):
    """What was generated where the tau candidate is."""

    NONE = -1
    ELECTRON = 1
    MUON = 2
    TAU_ELECTRON = 3
    TAU_MUON = 4
    TAU = 5
    JET = 6


class TauType(IntEnum):
    """Label of a tau candidate."""

    NONE = -1
    E = 0
    MU = 1
    TAU = 2
    JET = 3
    EMB_E = 4
    EMB_MU = 5
    EMB_TAU = 6
    EMB_JET = 7
    DATA = 8


_TAU_TYPES = {
    (GenMatch.ELECTRON, SampleType.MC): TauType.E,
    (GenMatch.TAU_ELECTRON, SampleType.MC): TauType.E,
    (GenMatch.MUON, SampleType.MC): TauType.MU,
    (GenMatch.TAU_MUON, SampleType.MC): TauType.MU,
    (GenMatch.TAU, SampleType.MC): TauType.TAU,
    (GenMatch.JET, SampleType.MC): TauType.JET,
    (GenMatch.TAU_ELECTRON, SampleType.EMBEDDED): TauType.EMB_E,
    (GenMatch.TAU_MUON, SampleType.EMBEDDED): TauType.EMB_MU,
    (GenMatch.TAU, SampleType.EMBEDDED): TauType.EMB_TAU,
    (GenMatch.JET, SampleType.EMBEDDED): TauType.EMB_JET,
    (GenMatch.JET, SampleType.DATA): TauType.DATA,
    **{(GenMatch.NONE, sample): TauType.NONE for sample in SampleType},
}


def delta_r(eta1: Any, phi1: Any, eta2: Any, phi2: Any) -> np.ndarray:
    """Return the angular distance in float64, the azimuthal difference wrapped once into (-pi, pi]."""
    d_eta = np.asarray(eta1, dtype=np.float64) - np.asarray(eta2, dtype=np.float64)
    d_phi = np.asarray(phi1, dtype=np.float64) - np.asarray(phi2, dtype=np.float64)
    d_phi = np.where(d_phi > np.pi, d_phi - 2 * np.pi, d_phi)
    d_phi = np.where(d_phi <= -np.pi, d_phi + 2 * np.pi, d_phi)
    return np.sqrt(d_phi * d_phi + d_eta * d_eta)


def gen_match(arrays: ak.Array | Mapping[str, Any]) -> np.ndarray:
    """Return the :class:`GenMatch` of every entry as int32.

    A generated lepton (``genLepton_index`` not negative) decides alone, even where a generated jet is: within 0.2 of the
    candidate, and with enough visible transverse momentum, it gives the match of its kind; otherwise there is none.

    Raises:
        InputError: if a lepton within 0.2 is of an unknown kind.
    """
    columns = {name: np.asarray(arrays[name]) for name in MATCHING_BRANCHES if name != "sampleType"}
    has_lepton = columns["genLepton_index"] >= 0
    match = np.where(columns["genJet_index"] >= 0, GenMatch.JET, GenMatch.NONE).astype(np.int32)
    match[has_lepton] = _lepton_match({name: column[has_lepton] for name, column in columns.items()})
    unknown = match == _UNKNOWN
    if unknown.any():
        kinds = np.unique(columns["genLepton_kind"][unknown]).tolist()
        msg = (
            f"genLepton_kind: expected 1 to 5 for a generated lepton at the tau, received {', '.join(map(str, kinds))} "
            f"in {unknown.sum()} of {len(match)} entries (first: entry {int(np.flatnonzero(unknown)[0])})"
        )
        raise InputError(msg)
    return match


def _lepton_match(leptons: Mapping[str, np.ndarray]) -> np.ndarray:
    kind, pt = leptons["genLepton_kind"], leptons["genLepton_vis_pt"]
    known = (kind >= GenMatch.ELECTRON) & (kind <= GenMatch.TAU)
    enough = pt >= np.where(kind == GenMatch.TAU, _MIN_HADRONIC_PT, _MIN_LEPTON_PT)
    angles = ("tau_eta", "tau_phi", "genLepton_vis_eta", "genLepton_vis_phi")
    distance = delta_r(*(leptons[name] for name in angles))
    match = np.where(known, np.where(enough, kind, GenMatch.NONE), _UNKNOWN)
    return np.where(distance > _MAX_DELTA_R, GenMatch.NONE, match).astype(np.int32)


def tau_type(match: np.ndarray, sample_type: np.ndarray) -> np.ndarray:
    """Return the :class:`TauType` of every entry as int32.

    Raises:
        InputError: if a match cannot occur in that kind of sample (a generated lepton in data, a prompt one in an embedded
            sample), or the sample type is unknown; says which and how often.
    """
    match, sample_type = np.broadcast_arrays(np.asarray(match), np.asarray(sample_type))
    types = np.full(match.shape, _UNKNOWN, dtype=np.int32)
    for (known_match, known_sample), label in _TAU_TYPES.items():
        types[(match == known_match) & (sample_type == known_sample)] = label
    unknown = types == _UNKNOWN
    if unknown.any():
        pairs, counts = np.unique(np.stack([match[unknown], sample_type[unknown]], axis=1), axis=0, return_counts=True)
        lines = "".join(f"\n  {_explain(*pair)}: {count}" for pair, count in zip(pairs.tolist(), counts, strict=True))
        msg = f"entries whose generator match cannot occur in their kind of sample:{lines}\nis sampleType set correctly?"
        raise InputError(msg)
    return types


def recompute_tau_type(arrays: ak.Array | Mapping[str, Any]) -> np.ndarray:
    """Return the label of every entry from :data:`MATCHING_BRANCHES` as int32 (see :func:`gen_match`, :func:`tau_type`)."""
    return tau_type(gen_match(arrays), np.asarray(arrays["sampleType"]))


def _explain(match: int, sample_type: int) -> str:
    names = [
        kind(value).name if value in {member.value for member in kind} else "unknown"
        for kind, value in ((GenMatch, match), (SampleType, sample_type))
    ]
    return f"match {match} ({names[0]}) in sampleType {sample_type} ({names[1]})"
