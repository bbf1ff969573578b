"""A list of work shared between this process and others, with the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from copy import deepcopy
from threading import Lock
from typing import Any, Protocol

from TauAdv.io.processes.pool import worker_pool

__all__ = ["OrderedMap", "ordered_map"]

Work = Callable[[Any], Any]


class OrderedMap(Protocol):
    """A ``map`` over one list of arguments, whose results come in order."""

    def __call__(self, function: Work, arguments: Sequence[Any], *, here: Work | None = None) -> Iterator[Any]:
        """Return the results; ``here`` does in this process what ``function`` does in others (``function``, if absent)."""


@contextmanager
def ordered_map(number: int) -> Iterator[OrderedMap]:
    """Yield an ordered map over so many processes, of which this one is one.

    Another process takes a second to start. This one computes meanwhile, with what it has loaded already.

    Raises:
        WorkerKilledError: if a process was killed.
    """
    if number == 1:
        yield _map_alone
        return
    with worker_pool(number - 1) as pool:
        begun: list[_SharedWork] = []

        def shared(function: Work, arguments: Sequence[Any], *, here: Work | None = None) -> Iterator[Any]:
            begun.append(_SharedWork(pool, function, arguments))
            return begun[-1].results(here or function, others=number - 1)

        try:
            yield shared
        finally:  # nothing may be handed over while the pool ends
            for work in begun:
                work.stop()


def _map_alone(function: Work, arguments: Sequence[Any], *, here: Work | None = None) -> Iterator[Any]:
    return map(here or function, arguments)


class _SharedWork:
    """What is still to be done, and who does the rest."""

    def __init__(self, pool: ProcessPoolExecutor, function: Work, arguments: Sequence[Any]) -> None:
        self._pool, self._arguments = pool, arguments
        # copies: what is sent is read by a thread of the pool, while this process may fill caches of its own objects
        self._function, self._sent = deepcopy((function, arguments))
        self._todo = deque(range(len(arguments)))
        self._elsewhere: dict[int, Future[Any]] = {}
        self._lock = Lock()

    def hand_over(self) -> None:
        """Give the next argument to another process, which gets one more as soon as it has finished."""
        with self._lock:
            if not self._todo:
                return
            number = self._todo[0]
            future = self._elsewhere[number] = self._pool.submit(self._function, self._sent[number])
            self._todo.popleft()
        future.add_done_callback(self._finished)

    def _finished(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            with suppress(BrokenProcessPool):  # which the results of other processes raise
                self.hand_over()

    def _next(self) -> int | None:
        with self._lock:
            return self._todo.popleft() if self._todo else None

    def results(self, here: Work, others: int) -> Iterator[Any]:
        """Yield the results in order; this process computes while the next one is not there."""
        done: dict[int, Any] = {}
        try:
            for _ in range(others):
                self.hand_over()
            for number in range(len(self._arguments)):
                while not (number in done or self._has_ended(number)) and (taken := self._next()) is not None:
                    done[taken] = here(self._arguments[taken])
                yield done.pop(number) if number in done else self._elsewhere.pop(number).result()
        finally:
            self.stop()

    def _has_ended(self, number: int) -> bool:
        future = self._elsewhere.get(number)
        return future is not None and future.done()

    def stop(self) -> None:
        """Leave what has not begun undone."""
        with self._lock:
            self._todo.clear()
        for future in self._elsewhere.values():
            future.cancel()
