"""HPS-like reconstruction: jets -> strips and charged candidates -> decay-mode hypotheses -> one tau candidate per jet."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.columns import Columns, take
from TauAdv.simulation.detector.response import ParticleType
from TauAdv.simulation.geometry import delta_r, four_vector, kinematics, nearest_object, neighbours
from TauAdv.simulation.reconstruction.clustering import cluster
from TauAdv.simulation.reconstruction.strips import NUM_STRIPS, Strips, build_strips

__all__ = ["HYPOTHESES", "TauSettings", "mass_window", "reconstruct_taus"]

_NUM_CHARGED = 6
_MIN_JET_PT, _MIN_TAU_PT, _MAX_TAU_ETA = 14.0, 20.0, 2.3
_MAX_JET_ETA, _JET_RADIUS = 2.6, 0.4
_MIN_TRACK_PT, _MIN_HYPOTHESIS_PT = 0.5, 18.0
_MOST_CANDIDATES = 80
_PION_MASS = 0.13957


@dataclass(frozen=True)
class Hypotheses:
    """Decay-mode hypotheses: which of the 6 charged candidates and 3 strips each one has [hypotheses, 6 or 3]."""

    decay_mode: np.ndarray
    charged: np.ndarray
    strips: np.ndarray


@dataclass(frozen=True)
class TauSettings:
    """Acceptance of the reconstructed taus."""

    min_pt: float = _MIN_TAU_PT
    max_eta: float = _MAX_TAU_ETA


def _all_hypotheses() -> Hypotheses:
    one = [(c,) for c in range(_NUM_CHARGED)]
    three = list(itertools.combinations(range(_NUM_CHARGED), 3))
    strips = [(s,) for s in range(NUM_STRIPS)]
    pairs = list(itertools.combinations(range(NUM_STRIPS), 2))
    combined: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = [(0, c, ()) for c in one]
    combined += [(1, c, s) for c in one for s in strips]
    combined += [(2, c, s) for c in one for s in pairs]
    combined += [(10, c, ()) for c in three]
    combined += [(11, c, s) for c in three for s in strips]
    charged = np.zeros((len(combined), _NUM_CHARGED))
    strip = np.zeros((len(combined), NUM_STRIPS))
    for row, (_, charged_members, strip_members) in enumerate(combined):
        charged[row, list(charged_members)] = 1
        strip[row, list(strip_members)] = 1
    return Hypotheses(np.array([mode for mode, _, _ in combined]), charged, strip)


#: The 122 combinations of up to 3 of 6 charged candidates and up to 2 of 3 strips.
HYPOTHESES = _all_hypotheses()


def mass_window(decay_mode: np.ndarray, mass: np.ndarray, pt: np.ndarray) -> np.ndarray:
    """Return whether the visible mass (GeV) fits the decay mode; windows of modes 1 and 2 widen as sqrt(pt/100)."""
    widening = np.clip(np.sqrt(pt / 100), 1.0, 4.2 / 1.3)
    low = np.select([decay_mode == m for m in (0, 1, 2, 10, 11)], [-1.0, 0.3, 0.4, 0.8, 0.9], np.inf)
    high = np.select([decay_mode == m for m in (0, 1, 2)], [np.inf, 1.3 * widening, 1.2 * widening])
    high = np.select([decay_mode == 10, decay_mode == 11], [1.5, 1.6], high)
    return (mass > low) & (mass < high)


def _best_hypothesis(
    charged: np.ndarray, charged_valid: np.ndarray, charge: np.ndarray, strips: Strips
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return found [jets], index of the accepted hypothesis of highest pt [jets], and its four-vector [jets, 4]."""
    h = HYPOTHESES
    missing = (~charged_valid) @ h.charged.T + (~strips.valid) @ h.strips.T
    p4 = np.einsum("jck,hc->jhk", charged, h.charged) + np.einsum("jsk,hs->jhk", strips.p4, h.strips)
    pt, eta, phi, mass = kinematics(p4)
    accepted = (
        (missing == 0)
        & (np.abs(charge @ h.charged.T) == 1)
        & (pt > _MIN_HYPOTHESIS_PT)
        & mass_window(h.decay_mode[None], mass, pt)
    )
    cone = np.clip(3 / np.maximum(pt, 1.0), 0.05, 0.1)
    parts = np.concatenate([charged, strips.p4], axis=1)
    _, part_eta, part_phi, _ = kinematics(parts)
    # strips may reach 0.05 further out than tracks
    slack = np.array([0.0] * _NUM_CHARGED + [0.05] * NUM_STRIPS)
    used = np.concatenate([h.charged, h.strips], axis=1) > 0
    for part in range(_NUM_CHARGED + NUM_STRIPS):
        rows = np.flatnonzero(used[:, part])
        distance = delta_r(part_eta[:, [part]], part_phi[:, [part]], eta[:, rows], phi[:, rows]) - slack[part]
        accepted[:, rows] &= distance < cone[:, rows]
    best = np.where(accepted, pt, -1.0).argmax(axis=1)
    jets = np.arange(len(best))
    return accepted[jets, best], best, p4[jets, best]


