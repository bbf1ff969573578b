"""Settings of simulated jets."""

from __future__ import annotations

from pydantic import Field, field_validator

from TauAdv.config import Settings
from TauAdv.domain.classes import JetClass
from TauAdv.simulation.settings import DetectorSettings, known_processes, known_settings

__all__ = ["JetSimulationSettings"]


class JetSimulationSettings(Settings):
    """Everything that decides the content of a file of simulated jets."""

    seed: int = Field(default=2022, ge=0, description="of the generator")
    detector_seed: int = Field(default=37, ge=0, description="of the detector")
    chunk_events: int = Field(default=500, ge=1, description="events per cache file, the grain of resuming")
    events: dict[str, int] = Field(default_factory=dict, description="generated events per process")
    pythia: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="further Pythia settings per process")
    min_pt: float = Field(default=20.0, ge=5, description="of the jets in GeV")
    max_jets: dict[JetClass, int] = Field(default_factory=dict, description="jets kept of a flavour; default: all")
    detector: DetectorSettings = DetectorSettings(pileup=0.0)

    _processes = field_validator("events")(known_processes)
    _generator = field_validator("pythia")(known_settings)

    @field_validator("max_jets")
    @classmethod
    def _not_negative(cls, numbers: dict[str, int]) -> dict[str, int]:
        if any(number < 0 for number in numbers.values()):
            msg = f"expected numbers of jets >= 0, received {numbers}"
            raise ValueError(msg)
        return numbers

    @field_validator("detector", mode="before")
    @classmethod
    def _without_pileup(cls, detector: object) -> object:
        if isinstance(detector, dict):
            detector = {"pileup": 0.0} | detector
        return detector

    @field_validator("detector")
    @classmethod
    def _no_pileup(cls, detector: DetectorSettings) -> DetectorSettings:
        if detector.pileup != 0:
            msg = f"jets are simulated without pile-up: expected pileup 0, received {detector.pileup}"
            raise ValueError(msg)
        return detector
