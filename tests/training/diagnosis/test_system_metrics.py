"""Samples of processor and memory."""

import numpy as np
import psutil

from TauAdv.training.diagnosis.system_metrics import SystemMetrics


def test_sample_is_of_this_process():
    system = SystemMetrics(seconds=0)
    end = psutil.Process().cpu_times().user + 0.3
    while psutil.Process().cpu_times().user < end:  # keep a core busy
        np.sort(np.random.default_rng(1).random(10_000))
    values = system.sample()
    assert values["system/cpu_percent"] > 5
    assert abs(values["system/memory_mb"] * 1e6 / psutil.Process().memory_info().rss - 1) < 0.2
    assert 0 < values["system/memory_available_mb"] * 1e6 <= psutil.virtual_memory().total


def test_not_more_often_than_asked():
    system = SystemMetrics(seconds=1000)
    assert system.sample()
    assert system.sample() == {}
