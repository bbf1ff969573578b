"""What TF_CONFIG may say."""

import json

import numpy as np
import pytest

from TauAdv.errors import ConfigError
from TauAdv.training.devices.cluster import cluster_from_environment
from TauAdv.training.devices.devices import ONE_DEVICE

WORKERS = ["node1:7777", "[2001:db8::1]:7777"]


def variable(cluster=None, task=None, **more):
    content = {"cluster": {"worker": WORKERS} if cluster is None else cluster}
    content["task"] = {"type": "worker", "index": 1} if task is None else task
    return {"TF_CONFIG": json.dumps({**content, **more})}


def test_workers_are_numbered_from_the_chief_on():
    cluster = cluster_from_environment(variable())
    assert (cluster.addresses, cluster.index, cluster.task) == (tuple(WORKERS), 1, "worker 1")
    jobs = {"worker": WORKERS, "chief": ["node0:7777"]}
    cluster = cluster_from_environment(variable(jobs, {"type": "worker", "index": "1"}))  # Slurm scripts give text
    assert (cluster.addresses, cluster.index) == (("node0:7777", *WORKERS), 2)
    assert cluster_from_environment(variable(jobs, {"type": "chief", "index": 0})).index == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "is not set"),
        ({"TF_CONFIG": " "}, "is not set"),
        ({"TF_CONFIG": "{cluster"}, "is not JSON"),
        ({"TF_CONFIG": "[]"}, "has no 'cluster'"),
        (variable(task={}), "has no 'task'"),
        (variable({"worker": WORKERS, "ps": ["a:1"]}), "has the job 'ps'"),
        (variable({"worker": "node1:7777"}), "has no list of addresses of the job 'worker'"),
        (variable({"worker": ["node1:7777"]}), "names 1 worker; a single one trains with devices 'one'"),
        (variable({"worker": ["node1:7777"] * 2}), "names node1:7777 twice"),
        (variable({"worker": ["node1", "node2:1"]}), "has the address 'node1'; expected host:port"),
        (variable({"worker": ["node1:70000", "node2:1"]}), "has the address 'node1:70000'"),
        (variable({"worker": [7777, "node2:1"]}), "has the address 7777"),
        (variable(task={"type": "chief", "index": 0}), "has the task type 'chief'; expected one of worker"),
        (variable(task={"type": "worker", "index": 2}), "has the task index 2; expected 0 to 1"),
        (variable(task={"type": "worker"}), "has the task index None"),
    ],
)
def test_what_is_wrong_is_told_with_an_example(environment, message):
    with pytest.raises(ConfigError, match=r"devices 'multi_worker' .* for example, TF_CONFIG='\{") as found:
        cluster_from_environment(environment)
    assert message in str(found.value)


def test_one_device_needs_no_agreement():
    values = np.arange(3.0)
    assert ONE_DEVICE.total(values) is values
    assert ONE_DEVICE.any_worker(True) is True
    assert ONE_DEVICE.share is None
    assert list(ONE_DEVICE.lines()) == []
    ONE_DEVICE.require_same({"anything": b""})
    with pytest.raises(RuntimeError), ONE_DEVICE.watched(lambda: ""):
        raise RuntimeError
