"""Workers die with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from TauAdv.io.processes.pool import WorkerKilledError, worker_pool

_PARENT = """
import os, time
from TauAdv.io.processes.pool import worker_pool

if __name__ == "__main__":
    with worker_pool(2) as pool:
        numbers = {pool.submit(os.getpid).result() for _ in range(2)}
        busy = [pool.submit(time.sleep, 600) for _ in range(2)]
        print(*pool._processes, flush=True)
        busy[0].result()
"""


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_workers_die_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    workers = [int(number) for number in parent.stdout.readline().split()]
    assert len(workers) == 2
    assert all(map(alive, workers))
    parent.kill()
    parent.communicate()
    for _ in range(600):
        if not any(map(alive, workers)):
            break
        time.sleep(0.1)
    assert not any(map(alive, workers))


def die(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_killed_worker_is_named_as_the_cause():
    with (
        pytest.raises(WorkerKilledError, match=r"one of 2 worker processes was killed.* fewer workers"),
        worker_pool(2) as pool,
    ):
        list(pool.map(die, range(4)))


def test_results_come_in_order():
    with worker_pool(2) as pool:
        assert list(pool.map(abs, [-3, 2, -1])) == [3, 2, 1]


_STARTER = """
import os, subprocess, sys
from TauAdv.io.processes.pool import die_with_parent

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=die_with_parent(os.getpid()))
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system can do it on Linux only")
def test_commands_die_with_a_killed_parent():
    parent = subprocess.Popen([sys.executable, "-c", _STARTER], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.communicate()
    for _ in range(600):
        if not alive(child):
            break
        time.sleep(0.1)
    assert not alive(child)


def threads(_: int) -> tuple[int, ...]:
    import numpy as np  # noqa: F401 (loads its library of linear algebra)
    from threadpoolctl import threadpool_info

    return tuple(library["num_threads"] for library in threadpool_info())


def test_workers_compute_in_one_thread_each_unless_the_environment_says_otherwise(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    with worker_pool(1) as pool:
        assert set(pool.submit(threads, 0).result()) == {1}
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    with worker_pool(1) as pool:
        assert set(pool.submit(threads, 0).result()) == {2}
    assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
