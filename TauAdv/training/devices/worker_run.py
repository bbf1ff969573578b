"""The run as seen by the workers that do not write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from TauAdv.runs import Run
from TauAdv.training.devices.devices import Devices

__all__ = ["FollowedRun", "shared_run"]


class FollowedRun:
    """A run that the chief writes: knows where it is, and keeps nothing.

    Args:
        place: ``id``, ``name``, ``artifacts``, ``mlpath`` of the run.
    """

    def __init__(self, place: Mapping[str, str]) -> None:
        self.id, self.name = place["id"], place["name"]
        self.artifacts, self.mlpath = Path(place["artifacts"]), Path(place["mlpath"])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Leave it to the chief."""

    def log_tags(self, tags: Mapping[str, str]) -> None:
        """Leave it to the chief."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Leave it to the chief."""

    def log_text(self, text: str, path: str, *, checked: bool = False) -> Path:
        """Leave it to the chief; return the path of the file."""
        return self.artifacts / path

    def drop_metrics(self, after_step: int, prefix: str = "", *, except_prefix: str | Sequence[str] = ()) -> None:
        """Leave it to the chief."""

    def flush(self) -> None:
        """Leave it to the chief."""


@contextmanager
def shared_run(devices: Devices, opened: AbstractContextManager[Run]) -> Iterator[Any]:
    """Open a run on the chief, and tell the other workers where it is.

    Args:
        devices: of the training.
        opened: the run, which only the chief opens.
    """
    if not devices.is_chief:
        yield FollowedRun(json.loads(devices.text_of_chief("")))
        return
    with opened as run:
        place = {"id": run.id, "name": run.name, "artifacts": str(run.artifacts), "mlpath": str(run.mlpath)}
        devices.text_of_chief(json.dumps(place))
        yield run
