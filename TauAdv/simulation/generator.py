"""Pythia 8 events as flat arrays, with the production vertices of ``nextBatch`` repaired.

``Pythia.nextBatch`` of pythia8mc 8.317.0 returns right momenta and identities, but its production vertices belong to other
particles: the vertex index of event k is shifted by k + 1 entries. :func:`vertex_access` compares batch and scalar access on
five events at start-up and says how vertices are to be read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import awkward as ak
import numpy as np

from TauAdv.errors import InputError
from TauAdv.simulation.columns import Columns, concatenate, num_rows, take

__all__ = ["VertexAccess", "generate", "new_pythia", "vertex_access"]

VertexAccess = Literal["direct", "shifted", "scalar"]

_BATCH = 250
_SELF_TEST_EVENTS = 5


def new_pythia(settings: Sequence[str], seed: int) -> Any:
    """Return an initialised Pythia generator.

    Args:
        settings: lines as in a Pythia command file.
        seed: 1 to 900 000 000.

    Raises:
        InputError: if pythia8mc is not installed, or Pythia refuses a setting.
    """
    try:
        import pythia8mc
    except ImportError as error:
        msg = "event generation needs pythia8mc and fastjet: install the extra, pip install 'TauAdv[simulation]'"
        raise InputError(msg) from error
    pythia = pythia8mc.Pythia("", False)
    for line in [*settings, "Random:setSeed = on", f"Random:seed = {seed}"]:
        if not pythia.readString(line):
            msg = f"Pythia does not accept the setting '{line}'"
            raise InputError(msg)
    if not pythia.init():
        msg = f"Pythia cannot be initialised with the settings: {'; '.join(settings)}"
        raise InputError(msg)
    return pythia


def _flat(values: ak.Array) -> np.ndarray:
    return ak.to_numpy(ak.flatten(values))


def _batch_vertices(particles: ak.Array, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices [n, 3] in mm, and per event whether all of them are known.

    ``shift`` = 1: the index of flat particle i of event k stands at i + k + 1; the last entries of a batch are lost.
    """
    counts = ak.to_numpy(ak.num(particles.id))
    option = particles.vProd.layout.to_ListOffsetArray64(True).content
    index = np.asarray(option.index.data)
    number = np.repeat(np.arange(len(counts)), counts)
    entry = np.arange(counts.sum()) + shift * (number + 1)
    known = entry < len(index)
    row = np.where(known, index[np.minimum(entry, len(index) - 1)], -1)
    coordinates = [np.asarray(ak.to_numpy(ak.Array(option.content[axis]))) for axis in ("px", "py", "pz")]
    vertices = np.zeros((len(row), 3))
    for axis, values in enumerate(coordinates):
        vertices[row >= 0, axis] = values[row[row >= 0]]
    return vertices, np.bincount(number, weights=~known, minlength=len(counts)) == 0


def _batch_record(batch: ak.Array, shift: int) -> Columns:
    """Return the event record of a batch; events whose vertices are not all known are left out."""
    particles = batch.prt
    counts = ak.to_numpy(ak.num(particles.id))
    event = np.repeat(np.arange(len(counts)), counts)
    start = np.repeat(np.cumsum(counts) - counts, counts)
    vertices, complete = _batch_vertices(particles, shift)
    mother = _flat(particles.mother1)
    record = {
        "event": event,
        "pdg_id": _flat(particles.id),
        "status": _flat(particles.status),
        "mother": np.where(mother > 0, mother + start, -1),
        **{name: _flat(particles.p[name]) for name in ("px", "py", "pz")},
        "energy": _flat(particles.p["e"]),
        **{name: vertices[:, axis] for axis, name in enumerate(("vx", "vy", "vz"))},
    }
    # incomplete events are at the end of a batch: the rows before them, and their mothers, keep their numbers
    last = np.argmin(complete) if not complete.all() else len(complete)
    return take(record, np.arange(counts[:last].sum()))


def _scalar_record(pythia: Any, num_events: int) -> Columns:
    """Return the same record as :func:`_batch_record`, read particle by particle."""
    names = ("event", "pdg_id", "status", "mother", "px", "py", "pz", "energy", "vx", "vy", "vz")
    rows: list[tuple[float, ...]] = []
    for number in range(num_events):
        while not pythia.next():
            pass
        start = len(rows)
        for i in range(pythia.event.size()):
            p = pythia.event[i]
            mother = p.mother1() + start if p.mother1() > 0 else -1
            vertex = (p.xProd(), p.yProd(), p.zProd())
            rows.append((number, p.id(), p.status(), mother, p.px(), p.py(), p.pz(), p.e(), *vertex))
    integers = names[:4]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(names)).T
    return {
        name: values.astype(np.int64) if name in integers else values for name, values in zip(names, columns, strict=True)
    }


def vertex_access(settings: Sequence[str], seed: int = 1, events: int = _SELF_TEST_EVENTS) -> VertexAccess:
    """Return how the installed Pythia's batches give the right production vertices.

    Generates the same events twice, in one batch and one by one, and compares every particle. Warns when neither way of
    reading the batch is right and the slower access particle by particle is needed.
    """
    batch = new_pythia(settings, seed).nextBatch(events)
    expected = _scalar_record(new_pythia(settings, seed), events)
    choices: tuple[tuple[VertexAccess, int], ...] = (("direct", 0), ("shifted", 1))
    for access, shift in choices:
        found = _batch_record(batch, shift)
        rows = num_rows(found)
        if rows > 0 and all(np.array_equal(values, expected[name][:rows]) for name, values in found.items()):
            return access
    warnings.warn("batches of this Pythia version have wrong vertices: using the slower scalar access", stacklevel=2)
    return "scalar"


def generate(
    settings: Sequence[str],
    num_events: int,
    seed: int,
    reduce: Callable[[Columns], list[Columns]],
    access: VertexAccess = "shifted",
) -> list[Columns]:
    """Generate events and reduce them batch by batch.

    Args:
        settings: of Pythia, see :func:`TauAdv.simulation.processes.pythia_settings`.
        num_events: exactly so many events are returned.
        seed: of Pythia.
        reduce: turns an event record (columns event, pdg_id, status, mother (row, -1 none), px, py, pz, energy (GeV), vx,
            vy, vz (mm), one row a particle) into tables; each must have a column ``event``.
        access: from :func:`vertex_access`.

    Returns:
        The tables of ``reduce``, batches joined; their column ``event`` counts from 0.
    """
    pythia = new_pythia(settings, seed)
    parts: list[list[Columns]] = []
    done = 0
    while done < num_events:
        wanted = min(_BATCH, num_events - done)
        if access == "scalar":
            record = _scalar_record(pythia, wanted)
        else:
            record = _batch_record(pythia.nextBatch(wanted + (access == "shifted")), int(access == "shifted"))
        if num_rows(record) == 0:
            continue
        record = take(record, record["event"] < wanted)
        tables = reduce(record)
        for table in tables:
            table["event"] = table["event"] + done
        parts.append(tables)
        done += int(record["event"][-1]) + 1
    return [concatenate(tables) for tables in zip(*parts, strict=True)]
