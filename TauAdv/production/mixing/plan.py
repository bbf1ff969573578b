"""Which entry of which contribution goes where in the mixed files: pure functions of counts and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["MixPlan", "choose_entries", "interleave"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MixPlan:
    """The content of one mixed file, row by row.

    Attributes:
        source: number of the contribution.
        entry: entry of that contribution's files.
    """

    source: IntArray
    entry: IntArray


def choose_entries(
    event: npt.ArrayLike,
    needs: Sequence[int],
    *,
    rng: np.random.Generator | None = None,
    allow_reuse: bool = False,
) -> list[IntArray]:
    """Return the entries of one contribution for each output, no entry in two outputs.

    Args:
        event: number of the event each entry belongs to, in file order (the same number = the same event).
        needs: entries that each output asks for.
        rng: draws the entries at random without repetition; all taus of an event then go to the same output. ``None``
            takes them in file order, each output continuing where the one before stopped.
        allow_reuse: where there are too few, share them out in proportion and use them again within an output.

    Returns:
        One array an output; shorter than asked for if the entries run out and ``allow_reuse`` is false.
    """
    event = np.asarray(event)
    shares = _split(event, needs, rng)
    if not allow_reuse or all(share.size == need for share, need in zip(shares, needs, strict=True)):
        return shares
    total = sum(needs)
    shares = _split(event, [event.size * need // total for need in needs], rng)
    return [_repeated(share, need, rng) for share, need in zip(shares, needs, strict=True)]


def interleave(chosen: Sequence[IntArray], per_batch: Sequence[int]) -> MixPlan:
    """Return the rows of one output: batch by batch, in every batch the contributions in their order.

    Args:
        chosen: entries of each contribution, ``batches * per_batch`` of them.
        per_batch: entries of each contribution in a batch.
    """
    source = np.repeat(np.arange(len(per_batch)), per_batch)
    blocks = [entries.reshape(-1, count) for entries, count in zip(chosen, per_batch, strict=True)]
    entry = np.concatenate(blocks, axis=1)
    return MixPlan(np.tile(source, entry.shape[0]), entry.ravel())


def _split(event: npt.NDArray[np.int64], needs: Sequence[int], rng: np.random.Generator | None) -> list[IntArray]:
    if rng is None:
        bounds = np.minimum(np.concatenate([[0], np.cumsum(needs)]), event.size)
        return [np.arange(begin, end) for begin, end in pairwise(bounds)]
    number, place = np.unique(event, return_inverse=True)
    rank = rng.permutation(number.size)[place]
    order = np.argsort(rank, kind="stable")  # the events in random order, the taus of an event side by side
    rank = rank[order]
    shares, begin = [], 0
    for need in needs:
        end = min(begin + need, order.size)
        shares.append(rng.permutation(order[begin:end]))
        # an event that is cut here is used in no further output
        begin = end if end == begin else int(np.searchsorted(rank, rank[end - 1], side="right"))
    return shares


def _repeated(share: IntArray, need: int, rng: np.random.Generator | None) -> IntArray:
    if share.size == 0:
        return share
    rounds = -(-need // share.size)
    again = [share] + [share if rng is None else rng.permutation(share) for _ in range(rounds - 1)]
    return np.concatenate(again)[:need]
