"""Work shared with other processes: all of it once, in order, by each of them."""

import os
import time
from concurrent.futures import Future
from functools import partial

import pytest

from TauAdv.errors import InputError
from TauAdv.io.processes.shared_work import _SharedWork, ordered_map


def slow(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return number, os.getpid()


def test_results_come_in_order_from_this_process_and_others():
    with ordered_map(2) as run:
        list(run(slow, range(4)))  # the other process has started
        results = list(run(slow, range(20)))
        assert [number for number, _ in results] == list(range(20))
        processes = {process for _, process in results}
        assert os.getpid() in processes
        assert len(processes) == 2
        here = list(run(slow, range(3), here=lambda number: (number, -1)))
        assert [number for number, _ in here] == [0, 1, 2]
        assert os.getpid() not in {process for _, process in here}
        assert list(run(slow, [])) == []


def test_one_process_is_this_one():
    with ordered_map(1) as run:
        assert list(run(slow, range(2))) == [(0, os.getpid()), (1, os.getpid())]


def fail(worst: int, number: int) -> int:
    if number == worst:
        msg = f"file {number} is damaged"
        raise InputError(msg)
    return number


@pytest.mark.parametrize("worst", [0, 9])
def test_an_error_comes_in_its_turn_from_wherever_it_was(worst):
    found = []
    with pytest.raises(InputError, match=f"file {worst} is damaged"), ordered_map(2) as run:
        found.extend(run(partial(fail, worst), range(12)))


def test_what_is_not_wanted_any_more_is_not_begun(tmp_path):
    with ordered_map(2) as run:
        for number, _ in run(partial(mark, tmp_path), range(1000)):
            if number == 3:
                break
    assert 4 <= len(list(tmp_path.iterdir())) < 1000


def mark(folder: os.PathLike[str], number: int) -> tuple[int, None]:
    open(os.path.join(folder, str(number)), "w").close()
    time.sleep(0.01)
    return number, None


class ByHand:
    """Stands in for a pool: the test says when a process has finished."""

    def __init__(self):
        self.handed, self.works = [], []

    def submit(self, function, argument):
        self.works.append(function)
        self.handed.append((Future(), argument))
        return self.handed[-1][0]

    def finish(self, place):
        future, argument = self.handed[place]
        future.set_result(argument)


def test_a_process_gets_the_next_argument_as_soon_as_it_has_finished():
    pool = ByHand()

    def here(number):
        if number == 1:
            pool.finish(0)
        return 10 * number

    results = _SharedWork(pool, None, range(4)).results(here, others=1)
    assert next(results) == 0
    assert [argument for _, argument in pool.handed] == [0, 2]
    assert next(results) == 10  # made here
    pool.finish(1)
    pool.finish(2)
    assert list(results) == [2, 3]


def grow(cache, numbers):
    cache["seen"] += numbers
    return sorted(cache["seen"])


def test_what_this_process_changes_is_not_sent():
    pool, cache = ByHand(), {"seen": []}

    def here(numbers):
        if numbers == [2]:
            pool.finish(0)
        return grow(cache, numbers)

    results = _SharedWork(pool, partial(grow, cache), [[0], [1], [2]]).results(here, others=1)
    assert next(results) == [0]
    assert cache["seen"] == [1, 2]
    assert [work.args for work in pool.works] == [({"seen": []},)]
