"""Settings of the mixing: what goes in, how much of it in a batch, and which files come out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import Field, model_validator

from TauAdv.config import Settings

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
    dataset_id: int = Field(ge=0)
    per_batch: int = Field(ge=1)


class Output(Settings):
    """One mixed file: its name, and the number of batches in it."""

    file: str
    batches: int = Field(ge=1)


class MixingSettings(Settings):
    """Settings of the mixing.

    Attributes:
        contributions: in the order in which they follow each other in a batch.
        outputs: mixed files by name; no event is in two of them.
        tree: name of the tree.
        shuffle: draw events at random without repetition; ``False`` takes them in file order, each output going on where
            the one before stopped.
        seed: seed of the draw.
        allow_reuse: use taus again, within an output, where a contribution has too few.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        keep_events_together: with ``shuffle``, taus of one event (run, lumi, evt) of a contribution never go to two outputs.
        branches: branches to write; those that all contributions have if ``None``.
        segment_size: rows in memory together.
    """

    contributions: tuple[Contribution, ...] = Field(min_length=1)
    outputs: dict[str, Output] = Field(min_length=1)
    tree: str = "taus"
    shuffle: bool = True
    seed: int = Field(default=0, ge=0)
    allow_reuse: bool = False
    allow_duplicates: bool = False
    keep_events_together: bool = True
    branches: tuple[str, ...] | None = None
    segment_size: int = Field(default=10_000, ge=1)

    @model_validator(mode="after")
    def _unique(self) -> MixingSettings:
        """Refuse names, dataset ids and output files that occur twice."""
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
