"""Batches for training: of one set, or of a classification and an adversarial set side by side.

What a step holds is a pure function of the sets, the seed and the number of the step, so training resumes exactly from a
step number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import ConfigError, InputError
from TauAdv.shards.reading_order import WINDOW, Stream
from TauAdv.shards.store import ShardSet

__all__ = ["Batches", "PairedBatches", "Share", "batches", "paired_batches"]

Batch = dict[str, NDArray[Any]]
_PARALLEL = _PREFETCHED = 2


@dataclass(frozen=True)
class Share:
    """The parts of every batch that a process reads, where a batch is divided between several replicas of a model.

    Replica k of n takes the k-th part of the labelled taus, and the k-th part of the adversarial ones, of the same batch
    that one device would take whole.

    Attributes:
        replicas: numbers of the replicas of this process.
        of: number of all replicas.
    """

    replicas: range
    of: int

    def require_divisible(self, **sizes: int) -> None:
        """Check that batches can be divided.

        Raises:
            ConfigError: naming the sizes that are no multiple of the number of replicas.
        """
        wrong = [f"{name} = {size}" for name, size in sizes.items() if size % self.of]
        if wrong:
            msg = f"{' and '.join(wrong)}: expected multiples of {self.of}, the number of devices that share each batch"
            raise ConfigError(msg)


def _part(start: int, stop: int, part: tuple[int, int]) -> tuple[int, int]:
    """Return the bounds of part k of n of the positions start to stop."""
    number, of = part
    size = stop - start
    return start + size * number // of, start + size * (number + 1) // of


def _check_size(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            msg = f"{name}: expected 1 or more taus, received {size}"
            raise ConfigError(msg)


class Batches:
    """Step number -> batch of one set.

    ``tau`` float32 [n, features]; per grid ``{grid}_index`` int32 [m, 3] (tau, eta cell, phi cell) and ``{grid}_cells``
    float32 [m, features]; then ``y`` float32 [n, 4] and ``weight`` float32 [n], or, of an adversarial set, ``y_adv``
    float32 [n, 1] and ``weight_adv`` float32 [n].

    Args:
        shards: the set.
        batch_size: taus per batch.
        seed: of the order; every epoch has its own.
        shuffle: ``False`` keeps the stored order.
        drop_remainder: leave out the last, smaller batch of an epoch.
        window: taus permuted together (see :class:`Stream`).

    Raises:
        ConfigError: if the batch size is not positive.
        InputError: if the set has no full batch.
    """

    def __init__(
        self,
        shards: ShardSet,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_remainder: bool = False,
        window: int = WINDOW,
    ) -> None:
        _check_size(batch_size=batch_size)
        self.shards, self.batch_size = shards, batch_size
        self.steps_per_epoch = shards.num_steps_per_epoch(batch_size, drop_remainder=drop_remainder)
        if self.steps_per_epoch == 0:
            msg = f"{shards.folder}: {shards.num_rows} {shards.rows_name} do not fill one batch of {batch_size}"
            raise InputError(msg)
        self._stream = Stream(shards, seed=seed, shuffle=shuffle, window=window)

    def read(self, step: int, part: tuple[int, int] = (0, 1)) -> tuple[Any, dict[str, NDArray[Any]]]:
        """Return packed features, ``label`` and ``weight``."""
        epoch, start, stop = self._positions(step)
        return self._stream.read(epoch, *_part(start, stop, part))

    def rows(self, step: int) -> NDArray[np.int64]:
        """Return the stored rows of the set that the whole batch of a step holds, in its order."""
        return self._stream.rows(*self._positions(step))

    def _positions(self, step: int) -> tuple[int, int, int]:
        epoch, number = divmod(step, self.steps_per_epoch)
        start = number * self.batch_size
        return epoch, start, min(start + self.batch_size, self.shards.num_rows)

    def __call__(self, step: int, part: tuple[int, int] = (0, 1)) -> Batch:
        """Return the batch of a step, or part k of n of it for ``part`` (k, n)."""
        packed, columns = self.read(step, part)
        inputs = self.shards.layout.unpack(packed).as_inputs()
        suffix = "_adv" if self.shards.kind == "adversarial" else ""
        return {**inputs, f"y{suffix}": self.shards.one_hot(columns["label"]), f"weight{suffix}": columns["weight"]}


class PairedBatches:
    """Step number -> batch of ``n_class`` labelled taus followed by ``n_adv`` taus of an adversarial set.

    The inputs are those of :class:`Batches`. ``y`` and ``weight`` are 0 on adversarial rows, ``y_adv`` and ``weight_adv``
    are 0 on labelled rows. Each set has its own epochs: the adversarial one is read again in a new order when it is
    exhausted, within a batch if need be, so that every batch has ``n_adv`` of its taus.

    Args:
        class_shards: set of kind ``classification``.
        adv_shards: set of kind ``adversarial``.
        n_class: labelled taus per batch.
        n_adv: adversarial taus per batch.
        seed: of the order of both.
        shuffle: ``False`` keeps the stored order of both.
        drop_remainder: leave out the last, smaller batch of an epoch of the labelled set.
        window: taus permuted together (see :class:`Stream`).

    Raises:
        ConfigError: if a number of taus is not positive.
        InputError: if a set is of the wrong kind or empty, or they were made with different feature tables.
    """

    def __init__(
        self,
        class_shards: ShardSet,
        adv_shards: ShardSet,
        n_class: int,
        n_adv: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_remainder: bool = True,
        window: int = WINDOW,
    ) -> None:
        _check_size(n_class=n_class, n_adv=n_adv)
        class_shards.require_kind("classification")
        adv_shards.require_kind("adversarial")
        adv_shards.require_table(class_shards.table)
        self._class = Batches(
            class_shards, n_class, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder, window=window
        )
        self._adv = Stream(adv_shards, seed=seed, shuffle=shuffle, window=window)
        self.shards, self._adv_shards, self._n_adv = class_shards, adv_shards, n_adv
        self.steps_per_epoch = self._class.steps_per_epoch

    def rows(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the stored rows of the labelled and of the adversarial set that the whole batch of a step holds."""
        return self._class.rows(step), self._adv.rows_endless(step * self._n_adv, (step + 1) * self._n_adv)

    def __call__(self, step: int, part: tuple[int, int] = (0, 1)) -> Batch:
        """Return the batch of a step, or for ``part`` (k, n) part k of n of its labelled and of its adversarial taus."""
        labelled, columns = self._class.read(step, part)
        adversarial, adv_columns = self._adv.read_endless(*_part(step * self._n_adv, (step + 1) * self._n_adv, part))
        n, n_adv = len(labelled), len(adversarial)
        layout = self.shards.layout
        inputs = layout.unpack(layout.concatenate([labelled, adversarial])).as_inputs()
        return {
            **inputs,
            "y": np.concatenate(
                [self.shards.one_hot(columns["label"]), np.zeros((n_adv, len(self.shards.classes)), np.float32)]
            ),
            "weight": np.concatenate([columns["weight"], np.zeros(n_adv, np.float32)]),
            "y_adv": np.concatenate([np.zeros((n, 1), np.float32), self._adv_shards.one_hot(adv_columns["label"])]),
            "weight_adv": np.concatenate([np.zeros(n, np.float32), adv_columns["weight"]]),
        }


