"""What steps ask of an input, whatever its format: which files it is, its rows in order, and what manifests record of it.

Tau tuples (:class:`TauAdv.tuples.sources.TupleSource`) and extracted jets are sources. These are protocols: a class needs no
base class to be one, only these members.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["STEP_SIZE", "Source"]

STEP_SIZE = 20_000
"""Rows in memory at once, unless a step asks for another number."""

Rows_co = TypeVar("Rows_co", covariant=True)


@runtime_checkable
class Source(Protocol[Rows_co]):
    """An input of rows that may be larger than memory."""

    @property
    def files(self) -> Sequence[Path]:
        """The files, in the order of their rows."""
        ...

    @property
    def num_entries(self) -> int:
        """Rows of all files together."""
        ...

    @property
    def column_names(self) -> Sequence[str]:
        """Names of the columns (of tuples: branches)."""
        ...

    def identity(self) -> list[dict[str, Any]]:
        """What manifests record of it (:func:`TauAdv.io.manifests.manifest.describe_input`)."""
        ...

    def iterate(self, names: Sequence[str] | None = None, /, step_size: int = STEP_SIZE) -> Iterator[Rows_co]:
        """Yield all rows in order, at most ``step_size`` at a time.

        Args:
            names: columns to read; all if ``None``.
            step_size: most rows in memory at once.

        Raises:
            InputError: if columns are missing, or a file is damaged.
        """
        ...
