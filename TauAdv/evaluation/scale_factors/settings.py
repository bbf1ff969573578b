"""How scale factors are measured."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import Settings

__all__ = ["METHODS", "Method", "ScaleFactorSettings"]

Method = Literal["subtraction", "template"]

METHODS: dict[Method, str] = {
    "subtraction": (
        "subtraction: genuine taus of data are data minus the other contributions, with and without the working point; "
        "the efficiency in data is their ratio, so that the yield of the bin does not matter"
    ),
    "template": (
        "template: genuine taus of data above the working point are data minus the other contributions; those before it are "
        "counted in the simulation, so that the scale factor holds yield and efficiency of the bin"
    ),
}
"""Method -> what it takes for the efficiency in data."""


_HIGHEST_PT = 14_000.0  # GeV; the energy of the LHC


class ScaleFactorSettings(Settings):
    """What is measured, and how.

    Attributes:
        against: backgrounds whose working points are measured.
        method: see :data:`METHODS`.
        decay_modes: those that are taken together.
        pt_edges: bins of pt in GeV; the last one has no upper end.
        normalise: scale all simulation together such that its total is that of data.
        min_expected: a bin needs so many expected genuine taus.
        batch_size: taus evaluated together.
    """

    against: Annotated[tuple[Literal["e", "mu", "jet"], ...], Field(min_length=1)] = ("jet",)
    method: Method = "subtraction"
    decay_modes: Annotated[tuple[Annotated[tuple[int, ...], Field(min_length=1)], ...], Field(min_length=1)] = (
        *((0,), (1,), (10,), (11,)),
    )
    pt_edges: Annotated[tuple[float, ...], Field(min_length=2)] = (20.0, 30.0, 40.0, 60.0, 100.0, 1000.0)
    normalise: bool = True
    min_expected: Annotated[float, Field(ge=0)] = 10.0
    batch_size: Annotated[int, Field(ge=1)] = 1000

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        if self.pt_edges[0] < 0 or self.pt_edges[-1] > _HIGHEST_PT:
            yield ("pt_edges",), f"pt_edges: expected GeV between 0 and {_HIGHEST_PT:g}, received {list(self.pt_edges)}"
        if any(low >= high for low, high in pairwise(self.pt_edges)):
            yield ("pt_edges",), f"pt_edges: expected rising edges, received {list(self.pt_edges)}"
        modes = [mode for group in self.decay_modes for mode in group]
        if len(set(modes)) < len(modes):
            yield ("decay_modes",), f"decay_modes: expected each decay mode once, received {modes}"

    @property
    def explanation(self) -> str:
        """Method and normalisation in words."""
        scaled = (
            "All simulation is scaled together to the total of data."
            if self.normalise
            else "Simulation is normalised by its weights alone."
        )
        return f"Method {METHODS[self.method]}. {scaled}"
