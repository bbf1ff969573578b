"""Plots of losses, saved: history of trainings, and surface over two inputs of a jet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from TauAdv.io.file_names import file_name
from TauAdv.plotting.losses.history import plot_history
from TauAdv.plotting.losses.surface import plot_surface
from TauAdv.plotting.style import save_figure

__all__ = ["save_loss_history", "save_loss_surface"]


def save_loss_history(history: pd.DataFrame, folder: Path, metrics: Sequence[str] | None = None) -> list[Path]:
    """Save the losses per epoch (columns run, metric, epoch, value) as PDF and PNG; return the paths.

    Args:
        history: of the runs.
        folder: where the plots go.
        metrics: those to draw; default: see :func:`TauAdv.plotting.losses.history.plot_history`.
    """
    return save_figure(plot_history(history, metrics), folder, "loss_history")


def save_loss_surface(surface: Any, folder: Path, row: int) -> list[Path]:
    """Save the loss of one jet over two of its inputs as PDF and PNG; return the paths.

    Args:
        surface: with the axes ``x``, ``y`` (name, label, values, value, eps), ``loss`` [y, x], ``here`` and ``title``.
        folder: where the plots go.
        row: number of the jet, part of the files' names.
    """
    name = file_name("loss_surface", surface.x.name, surface.y.name, str(row))
    return save_figure(plot_surface(surface), folder, name)
