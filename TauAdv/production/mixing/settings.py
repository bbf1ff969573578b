"""Settings of the mixing: what goes in, how much of it in a batch, and which files come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from TauAdv.config import Settings
from TauAdv.config.paths import FileName
from TauAdv.domain.contributions.agreement import Statement, decisive
from TauAdv.domain.contributions.contribution import DatasetId, NamedContribution
from TauAdv.domain.contributions.control_region import ControlRegion, NamedRegion

__all__ = ["Contribution", "MixingSettings", "Output"]


class Contribution(Settings):
    """One kind of taus in the mix.

    Attributes:
        name: how messages and manifests call it.
        files: file, folder, glob, list, or several of these; relative names start from the input folder.
        dataset_id: number written to the branch ``dataset_id``.
        per_batch: taus of it in a batch.
    """

    name: str
    files: str | tuple[str, ...]
    dataset_id: DatasetId
    per_batch: int = Field(ge=1)


class Output(Settings):
    """One mixed file: its name, and the number of batches in it."""

    file: FileName
    batches: int = Field(ge=1)


def _of_region(given: Mapping[str, Any]) -> tuple[Contribution, ...]:
    """Return the contributions of a control region that was given before them."""
    region = given.get("control_region")
    return () if region is None else _mixed(region)


def _mixed(region: ControlRegion) -> tuple[Contribution, ...]:
    ids = {entry.name: entry.dataset_id for entry in region.contributions}
    return tuple(
        Contribution(name=name, dataset_id=ids[name], files=entry.files, per_batch=entry.per_batch)
        for name, entry in region.mixing.items()
    )


class MixingSettings(Settings):
    """Settings of the mixing.

    Attributes:
        control_region: file of the control region, or its content; the mixed files carry on what it says.
        contributions: in the order in which they follow each other in a batch; follows from the control region. Without one,
            the mixed files do not say what their taus are, and every later step must be given it.
        outputs: mixed files by name; no event is in two of them.
        tree: name of the tree.
        shuffle: draw events at random without repetition; ``False`` takes them in file order, each output continuing where
            the one before stopped.
        seed: seed of the draw.
        allow_reuse: use taus again, within an output, where a contribution has too few.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        keep_events_together: with ``shuffle``, taus of one event (run, lumi, evt) of a contribution never go to two outputs.
        branches: branches to write; those that all contributions have if ``None``.
        segment_size: rows in memory together.
    """

    from_own_folder = ("control_region",)

    control_region: NamedRegion | None = None
    contributions: tuple[Contribution, ...] = Field(default_factory=_of_region)
    outputs: dict[str, Output] = Field(min_length=1)
    tree: str = "taus"
    shuffle: bool = True
    seed: int = Field(default=0, ge=0)
    allow_reuse: bool = False
    allow_duplicates: bool = False
    keep_events_together: bool = True
    branches: tuple[str, ...] | None = None
    segment_size: int = Field(default=10_000, ge=1)

    @field_validator("control_region")
    @classmethod
    def _can_be_mixed(cls, region: ControlRegion | None) -> ControlRegion | None:
        if region is not None and not region.mixing:
            msg = "says nothing of the mixing; write there 'mixing:' with files and per_batch of each contribution"
            raise ValueError(msg)
        return region

    @model_validator(mode="after")
    def _consistent(self) -> MixingSettings:
        """Refuse no contributions, others than those of the control region, and what occurs twice."""
        if not self.contributions:
            msg = "control_region: required, but not given; it names the file of the contributions"
            raise ValueError(msg)
        if self.control_region is not None and self.contributions != (wanted := _mixed(self.control_region)):
            differing = [entry.name for entry in self.contributions if entry not in wanted] or ["their order or number"]
            msg = (
                f"contributions: not those of control_region ({', '.join(differing)}); leave them out, they "
                "are taken from there"
            )
            raise ValueError(msg)
        lists: dict[str, list[Any]] = {
            "name": [entry.name for entry in self.contributions],
            "dataset_id": [entry.dataset_id for entry in self.contributions],
            "output file": [output.file for output in self.outputs.values()],
        }
        for what, values in lists.items():
            if twice := [value for value, count in Counter(values).items() if count > 1]:
                msg = f"each {what} may occur once; twice: {twice}"
                raise ValueError(msg)
        return self

    @property
    def statement(self) -> Statement:
        """What is said of the contributions; names and numbers only without a control region."""
        if self.control_region is not None:
            return self.control_region.statement
        named = [NamedContribution(name=entry.name, dataset_id=entry.dataset_id) for entry in self.contributions]
        return Statement("the settings of the mixing", named)

    def record(self) -> dict[str, Any]:
        """Return what decides the content of the outputs, and the meaning of their dataset ids."""
        content = self.model_dump(mode="json", exclude={"control_region", "segment_size"})
        return content if self.control_region is None else content | decisive(self.control_region.contributions)
