"""Pile-up: minimum-bias interactions over the hard event, the primary vertex, and candidates' relation to it (cm, GeV)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from TauAdv.simulation.columns import Columns, concatenate, num_rows, ragged_rows, take
from TauAdv.simulation.detector.response import respond
from TauAdv.simulation.geometry import delta_phi, neighbours
from TauAdv.simulation.settings import DetectorSettings

__all__ = ["PileupLibrary", "add_vertex_association", "build_library", "event_density", "overlay", "puppi_weights"]

_BEAM_LENGTH = 3.5
_VERTEX_ERROR_XY, _VERTEX_ERROR_Z = 15e-4, 20e-4
_BEAM_WIDTH = 10e-4
_MIN_PT = 0.3
#: Median and width of ln(alpha) of pile-up, at nominal pile-up.
_PUPPI_MEDIAN, _PUPPI_WIDTH = 4.0, 2.5
_DENSITY_BINS = (10, 12)


@dataclass(frozen=True)
class PileupLibrary:
    """Detector response to minimum-bias events: candidates ordered by event, and where each event starts."""

    candidates: Columns
    offsets: np.ndarray

    @property
    def num_events(self) -> int:
        """Return the number of events."""
        return len(self.offsets) - 1


def build_library(
    particles: Columns, num_events: int, settings: DetectorSettings, rng: np.random.Generator
) -> PileupLibrary:
    """Return the response to minimum-bias events, smeared once (candidates of pt > 0.3 GeV)."""
    candidates = respond(particles, settings, rng)
    candidates = take(candidates, candidates["pt"] > _MIN_PT)
    return PileupLibrary(candidates, np.searchsorted(candidates["event"], np.arange(num_events + 1)))


def _draw(library: PileupLibrary, event: np.ndarray, dz: np.ndarray, rng: np.random.Generator) -> Columns:
    """Return the candidates of one random library event per interaction, rotated and moved along the beam."""
    source = rng.integers(0, library.num_events, len(event))
    rotation = rng.uniform(-np.pi, np.pi, len(event))
    counts = library.offsets[source + 1] - library.offsets[source]
    drawn = take(library.candidates, ragged_rows(library.offsets[source], counts))
    drawn["event"] = np.repeat(event, counts).astype(np.int32)
    drawn["phi"] = delta_phi(drawn["phi"], np.repeat(-rotation, counts)).astype(np.float32)
    drawn["dz"] = np.where(drawn["charge"] != 0, drawn["dz"] + np.repeat(dz, counts), 0).astype(np.float32)
    return drawn


def overlay(
    candidates: Columns, num_events: int, library: PileupLibrary, settings: DetectorSettings, rng: np.random.Generator
) -> tuple[Columns, Columns]:
    """Add Poisson pile-up to events and measure the primary vertex.

    Args:
        candidates: response to the hard events, ordered by event.
        num_events: their number.
        library: minimum-bias response.
        settings: mean pile-up.
        rng: source of random numbers.

    Returns:
        All candidates (ordered by event; new columns ``pileup``, ``from_pv``, ``pv_quality``; dxy and dz to the measured
        primary vertex) and one row per event: npu, npv, pv_x, pv_y, pv_z, pv_chi2, pv_ndof, rho.
    """
    npu = rng.poisson(settings.pileup, num_events)
    pv_z = _BEAM_LENGTH * rng.standard_normal(num_events)
    event = np.repeat(np.arange(num_events), npu)
    added = _draw(library, event, _BEAM_LENGTH * rng.standard_normal(len(event)) - pv_z[event], rng)
    candidates["pileup"] = np.zeros(num_rows(candidates), dtype=bool)
    added["pileup"] = np.ones(num_rows(added), dtype=bool)
    merged = concatenate([candidates, added])
    merged = take(merged, np.argsort(merged["event"], kind="stable"))
    errors = rng.standard_normal((3, num_events)) * np.array([[_VERTEX_ERROR_XY], [_VERTEX_ERROR_XY], [_VERTEX_ERROR_Z]])
    _move_to_vertex(merged, errors)
    add_vertex_association(merged)
    used = (merged["pv_quality"] == 7) & ~merged["pileup"]
    ndof = np.maximum(2 * np.bincount(merged["event"], weights=used, minlength=num_events) - 3, 1)
    events = {
        "npu": npu,
        "npv": 1 + rng.binomial(npu, 0.7),
        "pv_x": _BEAM_WIDTH * rng.standard_normal(num_events) + errors[0],
        "pv_y": _BEAM_WIDTH * rng.standard_normal(num_events) + errors[1],
        "pv_z": pv_z + errors[2],
        "pv_ndof": ndof,
        "pv_chi2": rng.chisquare(ndof),
        "rho": event_density(merged, num_events),
    }
    return merged, events


def _move_to_vertex(candidates: Columns, errors: np.ndarray) -> None:
    """Refer dxy and dz of charged candidates to a vertex measured with the given errors [3, events]."""
    charged = candidates["charge"] != 0
    x, y, z = (error[candidates["event"]] for error in errors)
    phi = candidates["phi"]
    candidates["dxy"] = (candidates["dxy"] + charged * (x * np.sin(phi) - y * np.cos(phi))).astype(np.float32)
    candidates["dz"] = (candidates["dz"] - charged * z).astype(np.float32)


def add_vertex_association(candidates: Columns) -> None:
    """Add ``from_pv`` (3, 1, 0; neutral 1) and ``pv_quality`` (7, 5, 1, 0) from dz to the primary vertex."""
    charged, dz = candidates["charge"] != 0, np.abs(candidates["dz"])
    close = dz < 0.1
    compatible = (dz < 0.2) & (dz < 3 * candidates["dz_error"])
    choices = [~charged, close, compatible, dz < 0.2]
    candidates["from_pv"] = np.select(choices, [1, 3, 3, 1], 0).astype(np.int8)
    candidates["pv_quality"] = np.select(choices, [1, 7, 5, 1], 0).astype(np.int8)


def event_density(candidates: Columns, num_events: int) -> np.ndarray:
    """Return rho in GeV: median transverse-momentum density of the cells of a 10 x 12 (eta, phi) grid in |eta| < 2.5."""
    num_eta, num_phi = _DENSITY_BINS
    inside = np.abs(candidates["eta"]) < 2.5
    eta_bin = ((candidates["eta"][inside] + 2.5) / 5 * num_eta).astype(np.int64)
    phi_bin = ((candidates["phi"][inside] + np.pi) / (2 * np.pi) * num_phi).astype(np.int64) % num_phi
    key = (candidates["event"][inside] * num_eta + eta_bin) * num_phi + phi_bin
    grid = np.bincount(key, weights=candidates["pt"][inside], minlength=num_events * num_eta * num_phi)
    area = (5 / num_eta) * (2 * np.pi / num_phi)
    return np.median(grid.reshape(num_events, -1), axis=1) / area


def puppi_weights(candidates: Columns, axes: tuple[np.ndarray, np.ndarray, np.ndarray], table: np.ndarray) -> np.ndarray:
    """Return a pile-up weight per candidate of each cone.

    Charged candidates have 1 (primary vertex) or 0. Neutral ones have the chi-squared probability of
    alpha = ln sum (pt/dR)^2 over the primary-vertex tracks with 0.02 < dR < 0.4.

    Args:
        candidates: ordered by event.
        axes: event, eta, phi of the cones.
        table: candidate rows of each cone [axes, k], padded with -1.
    """
    tracks = take(candidates, candidates["from_pv"] >= 2)
    if len(tracks["pt"]) == 0:
        return np.zeros(table.shape)
    near = neighbours(tracks, axes, 0.95, 48)
    valid, row = table >= 0, np.maximum(table, 0)
    eta, phi = candidates["eta"][row], candidates["phi"][row]
    distance2 = (eta[:, :, None] - tracks["eta"][near][:, None, :]) ** 2
    distance2 += delta_phi(phi[:, :, None], tracks["phi"][near][:, None, :]) ** 2
    counted = (distance2 < 0.4**2) & (distance2 > 0.02**2) & (near >= 0)[:, None, :]
    terms = np.where(counted, tracks["pt"][near][:, None, :] ** 2 / np.maximum(distance2, 0.02**2), 0)
    alpha = np.log(np.maximum(terms.sum(axis=-1), 1e-3))
    pull = np.maximum(alpha - _PUPPI_MEDIAN, 0) / _PUPPI_WIDTH
    neutral = chi2.cdf(pull**2, 1)
    return np.where(valid, np.where(candidates["charge"][row] != 0, candidates["from_pv"][row] >= 2, neutral), 0)
