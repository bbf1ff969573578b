"""Anti-kT jets of radius 0.4 by fastjet, from flat tables of candidates or particles."""

from __future__ import annotations

from contextlib import suppress
from types import ModuleType

import awkward as ak
import numpy as np

from TauAdv.errors import InputError
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.geometry import kinematics

__all__ = ["cluster"]

_RADIUS = 0.4


def _silence(fastjet: ModuleType) -> None:
    """Keep fastjet's banner out of the progress bars, where this version can."""
    with suppress(AttributeError):
        fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)


def cluster(event: np.ndarray, p4: np.ndarray, num_events: int, min_pt: float) -> Columns:
    """Return jets: event, pt, eta, phi, mass, ordered by event.

    Args:
        event: event of every constituent, ascending.
        p4: constituents [n, 4] as (px, py, pz, E).
        num_events: number of events.
        min_pt: of the jets.

    Raises:
        InputError: if fastjet is not installed.
    """
    try:
        import fastjet
    except ImportError as error:
        msg = "jet clustering needs fastjet: install the extra, pip install 'TauAdv[simulation]'"
        raise InputError(msg) from error
    _silence(fastjet)
    names = ("px", "py", "pz", "E")
    fields = {name: p4[:, axis].astype(np.float64) for axis, name in enumerate(names)}
    array = ak.unflatten(ak.zip(fields, with_name="Momentum4D"), np.bincount(event, minlength=num_events))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, _RADIUS)
    jets = fastjet.ClusterSequence(array, definition).inclusive_jets(min_pt)
    counts = ak.to_numpy(ak.num(jets.px))
    found = np.stack([ak.to_numpy(ak.flatten(jets[name])) for name in names], axis=-1).reshape(-1, 4)
    pt, eta, phi, mass = kinematics(found)
    return {"event": np.repeat(np.arange(num_events), counts), "pt": pt, "eta": eta, "phi": phi, "mass": mass}
