"""Strips: electromagnetic candidates of a jet gathered into neutral pions (like CMS's HPS algorithm, arXiv:1809.02816)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from TauAdv.simulation.geometry import delta_phi, four_vector

__all__ = ["NUM_STRIPS", "Strips", "build_strips"]

NUM_STRIPS = 3
_MIN_SEED_PT, _MIN_STRIP_PT = 0.5, 2.5


@dataclass(frozen=True)
class Strips:
    """Strips of each jet: ``p4`` [jets, 3, 4], ``valid`` [jets, 3], ``members`` [jets, 3, candidates]."""

    p4: np.ndarray
    valid: np.ndarray
    members: np.ndarray


def _half_widths(pt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pt = np.maximum(pt, 0.5)
    return 0.5 * np.clip(0.20 * pt**-0.66, 0.05, 0.15), 0.5 * np.clip(0.35 * pt**-0.71, 0.05, 0.30)


def _grow(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the members [jets, candidates] of a strip around the hardest free candidate of each jet."""
    free_pt = np.where(free, pt, 0)
    rows, seed = np.arange(len(pt)), free_pt.argmax(axis=1)
    center_eta, center_phi, strip_pt = eta[rows, seed], phi[rows, seed], free_pt[rows, seed]
    candidate_eta, candidate_phi = _half_widths(pt)
    members = np.zeros_like(free)
    for _ in range(2):
        strip_eta, strip_phi = _half_widths(strip_pt)
        dphi = delta_phi(phi, center_phi[:, None])
        members = free & (np.abs(eta - center_eta[:, None]) < candidate_eta + strip_eta[:, None])
        members &= np.abs(dphi) < candidate_phi + strip_phi[:, None]
        weight = np.where(members, pt, 0)
        strip_pt = np.maximum(weight.sum(axis=1), 1e-6)
        center_eta = np.where(members.any(axis=1), (weight * eta).sum(axis=1) / strip_pt, center_eta)
        center_phi = center_phi + (weight * dphi).sum(axis=1) / strip_pt
    return members


def build_strips(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray, usable: np.ndarray) -> Strips:
    """Return up to three strips per jet, hardest seed first.

    Args:
        pt: candidates of each jet [jets, candidates].
        eta: likewise.
        phi: likewise.
        usable: photons and electrons of the jet.
    """
    free = usable & (pt > _MIN_SEED_PT)
    p4s, valids, members = [], [], []
    candidates = four_vector(pt, eta, phi, 0.0)
    for _ in range(NUM_STRIPS):
        member = _grow(pt, eta, phi, free)
        total = np.einsum("jc,jck->jk", member, candidates)
        p4s.append(total)
        valids.append(np.hypot(total[:, 0], total[:, 1]) > _MIN_STRIP_PT)
        members.append(member)
        free = free & ~member
    return Strips(np.stack(p4s, axis=1), np.stack(valids, axis=1), np.stack(members, axis=1))
