"""The progress of a training on the console."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from tqdm import tqdm

__all__ = ["EpochBar", "say"]

_SECONDS_BETWEEN_UPDATES = 1.0
_SHOWN = {"loss": "loss", "adv_loss": "adv loss", "adv_accuracy": "adv acc"}


def say(text: str) -> None:
    """Print a line, above a progress bar if there is one."""
    tqdm.write(text)


class EpochBar:
    """Progress bar of an epoch: rows done, rows per second, time left, present metrics.

    Args:
        title: what stands before the bar.
        n_rows: taus or jets of the whole epoch.
        done: those of it that are done already.
        metrics: called about once a second for the values to show.
        shown: whether there is a bar at all.
        unit: what is counted, ``tau`` or ``jet``.
    """

    def __init__(
        self,
        title: str,
        n_rows: int,
        done: int,
        metrics: Callable[[], Mapping[str, float]],
        *,
        shown: bool = True,
        unit: str = "tau",
    ) -> None:
        self._bar = tqdm(
            total=n_rows,
            initial=done,
            desc=title,
            unit=unit,
            unit_scale=True,
            mininterval=1.0,
            dynamic_ncols=True,
            disable=not shown,
        )
        self._metrics = metrics
        self._shown_at = 0.0

    def __enter__(self) -> EpochBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def update(self, n_rows: int, *, timed: bool = True) -> None:
        """Add taus or jets; those that are not timed took uncommonly long, and neither rate nor time left follow them."""
        now = time.monotonic()
        if now - self._shown_at > _SECONDS_BETWEEN_UPDATES:
            self._shown_at = now
            values = self._metrics()
            shown = {text: f"{values[name]:.4f}" for name, text in _SHOWN.items() if name in values}
            self._bar.set_postfix(shown, refresh=False)
        if timed or self._bar.disable:
            self._bar.update(n_rows)
            return
        self._bar.unpause()  # the clock resumes here
        for name in ("n", "initial", "last_print_n"):
            setattr(self._bar, name, getattr(self._bar, name) + n_rows)
        self._bar.refresh()
