"""Settings of the simulation: what is generated, by which seeds, and how the detector responds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, field_validator

from TauAdv.config import Settings
from TauAdv.domain.classes import TauClass
from TauAdv.errors import nearest
from TauAdv.simulation.processes import PROCESSES

TrueClass = TauClass | Literal["none"]

__all__ = [
    "DetectorSettings",
    "PseudodataSettings",
    "SimulationSettings",
    "WriterSettings",
    "known_processes",
    "known_settings",
]


class DetectorSettings(Settings):
    """Factors on the nominal response of the detector (1 = nominal), and the pile-up."""

    pileup: float = Field(default=15.0, ge=0, le=100, description="mean number of pile-up interactions per event")
    track_efficiency: float = Field(default=1.0, gt=0, le=1)
    track_pt_resolution: float = Field(default=1.0, ge=0)
    track_pt_scale: float = Field(default=1.0, gt=0)
    ip_resolution: float = Field(default=1.0, ge=0, description="dxy and dz; the reported errors stay nominal")
    em_scale: float = Field(default=1.0, gt=0, description="energy of photons and electrons")
    em_resolution: float = Field(default=1.0, ge=0)
    hadron_scale: float = Field(
        default=1.0, gt=0, description="energy of neutral hadrons, calorimeter energy of charged ones"
    )
    electron_id: float = Field(default=1.0, ge=0, le=1, description="probability of particle-flow electron identification")


def _check_processes(names: Iterable[str]) -> None:
    for name in names:
        if name not in PROCESSES:
            msg = f"unknown process '{name}'{nearest(name, list(PROCESSES))}; known: {', '.join(PROCESSES)}"
            raise ValueError(msg)


def known_settings(by_process: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return settings per process; a process that is not known raises ``ValueError``."""
    _check_processes(by_process)
    return by_process


def known_processes(events: dict[str, int]) -> dict[str, int]:
    """Return numbers of events per process; an unknown process or a negative number raises ``ValueError``."""
    _check_processes(events)
    for name, number in events.items():
        if number < 0:
            msg = f"process '{name}': expected a number of events >= 0, received {number}"
            raise ValueError(msg)
    return events


class PseudodataSettings(Settings):
    """Events that stand in for recorded data: no generator information but ``sim_trueType`` and ``sim_process``."""

    events: dict[str, int] = Field(default_factory=dict, description="generated events per process")
    seed: int = Field(default=9021, ge=0, description="of the generator; must differ from the seed of the simulated samples")
    pythia: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="further Pythia settings per process")
    detector: DetectorSettings = DetectorSettings()
    keep: dict[str, tuple[TrueClass, ...]] = Field(
        default_factory=dict, description="true classes kept of a process; all where it is not named"
    )

    _processes = field_validator("events")(known_processes)
    _generator = field_validator("pythia", "keep")(known_settings)


class WriterSettings(Settings):
    """How the ROOT files are written."""

    format: Literal["ttree", "rntuple"] = "ttree"
    compression: Literal["zstd", "lzma", "lz4", "zlib"] = "zstd"
    level: int = Field(default=5, ge=1, le=9)
    mantissa_bits: int | None = Field(default=None, ge=6, le=23, description="round floats to so many bits (smaller files)")


class SimulationSettings(Settings):
    """Everything that decides the content of the simulated tuples."""

    seed: int = Field(default=2017, ge=0, description="of the generator, for the simulated samples")
    detector_seed: int = Field(default=31, ge=0, description="of detector and pile-up, for all samples")
    chunk_events: int = Field(default=500, ge=1, description="events per cache file, the grain of resuming")
    minbias_events: int = Field(default=2500, ge=1, description="size of the pile-up library")
    events: dict[str, int] = Field(default_factory=dict, description="generated events per simulated process")
    pythia: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="further Pythia settings per process")
    detector: DetectorSettings = DetectorSettings()
    pseudodata: PseudodataSettings = PseudodataSettings()
    writer: WriterSettings = WriterSettings()

    _processes = field_validator("events")(known_processes)
    _generator = field_validator("pythia")(known_settings)