def batches(
    shards: ShardSet,
    batch_size: int,
    *,
    seed: int = 0,
    shuffle: bool = True,
    start_step: int = 0,
    num_steps: int | None = None,
    drop_remainder: bool = False,
    window: int = WINDOW,
    share: Share | None = None,
    every: tuple[int, int] = (0, 1),
) -> Any:
    """Return a ``tf.data.Dataset`` of the batches of one set (see :class:`Batches`).

    Args:
        shards: the set.
        batch_size: taus per batch.
        seed: of the order.
        shuffle: ``False`` keeps the stored order.
        start_step: first step; the dataset then equals the rest of the one that started at 0.
        num_steps: batches to give, over the ends of epochs; ``None`` never ends.
        drop_remainder: leave out the last, smaller batch of an epoch.
        window: taus permuted together (see :class:`Stream`).
        share: give, instead of whole batches, tuples of the parts of some replicas.
        every: (k, n): give step k and then every n-th one only.
    """
    source = Batches(shards, batch_size, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder, window=window)
    return _dataset(source, _shapes(shards, paired=False), start_step, num_steps, share, every)


def paired_batches(
    class_shards: ShardSet,
    adv_shards: ShardSet,
    n_class: int,
    n_adv: int,
    *,
    seed: int = 0,
    shuffle: bool = True,
    start_step: int = 0,
    num_steps: int | None = None,
    drop_remainder: bool = True,
    window: int = WINDOW,
    share: Share | None = None,
) -> Any:
    """Return a ``tf.data.Dataset`` of batches of two sets (see :class:`PairedBatches`, and :func:`batches` for the rest)."""
    source = PairedBatches(
        class_shards, adv_shards, n_class, n_adv, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder, window=window
    )
    return _dataset(source, _shapes(class_shards, paired=True), start_step, num_steps, share)


_Shapes = dict[str, tuple[type, tuple[int | None, ...]]]


def _shapes(shards: ShardSet, paired: bool) -> _Shapes:
    shapes: _Shapes = dict(shards.layout.input_shapes())
    if paired or shards.kind == "classification":
        shapes |= {"y": (np.float32, (None, len(shards.classes))), "weight": (np.float32, (None,))}
    if paired or shards.kind == "adversarial":
        shapes |= {"y_adv": (np.float32, (None, 1)), "weight_adv": (np.float32, (None,))}
    return shapes


def _dataset(
    source: Callable[[int, tuple[int, int]], Batch],
    shapes: _Shapes,
    start_step: int,
    num_steps: int | None,
    share: Share | None = None,
    every: tuple[int, int] = (0, 1),
) -> Any:
    import tensorflow as tf

    parts = [(0, 1)] if share is None else [(number, share.of) for number in share.replicas]

    def load(step: NDArray[np.int64]) -> list[NDArray[Any]]:
        loaded = [source(int(step), part) for part in parts]
        return [batch[name] for batch in loaded for name in shapes]

    def tensors(step: Any) -> Any:
        values = iter(tf.numpy_function(load, [step], [tf.as_dtype(kind) for kind, _ in shapes.values()] * len(parts)))
        loaded = [{name: tf.ensure_shape(next(values), shape) for name, (_, shape) in shapes.items()} for _ in parts]
        return loaded[0] if share is None else tuple(loaded)

    stop = np.iinfo(np.int64).max if num_steps is None else start_step + num_steps
    return (
        tf.data.Dataset.range(start_step + every[0], stop, every[1])
        .map(tensors, num_parallel_calls=_PARALLEL, deterministic=True)
        .prefetch(_PREFETCHED)
    )
