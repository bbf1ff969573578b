"""Schedules of learning rates."""

import pytest

from TauAdv.training.schedules.learning_rates import LearningRateSchedule


def test_cosine_falls_from_one_to_its_end():
    schedule = LearningRateSchedule(kind="cosine", final=0.1)
    assert schedule.factor(0, 10, 100) == 1
    assert schedule.factor(50, 10, 100) == pytest.approx(0.55)
    assert schedule.factor(100, 10, 100) == pytest.approx(0.1)
    values = [schedule.factor(step, 10, 100) for step in range(100)]
    assert values == sorted(values, reverse=True)


def test_epoch_decay_is_a_staircase():
    schedule = LearningRateSchedule(kind="epoch", decay=0.5)
    assert [schedule.factor(step, 10, 100) for step in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]


def test_warmup_multiplies():
    schedule = LearningRateSchedule(warmup_steps=4)
    assert [schedule.factor(step, 10, 100) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