def _taus_of_jets(candidates: Columns, jets: Columns, table: np.ndarray) -> tuple[Columns, np.ndarray]:
    """Return one tau per jet with ``found``, and the mask [jets, candidates] of its signal constituents."""
    valid, row = table >= 0, np.maximum(table, 0)
    pt = np.where(valid, candidates["pt"][row], 0).astype(np.float64)
    eta, phi = candidates["eta"][row].astype(np.float64), candidates["phi"][row].astype(np.float64)
    in_jet = valid & (delta_r(eta, phi, jets["eta"][:, None], jets["phi"][:, None]) < _JET_RADIUS)
    tracks = in_jet & _usable_tracks(candidates)[row]
    strips = build_strips(pt, eta, phi, in_jet & _in_strips(candidates)[row])
    leading = np.argsort(np.where(tracks, -pt, np.inf), axis=1, kind="stable")[:, :_NUM_CHARGED]

    def of_leading(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, leading, axis=1)

    charged_valid = of_leading(tracks)
    charged = four_vector(of_leading(pt), of_leading(eta), of_leading(phi), _PION_MASS) * charged_valid[..., None]
    charge = of_leading(candidates["charge"][row]) * charged_valid
    found, best, p4 = _best_hypothesis(charged, charged_valid, charge, strips)
    tau = dict(zip(("pt", "eta", "phi", "mass"), kinematics(p4), strict=True))
    mode = HYPOTHESES.decay_mode[best]
    tau["decay_mode"] = np.where(mode == 2, 1, mode)  # two strips count as one neutral pion, as HPS has it
    tau["mass"] = np.where(tau["decay_mode"] == 0, _PION_MASS, tau["mass"])
    tau["charge"] = (charge * HYPOTHESES.charged[best]).sum(axis=1).astype(np.int32)
    signal = np.zeros(table.shape, dtype=bool)
    np.put_along_axis(signal, leading, charged_valid & (HYPOTHESES.charged[best] > 0), axis=1)
    signal |= np.einsum("js,jsc->jc", HYPOTHESES.strips[best], strips.members) > 0
    return {"found": found, **tau}, signal


def _usable_tracks(candidates: Columns) -> np.ndarray:
    return (candidates["charge"] != 0) & (candidates["from_pv"] >= 2) & (candidates["pt"] > _MIN_TRACK_PT)


def _in_strips(candidates: Columns) -> np.ndarray:
    return np.isin(candidates["particle_type"], (ParticleType.ELECTRON, ParticleType.PHOTON))


def _have_track(candidates: Columns, jets: Columns) -> np.ndarray:
    """Return which jets may have a charged candidate of a tau: most jets of pile-up have none."""
    tracks = take(candidates, _usable_tracks(candidates))
    return nearest_object(tracks, (jets["event"], jets["eta"], jets["phi"]), _JET_RADIUS + 0.01) >= 0


def _may_reach_pt(candidates: Columns, table: np.ndarray) -> np.ndarray:
    """Return which jets have enough pt in tracks and strips for a hypothesis; most have not, and are not tried."""
    times = _usable_tracks(candidates).astype(np.int64) + _in_strips(candidates)  # an electron may be in both
    pt = times * candidates["pt"]
    total: np.ndarray = np.where(table >= 0, pt[np.maximum(table, 0)], 0).sum(axis=1)
    return total > _MIN_HYPOTHESIS_PT - 0.1


def reconstruct_taus(candidates: Columns, num_events: int, settings: TauSettings | None = None) -> tuple[Columns, Columns]:
    """Return tau candidates and their signal constituents.

    Jets are made of all candidates but charged ones of pile-up vertices. Of each jet's accepted hypotheses the one of
    highest pt is taken: unit charge, mass window of its decay mode, constituents within 3 GeV/pt (0.05 to 0.1).

    Args:
        candidates: ordered by event, with vertex association.
        num_events: number of events.
        settings: acceptance; the default is pt > 20 GeV, |eta| < 2.3.

    Returns:
        Taus (event, pt, eta, phi, mass, decay_mode, charge, jet_pt, jet_eta, jet_phi, jet_mass; ordered by event) and
        pairs (tau, candidate) of row numbers of the signal constituents.
    """
    settings = settings or TauSettings()
    usable = (candidates["from_pv"] >= 1) & (np.abs(candidates["eta"]) < 3)
    p4 = four_vector(*(candidates[name][usable].astype(np.float64) for name in ("pt", "eta", "phi", "mass")))
    jets = cluster(candidates["event"][usable], p4, num_events, _MIN_JET_PT)
    jets = take(jets, np.abs(jets["eta"]) < _MAX_JET_ETA)
    jets = take(jets, _have_track(candidates, jets))
    table = neighbours(candidates, (jets["event"], jets["eta"], jets["phi"]), 0.5, _MOST_CANDIDATES)
    promising = _may_reach_pt(candidates, table)
    jets, table = take(jets, promising), table[promising]
    taus, signal = _taus_of_jets(candidates, jets, table)
    good = taus.pop("found") & (taus["pt"] > settings.min_pt) & (np.abs(taus["eta"]) < settings.max_eta)
    taus["event"] = jets["event"]
    taus.update({f"jet_{name}": jets[name] for name in ("pt", "eta", "phi", "mass")})
    tau, slot = np.nonzero(signal[good])
    return (
        {name: values[good] for name, values in taus.items()},
        {"tau": tau, "candidate": table[good][tau, slot]},
    )
