"""Trainings on several devices equal the one on a single device; the end of a worker is noticed, and mended by a resume.

All processes are started at once and have time limits, so that a worker that waits for ever fails the tests.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training_classes import load_adversarial

from TauAdv.runs import find_run, list_runs
from TauAdv.runs.records import MlflowStore
from TauAdv.training.run.checkpoints import latest_checkpoint
from TauAdv.training.run.train import train
from TauAdv.training.settings.of_run import settings_of_run

pytestmark = pytest.mark.slow

SECONDS = 300  # an idle machine needs 30
STEPS_PER_EPOCH, N_EPOCHS, DIES_AFTER = 3, 2, 4
HELPER = Path(__file__).parents[2] / "helpers" / "train_on_devices.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("distributed")


@pytest.fixture(scope="module")
def content(data, folder):
    """Settings of all trainings: sparse grids, several steps of the head, gradients clipped and measured, float64."""
    return {
        "data.shards": str(data / "class"),
        "data.validation_shards": str(data / "class_val"),
        "data.adv_shards": str(data / "adv"),
        "data.adv_validation_shards": str(data / "adv_val"),
        "model.network": str(data / "still.yaml"),
        "output.mlruns": str(folder / "one"),
        "model.precision": "float64",
        "data.n_tau": 32,
        "data.n_adv_tau": 20,
        "schedule.n_batches": STEPS_PER_EPOCH,
        "schedule.n_epochs": N_EPOCHS,
        "method.adv_parameter": [1, 2],
        "method.adv_head_steps": 2,
        "schedule.learning_rate": 0.003,
        "schedule.clip_norm": 0.1,
        "output.gradient_steps": 1,
        "output.log_steps": 1,
    }


@pytest.fixture(scope="module")
def started(content, folder):
    """Processes at work: one with two logical devices, and two workers, the second of which dies."""
    plan = [process(folder, "mirrored", {**content, "schedule.devices": "mirrored"}, cpus=2, resume_with_dropout=True)]
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    # the step with one backward pass; it is the same step
    own = {**content, "schedule.devices": "multi_worker", "output.gradient_steps": 0}
    for index, options in enumerate(({}, {"die_after": DIES_AFTER})):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        plan.append(process(folder, f"worker{index}", own, {"TF_CONFIG": json.dumps(cluster)}, **options))
    for name in {Path(one["settings"]["output.mlruns"]) for one in plan}:
        name.mkdir()
        MlflowStore(name)
    (folder / "plan.json").write_text(json.dumps(plan))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "no_proxy": "127.0.0.1"}
    running = subprocess.Popen([sys.executable, HELPER, folder / "plan.json"], env=environment, start_new_session=True)
    yield running
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def process(folder, name, settings, environment=None, **options):
    settings = {**settings, "output.mlruns": str(folder / settings["schedule.devices"])}
    return {"name": name, "folder": str(folder), "settings": settings, "environment": environment or {}, **options}


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@pytest.fixture(scope="module")
def reference(started, content):
    """The run on one device: variables after every epoch, and metrics. Runs while the others do."""
    run = find_run(content["output.mlruns"], train(load_adversarial(None, content)))
    stored = sorted((run.artifacts / "model_checkpoints").glob("step_*/variables.npz"))
    return [dict(np.load(file)) for file in stored], history(run)


def history(run):
    names = [name for name in run.metrics if not name.endswith("taus_per_second") and not name.startswith("system")]
    return {name: dict(run.metric_history(name)) for name in names}


@pytest.fixture(scope="module")
def ended(started, folder):
    """Function: name of a process -> its exit status, and what it said, when all have ended."""
    assert started.wait(SECONDS) == 0
    return lambda name: (int((folder / f"{name}.status").read_text()), (folder / f"{name}.log").read_text())


@pytest.fixture(scope="module")
def mirrored(ended, folder):
    status, text = ended("mirrored")
    assert status == 0, text
    return folder


@pytest.fixture(scope="module")
def broken_off(ended, folder):
    """Both workers have ended: the run and what the survivor said."""
    status, text = ended("worker1")
    assert status == -signal.SIGKILL, text
    status, text = ended("worker0")
    assert status == 2, text
    return list_runs(folder / "multi_worker")[0], text


def recorded(file):
    """Variables of the replicas of a process, each by name."""
    found = {}
    with np.load(file) as stored:
        for key in stored.files:
            replica, _, name = key.partition("/")
            found.setdefault(replica, {})[name] = stored[key]
    return list(found.values())


def is_seed(name):
    return "_scatter/" in name or "_dropout_" in name


def require_agreement(found, expected, tolerance=1e-10):
    shared = {name.removeprefix("model/"): value for name, value in expected.items() if name != "window"}
    assert found.keys() == shared.keys()
    for name, value in found.items():
        if not is_seed(name):
            np.testing.assert_allclose(value, shared[name], rtol=0, atol=tolerance, err_msg=name)


def require_identical(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        if is_seed(name):
            assert not np.array_equal(value, other[name]), name  # other random numbers on each replica
        else:
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_training_moves_weights_by_more_than_the_tolerance(reference):
    (first, second), metrics = reference
    moved = {name: np.abs(second[name] - first[name]).max() for name in first if name.endswith("/0") and "seed" not in name}
    assert sum(change > 1e-4 for change in moved.values()) > 10
    assert metrics["step/loss"].keys() == set(range(1, N_EPOCHS * STEPS_PER_EPOCH + 1))


def test_mirrored_training_equals_that_on_one_device(mirrored, reference):
    states, metrics = reference
    for epoch, expected in enumerate(states, start=1):
        first, second = recorded(mirrored / f"mirrored_{epoch * STEPS_PER_EPOCH}.npz")
        require_agreement(first, expected)
        require_identical(first, second)
    found = history(list_runs(mirrored / "mirrored")[0])
    assert found.keys() == metrics.keys()
    for name, values in metrics.items():
        assert found[name] == pytest.approx(values, rel=1e-9), name


def test_mirrored_training_with_dropout_resumes_exactly(mirrored):
    whole = recorded(mirrored / "mirrored_whole.npz")
    for one, other in zip(whole, recorded(mirrored / "mirrored_resumed.npz"), strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)
    require_identical(*whole)


def test_two_workers_train_as_one_device(broken_off, folder, reference):
    states, metrics = reference
    (first,), (second,) = (recorded(folder / f"worker{index}_{STEPS_PER_EPOCH}.npz") for index in range(2))
    require_agreement(first, states[0])
    require_identical(first, second)
    found = history(broken_off[0])
    for name in ("loss", "accuracy", "adv_loss", "adv_accuracy", "val_loss", "val_accuracy", "val_adv_accuracy"):
        assert found[name][1] == pytest.approx(metrics[name][1], rel=1e-9), name


def test_end_of_a_worker_ends_the_other_with_the_way_to_go_on(broken_off):
    run, text = broken_off
    assert run.status == "FAILED"
    message = text[text.rindex("error: ") :]
    assert re.search(r"^error: another process of the training ended or cannot be reached \(worker 1\)", message)
    assert str(latest_checkpoint(run.artifacts / "model_checkpoints")) in message
    assert f"tauadv resume {run.id} --mlpath {run.mlpath}" in message
    assert "Traceback" not in text


def test_training_goes_on_after_the_end_of_a_worker(broken_off, reference):
    """Here on one device; the result is that of a training that nothing happened to."""
    run, _ = broken_off
    settings = settings_of_run(run.mlpath, run.id, ["schedule.devices=one"])
    assert latest_checkpoint(run.artifacts / "model_checkpoints").name == f"step_{STEPS_PER_EPOCH:09d}"
    train(settings, resume=run.id)
    final = latest_checkpoint(run.artifacts / "model_checkpoints")
    found = {name.removeprefix("model/"): value for name, value in np.load(final / "variables.npz").items()}
    del found["window"]
    require_agreement(found, reference[0][-1])
    assert run.status == "FINISHED"
