"""Schedules of k2."""

import math

import pytest

from TauAdv.training.schedules.k2 import K2Schedule


def test_k2_grows_linearly_and_stays():
    schedule = K2Schedule(kind="linear", steps=4)
    assert [schedule.factor(step, 100) for step in (0, 1, 4, 50)] == [0, 0.25, 1, 1]
    assert K2Schedule(kind="linear").factor(50, 100) == 0.5


def test_k2_of_dann():
    schedule = K2Schedule(kind="dann", gamma=10)
    assert schedule.factor(0, 100) == 0
    assert schedule.factor(30, 100) == pytest.approx(math.tanh(1.5))  # 2 / (1 + exp(-x)) - 1 = tanh(x / 2)
