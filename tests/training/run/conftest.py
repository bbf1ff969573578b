"""What the trainings have in common that tests cut and resume."""

import pytest


@pytest.fixture(scope="session")
def resumable(data):
    """Settings of 20 steps: 160 class taus in batches of 32, four epochs; schedules that differ in every step."""
    return {
        "data.shards": data / "class",
        "data.adv_shards": data / "adv",
        "model.network": str(data / "network.yaml"),
        "data.n_tau": 32,
        "data.n_adv_tau": 20,
        "schedule.n_epochs": 4,
        "method.adv_parameter": [1, 2],
        "method.k2_schedule": {"kind": "dann"},
        "schedule.learning_rate_schedule": {"kind": "cosine", "warmup_steps": 3},
        "output.log_steps": 3,
    }
