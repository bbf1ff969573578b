"""Where a training runs: on one device, on all devices of a machine, or on those of several machines.

A replica is one device's copy of the model. Every batch is divided between the replicas; losses are divided by the numbers
of rows of the whole batch, gradients and batch statistics are sums over all replicas, so that the number of replicas does
not change what is trained. A worker is one process with its replicas; the first worker is the chief, which alone writes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from TauAdv.errors import ConfigError, InputError, TauAdvError
from TauAdv.models.replicas import sum_over_replicas
from TauAdv.shards.batching import Share
from TauAdv.training.devices.cluster import DeviceChoice, cluster_from_environment

__all__ = ["ONE_DEVICE", "Devices", "WorkerLostError", "open_devices", "require_devices"]

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.FailedPreconditionError,
)
_TASK = re.compile(r"/job:(\w+)(?:/replica:\d+)?/task:(\d+)")
_SEED_STEP = 1_000_003  # a prime: seeds of a replica's layers do not meet those of another's


class WorkerLostError(TauAdvError):
    """Another process of the training has ended or cannot be reached."""


@dataclass(frozen=True)
class Devices:
    """The devices of a training, and the place of this process among its workers.

    Attributes:
        strategy: of TensorFlow; ``None`` on one device.
        workers: number of processes.
        worker: number of this process.
        replicas: numbers of the replicas of this process.
        n_replicas: number of all replicas.
        task: job and number of this process, where there are several.
    """

    strategy: tf.distribute.Strategy | None = None
    workers: int = 1
    worker: int = 0
    replicas: range = range(1)
    n_replicas: int = 1
    task: str = ""

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.worker == 0

    @property
    def share(self) -> Share | None:
        """The part of each batch that this process reads; ``None``: all of it."""
        return None if self.strategy is None else Share(self.replicas, self.n_replicas)

    def lines(self) -> Iterator[str]:
        """Yield what to say of several devices."""
        if self.strategy is not None:
            yield f"{self.n_replicas} devices in {self.workers} processes share each batch"

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which model and optimisers are made, so that every replica has its copy."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def on_each(self, body: Callable[..., Any], parts: Sequence[Any], *arguments: Any) -> Any:
        """Run ``body(part, *arguments)`` on each replica of this process, with its part of the batch."""
        if self.strategy is None:
            return body(parts[0], *arguments)
        return self.strategy.run(body, args=(self._values(parts), *arguments))

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of an array over all workers, the same on each; every worker must call it."""
        if self.workers == 1 or self.strategy is None:
            return values
        given = np.asarray(values, np.float64)
        parts = [tf.constant(given if i == 0 else np.zeros_like(given)) for i in range(len(self.replicas))]
        return self._sum(parts).numpy()

    @cached_property
    def _sum(self) -> Any:
        # compiled, for each shape: done eagerly, it would leave a pool of threads behind when a worker is lost
        def on_replica(part: tf.Tensor) -> tf.Tensor:
            return sum_over_replicas(tf.identity(part))  # placed on the device, as the sum asks for

        def summed(parts: Sequence[tf.Tensor]) -> tf.Tensor:
            assert self.strategy is not None
            return self.strategy.experimental_local_results(self.on_each(on_replica, parts))[0]

        return tf.function(summed, autograph=False)

    def _values(self, parts: Sequence[Any]) -> Any:
        assert self.strategy is not None
        first = self.replicas.start
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group - first]
        )

    def any_worker(self, condition: bool) -> bool:
        """Return whether a condition holds on any worker."""
        return bool(self.total(np.array([float(condition)]))[0])

    def text_of_chief(self, text: str) -> str:
        """Return the text that the chief has."""
        size = int(self.total(np.array([float(len(text.encode())) if self.is_chief else 0.0]))[0])
        coded = np.frombuffer(text.encode(), np.uint8).astype(np.float64) if self.is_chief else np.zeros(size)
        return bytes(self.total(coded).astype(np.uint8)).decode()

    def require_same(self, parts: Mapping[str, bytes]) -> None:
        """Check that all workers start from the same.

        Args:
            parts: content by what it is called in the message.

        Raises:
            InputError: naming what differs.
        """
        if self.workers == 1:
            return
        digests = np.array([list(hashlib.sha256(content).digest()) for content in parts.values()], np.float64)
        own = np.zeros((self.workers, *digests.shape))
        own[self.worker] = digests
        found = self.total(own)
        differing = [name for i, name in enumerate(parts) if np.any(found[:, i] != found[:1, i])]
        if differing:
            msg = (
                f"{', '.join(differing)}: not the same on all {self.workers} workers; they need the same configuration, "
                "command line, package version and files (a shared file system)"
            )
            raise InputError(msg)

    def spread_seeds(self, model: Any) -> None:
        """Give each replica other random numbers for dropout; the first one keeps those of a single device."""
        if self.strategy is None:
            return
        states = [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]

        def shift() -> None:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            for state in states:
                offset = tf.cast(replica, state.dtype) * tf.cast(_SEED_STEP, state.dtype)
                state.assign(state.value + tf.stack([offset, tf.zeros_like(offset)]))

        self.strategy.run(tf.function(shift, autograph=False))

    @contextmanager
    def watched(self, saved: Callable[[], str]) -> Iterator[None]:
        """Turn the end of another worker into a message that says what is saved and how to go on.

        Args:
            saved: gives that text.

        Raises:
            WorkerLostError: if another worker ended.
        """
        try:
            yield
        except _LOST as error:
            if self.workers == 1:
                raise
            tasks = {f"{job} {number}" for job, number in _TASK.findall(str(error.message))} - {self.task}
            which = " and ".join(sorted(tasks)) or "connection lost"
            msg = f"another process of the training ended or cannot be reached ({which}); {saved()}"
            raise WorkerLostError(msg) from error


ONE_DEVICE = Devices()


def require_devices(choice: DeviceChoice) -> None:
    """Check what can be checked of the devices without waiting for other workers.

    Raises:
        ConfigError: as :func:`TauAdv.training.devices.cluster.cluster_from_environment`.
    """
    if choice == "multi_worker":
        cluster_from_environment()


def open_devices(choice: DeviceChoice) -> Devices:
    """Return the devices of a training; several workers wait here for each other.

    Args:
        choice: ``one``; ``mirrored``: all GPUs of this machine, without any all its logical CPU devices; ``multi_worker``:
            all devices of the processes that TF_CONFIG names.

    Raises:
        ConfigError: if TF_CONFIG is wrong, or TensorFlow is already at work (multi_worker must come first).
    """
    if choice == "one":
        return ONE_DEVICE
    if choice == "mirrored":
        strategy = _mirrored_strategy(tuple(device.name for device in _local_devices()))
        return Devices(strategy, replicas=range(strategy.num_replicas_in_sync), n_replicas=strategy.num_replicas_in_sync)
    cluster = cluster_from_environment()
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        msg = f"devices 'multi_worker': TensorFlow was already in use in this process, start a new one ({error})"
        raise ConfigError(msg) from error
    local = len(strategy.extended.worker_devices)
    replicas = range(cluster.index * local, (cluster.index + 1) * local)
    return Devices(strategy, len(cluster.addresses), cluster.index, replicas, strategy.num_replicas_in_sync, cluster.task)


@cache
def _mirrored_strategy(names: tuple[str, ...]) -> tf.distribute.Strategy:
    # one for all trainings of a process: the sums of a second strategy would be taken for those of the first
    return tf.distribute.MirroredStrategy(names)


def _local_devices() -> Any:
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
