"""How the performance of taggers is measured: bins, backgrounds, and what is required."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.config import Settings

__all__ = ["Bin", "PerformanceSettings"]

Background = Literal["e", "mu", "jet"]
Range = tuple[float, float]


class Bin(Settings):
    """A range of pt and abs(eta), upper ends excluded, and the decay modes in it.

    Attributes:
        pt: in GeV.
        abs_eta: range of abs(eta).
        decay_modes: of the reconstructed tau.
    """

    pt: Range
    abs_eta: Range
    decay_modes: tuple[int, ...]

    def __str__(self) -> str:
        modes = ", ".join(map(str, self.decay_modes))
        return f"pt {_range(self.pt)} GeV, abs(eta) {_range(self.abs_eta)}, decay mode {modes}"


def _range(ends: Range) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"


class PerformanceSettings(Settings):
    """What is measured.

    Attributes:
        against: backgrounds.
        pt_bins: ranges of pt in GeV, upper ends excluded.
        abs_eta_bins: ranges of abs(eta).
        decay_mode_bins: decay modes that are taken together.
        require: background -> working point that candidates must pass when taus are told from another background.
        weighted: count candidates with their weights (``False``: every candidate counts 1).
        period: year and energy, for the label of the plots.
        batch_size: candidates evaluated together.
    """

    against: Annotated[tuple[Background, ...], Field(min_length=1)] = ("e", "mu", "jet")
    pt_bins: Annotated[tuple[Range, ...], Field(min_length=1)] = ((20.0, 100.0), (100.0, 1000.0))
    abs_eta_bins: Annotated[tuple[Range, ...], Field(min_length=1)] = ((0.0, 2.5),)
    decay_mode_bins: Annotated[tuple[Annotated[tuple[int, ...], Field(min_length=1)], ...], Field(min_length=1)] = (
        (0, 1, 2, 10, 11),
    )
    require: dict[Background, str] = {}
    weighted: bool = True
    period: str = ""
    batch_size: Annotated[int, Field(ge=1)] = 1000

    @property
    def bins(self) -> list[Bin]:
        """All bins."""
        return [
            Bin(pt=pt, abs_eta=abs_eta, decay_modes=modes)
            for modes in self.decay_mode_bins
            for abs_eta in self.abs_eta_bins
            for pt in self.pt_bins
        ]

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        for key in ("pt_bins", "abs_eta_bins"):
            if wrong := [list(ends) for ends in getattr(self, key) if not ends[0] < ends[1]]:
                yield (key,), f"{key}: expected rising ranges, received {wrong[0]}"
