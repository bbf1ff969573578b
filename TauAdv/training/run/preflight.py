"""What can be checked before anything is read: all that is wrong is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from TauAdv.errors import InputError, TauAdvError
from TauAdv.runs.store import require_place
from TauAdv.training.run.inputs import open_set
from TauAdv.training.run.pretrained import locate_pretrained
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.data import SETS

__all__ = ["require_inputs"]


def require_inputs(settings: TrainingSettings, *, resumed: bool = False) -> None:
    """Check that all that the settings name is there.

    That is: sets of shards of the right kind, files, network, features, loss, and the run of the pretrained model.

    Args:
        settings: of the training.
        resumed: whether a run is resumed, which need not have its pretrained model any more.

    Raises:
        InputError: listing everything that is not.
    """
    require_place(settings.output.mlruns)
    problems = settings.missing_inputs()
    missing = {line.partition(":")[0] for line in problems}
    if resumed:
        problems = [f"{line}; if it was moved, give its place: {line.partition(':')[0]}=PATH" for line in problems]
    checks = [*_checks(settings), *([] if resumed or "model.pretrained.mlpath" in missing else _pretrained(settings))]
    for key, check in checks:
        if key not in missing:
            try:
                check()
            except TauAdvError as error:
                problems.append(f"{key}: {error}".replace("\n", "\n    "))
    if problems:
        number = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        msg = f"{number} with what the settings name:\n  " + "\n  ".join(problems)
        raise InputError(msg)


def _checks(settings: TrainingSettings) -> Iterator[tuple[str, Callable[[], Any]]]:
    for key in SETS:
        if (folder := getattr(settings.data, key, None)) is not None:
            kind = "adversarial" if key.startswith("adv_") else "classification"
            yield f"data.{key}", partial(open_set, folder, kind, settings.spec.rows)
    if (network := settings.model.network) is not None:
        yield "model.network", lambda: settings.spec.load_network(network)
    yield "data.features", settings.data.feature_table
    yield "model.loss", lambda: settings.spec.objective(settings)


def _pretrained(settings: TrainingSettings) -> Iterator[tuple[str, Callable[[], Any]]]:
    source = settings.model.pretrained
    if source is not None and source.run_id is not None:
        yield "model.pretrained.run_id", lambda: locate_pretrained(source, settings.output.mlruns)
