"""Settings of the pT weights: the processes of a mixed file and the spectrum that each shall get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from TauAdv.config import Settings
from TauAdv.domain.contributions.agreement import Statement, decisive
from TauAdv.domain.contributions.contribution import DatasetId, NamedContribution
from TauAdv.domain.contributions.control_region import ControlRegion, NamedRegion, Target
from TauAdv.production.spectrum import EVENT_DROP_EDGES

__all__ = ["Process", "PtWeightsSettings"]


class Process(Settings):
    """One contribution of the mixed file.

    Attributes:
        name: key of its histogram of weights.
        dataset_id: what its taus carry.
        target: histogram in the target file with its wanted spectrum, ``REGION/PROCESS``.
        fraction: without a target, its share of the data spectrum.
        data: whether it is data; default: the one with dataset_id 0 is.
    """

    name: str
    dataset_id: DatasetId
    target: str | None = None
    fraction: float | None = Field(default=None, gt=0)
    data: bool | None = None

    @property
    def is_data(self) -> bool:
        """Whether it is data, which has weight 1."""
        return self.dataset_id == 0 if self.data is None else self.data

    @model_validator(mode="after")
    def _one_target(self) -> Process:
        if not self.is_data and (self.target is None) == (self.fraction is None):
            msg = f"{self.name}: give either target (a histogram) or fraction (of the data spectrum)"
            raise ValueError(msg)
        return self


def _of_region(given: Mapping[str, Any]) -> tuple[Process, ...]:
    """Return the processes of a control region that was given before them."""
    region = given.get("control_region")
    return () if region is None else _processes(region)


def _processes(region: ControlRegion) -> tuple[Process, ...]:
    none = {"target": None, "fraction": None}
    wanted: Mapping[str, Target] = region.targets
    return tuple(
        Process(
            name=entry.name,
            dataset_id=entry.dataset_id,
            data=entry.data,
            **(wanted[entry.name].model_dump() if entry.name in wanted else none),
        )
        for entry in sorted(region.contributions, key=lambda entry: entry.dataset_id)
    )


class PtWeightsSettings(Settings):
    """Settings of the pT weights.

    Attributes:
        control_region: file of the control region, or its content.
        processes: contributions; they follow from the control region.
        edges: pt bins in GeV.
        rebin: sum finer bins of a target into ``edges`` where the edges allow it.
        weights: branch of event weights of the simulation. The weight of a tau is then its event weight times the content
            of the histogram.
        allow_negative: take negative event weights (bins whose weights sum to 0 or less count as empty) and negative bins
            of a target (which count as 0).
        allow_duplicates: take a file again that is given under another name, or as a copy.
        tree: name of the tree.
    """

    from_own_folder = ("control_region",)

    control_region: NamedRegion | None = None
    processes: tuple[Process, ...] = Field(default_factory=_of_region)
    edges: tuple[float, ...] = EVENT_DROP_EDGES
    rebin: bool = False
    weights: str | None = None
    allow_negative: bool = False
    allow_duplicates: bool = False
    tree: str = "taus"

    @field_validator("control_region")
    @classmethod
    def _has_targets(cls, region: ControlRegion | None) -> ControlRegion | None:
        if region is not None and not region.targets:
            msg = "says nothing of pT weights; write there 'targets:' with a fraction or target for each simulation"
            raise ValueError(msg)
        return region

    @model_validator(mode="after")
    def _check(self) -> PtWeightsSettings:
        if not self.processes:
            msg = "control_region: required, but not given; it names the file of the contributions and their targets"
            raise ValueError(msg)
        if self.control_region is not None:
            wanted = {process.name: process for process in _processes(self.control_region)}
            given = {process.name: process for process in self.processes}
            if differing := [name for name in wanted | given if not _same(wanted.get(name), given.get(name))]:
                names = ", ".join(differing)
                msg = f"processes: not those of control_region ({names}); leave them out, they are taken from there"
                raise ValueError(msg)
        for values in ([entry.name for entry in self.processes], [entry.dataset_id for entry in self.processes]):
            if len(set(values)) != len(values):
                msg = f"each name and dataset_id of the processes may occur once; received {values}"
                raise ValueError(msg)
        if sum(entry.is_data for entry in self.processes) != 1 or len(self.processes) == 1:
            msg = "processes: needs data (dataset_id 0) and at least one process of simulation"
            raise ValueError(msg)
        return self

    @property
    def data(self) -> str:
        """Name of the data."""
        return next(entry.name for entry in self.processes if entry.is_data)

    @property
    def statement(self) -> Statement:
        """What is said of the contributions; not their labels and colours without a control region."""
        if self.control_region is not None:
            return self.control_region.statement
        named = [
            NamedContribution(name=entry.name, dataset_id=entry.dataset_id, data=entry.is_data) for entry in self.processes
        ]
        return Statement("'processes' of the settings", named)

    def record(self) -> dict[str, Any]:
        """Return what decides the weights, and the meaning of the dataset ids."""
        content = self.model_dump(mode="json", exclude={"control_region"})
        return content if self.control_region is None else content | decisive(self.control_region.contributions)


def _same(one: Process | None, other: Process | None) -> bool:
    if one is None or other is None:
        return False
    return one.model_copy(update={"data": one.is_data}) == other.model_copy(update={"data": other.is_data})
