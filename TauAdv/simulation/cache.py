"""Generator events on disk, in chunks: generated once, then read by every run with other detector settings.

A chunk is one ``.npz`` file whose folder name holds process, seed and a digest of all Pythia settings; it is written under a
temporary name and renamed, so a killed run leaves whole chunks only and the next run continues with the missing ones. Each
file carries a checksum of its content and its name: one that is damaged, or was exchanged with another, is generated again.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from TauAdv.errors import InputError, InputWarning
from TauAdv.io.array_files import load_arrays, save_arrays
from TauAdv.io.locks import output_lock
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.generator import VertexAccess, generate
from TauAdv.simulation.processes import pythia_settings
from TauAdv.simulation.truth import TAU_EVENTS, KeptOfEvents

__all__ = ["Chunk", "chunks_of", "generator_seed", "load_events", "missing_chunks"]

#: To be raised when the content of the reduced events changes.
_FORMAT = 1


@dataclass(frozen=True)
class Chunk:
    """One cache file: ``events`` events of a process, the ``number``-th chunk of its sample, ``extra`` Pythia settings.

    ``content`` says what is kept of them.
    """

    process: str
    seed: int
    number: int
    events: int
    extra: tuple[str, ...] = ()
    content: KeptOfEvents = TAU_EVENTS

    @property
    def pythia(self) -> tuple[str, ...]:
        """Return all Pythia settings, seed excepted."""
        return pythia_settings(self.process, self.extra)

    @property
    def name(self) -> str:
        """Path of the cache file below the cache folder."""
        try:
            generator = version("pythia8mc")
        except PackageNotFoundError:  # cached events can be read without the generator
            generator = "any"
        key = json.dumps([_FORMAT, generator, self.pythia, self.seed, self.events, *self.content.mark])
        digest = hashlib.sha256(key.encode()).hexdigest()[:10]
        return f"{self.process}_seed{self.seed}_{digest}/chunk_{self.number:04d}.npz"


def chunks_of(
    process: str,
    seed: int,
    events: int,
    chunk_events: int,
    extra: tuple[str, ...] = (),
    content: KeptOfEvents = TAU_EVENTS,
) -> list[Chunk]:
    """Return the chunks that hold ``events`` events; the last one may be smaller."""
    sizes = [chunk_events] * (events // chunk_events) + [events % chunk_events] * (events % chunk_events > 0)
    return [Chunk(process, seed, number, size, extra, content) for number, size in enumerate(sizes)]


def generator_seed(chunk: Chunk) -> int:
    """Return Pythia's seed (1 to 900 000 000) of a chunk: a function of process, sample seed and chunk number."""
    digest = hashlib.sha256(f"{chunk.process}/{chunk.seed}/{chunk.number}".encode()).digest()
    return 1 + int.from_bytes(digest[:8], "little") % 899_999_999


def _read(path: Path, owner: str, *, say: bool = True) -> Columns | None:
    """Return the arrays of a file, ``None`` if it is absent or damaged; warns of the latter."""
    try:
        return load_arrays(path, owner)
    except FileNotFoundError:
        return None
    except InputError as error:
        if say:
            warnings.warn(f"{error}; its events are generated again", InputWarning, stacklevel=3)
        return None


def missing_chunks(chunks: Iterable[Chunk], cache: Path | str) -> list[Chunk]:
    """Return the chunks that are to be generated, as they are absent or damaged; warns of the latter."""
    return [chunk for chunk in chunks if _read(Path(cache) / chunk.name, chunk.name) is None]


def _table(stored: Columns, name: str) -> Columns:
    """Return the columns of one table, which are stored as ``table:column``."""
    return {key.split(":")[1]: values for key, values in stored.items() if key.startswith(f"{name}:")}


def load_events(chunk: Chunk, cache: Path | str, access: VertexAccess = "shifted") -> tuple[list[Columns], bool]:
    """Return the tables of a chunk, generating (and storing) them if they are not cached; once, of runs at the same time.

    Returns:
        The tables of the chunk's content, and whether they came from the cache.
    """
    path = Path(cache) / chunk.name
    content = chunk.content
    stored = _read(path, chunk.name)
    if stored is None:
        with output_lock(path, wait=True):
            stored = _read(path, chunk.name, say=False)  # another run may have made it meanwhile
            if stored is None:
                tables = generate(chunk.pythia, chunk.events, generator_seed(chunk), content.reduce, access)
                _write(path, chunk.name, dict(zip(content.tables, tables, strict=True)))
                return tables, False
    return [_table(stored, name) for name in content.tables], True


def _write(path: Path, owner: str, tables: dict[str, Columns]) -> None:
    columns = {f"{name}:{key}": values for name, table in tables.items() for key, values in table.items()}
    save_arrays(path, columns, owner, compressed=True)
