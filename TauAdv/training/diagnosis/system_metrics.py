"""What a training takes of the machine, beside its own metrics: processor, memory, memory of the GPU."""

from __future__ import annotations

import time

import psutil
import tensorflow as tf

__all__ = ["SYSTEM_PREFIX", "SystemMetrics"]

SYSTEM_PREFIX = "system/"
"""MLflow's page shows metrics of this prefix apart."""
_SECONDS_BETWEEN_SAMPLES = 10.0


class SystemMetrics:
    """Samples this process now and then; asked by the training loop, so that no thread of its own is needed.

    Args:
        seconds: shortest time between two samples.
    """

    def __init__(self, seconds: float = _SECONDS_BETWEEN_SAMPLES) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the next value is the mean since this call
        self._gpus = [device.name.split("/physical_device:")[-1] for device in tf.config.list_physical_devices("GPU")]
        self._seconds, self._sampled_at = seconds, float("-inf")

    def sample(self) -> dict[str, float]:
        """Return the metrics, or nothing if the last sample is not long ago.

        ``cpu_percent`` is the mean since the last sample, 100 for one busy core; memory is in MB.
        """
        now = time.monotonic()
        if now - self._sampled_at < self._seconds:
            return {}
        self._sampled_at = now
        values = {
            "cpu_percent": self._process.cpu_percent(),
            "memory_mb": self._process.memory_info().rss / 1e6,
            "memory_available_mb": psutil.virtual_memory().available / 1e6,
        }
        for gpu in self._gpus:
            used = tf.config.experimental.get_memory_info(gpu)
            number = gpu.rpartition(":")[-1]
            values |= {f"gpu_{number}_memory_mb": used["current"] / 1e6, f"gpu_{number}_memory_peak_mb": used["peak"] / 1e6}
        return {SYSTEM_PREFIX + name: value for name, value in values.items()}
