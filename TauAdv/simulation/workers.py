"""Worker processes, and the start-up test of the installed Pythia: what every simulation step runs with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from TauAdv.io.processes.shared_work import OrderedMap, ordered_map
from TauAdv.simulation.cache import Chunk, missing_chunks
from TauAdv.simulation.generator import VertexAccess, vertex_access
from TauAdv.simulation.processes import MINIMUM_BIAS, pythia_settings

__all__ = ["access_for", "workers"]


@contextmanager
def workers(number: int) -> Iterator[OrderedMap]:
    """Yield an ordered map over processes, of which this one is one."""
    with threadpool_limits(1), ordered_map(number) as run:  # the products are small: a second thread would only wait
        yield run


def access_for(chunks: Sequence[Chunk], cache: Path) -> VertexAccess:
    """Return how to read vertices: tested against the installed Pythia if any chunk is still to be generated."""
    if not missing_chunks(chunks, cache):
        return "shifted"
    return vertex_access(pythia_settings(MINIMUM_BIAS))
