"""Metrics for TensorBoard, beside those of MLflow.

TensorFlow writes the event files by itself; only to look at them is the package ``tensorboard`` needed, which does not come
with TauAdv: ``pip install tensorboard``, then ``tensorboard --logdir mlruns``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

__all__ = ["EventLog"]


class EventLog:
    """Event file of a run.

    Args:
        folder: where it goes; a resumed run adds another file.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._metadata = tf.compat.v1.SummaryMetadata()
        self._metadata.plugin_data.plugin_name = "scalars"
        self._metadata.data_class = 1  # scalars: what tf.summary.scalar, part of the package tensorboard, declares

    def add(self, metrics: Mapping[str, float], step: int) -> None:
        """Add values of metrics at a step."""
        with self._writer.as_default():
            for name, value in metrics.items():
                tf.summary.write(name, tf.constant(value, tf.float32), step=step, metadata=self._metadata)

    def flush(self) -> None:
        """Write what waits."""
        self._writer.flush()
