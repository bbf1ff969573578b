"""Checkpoints: complete, atomic, and refused by another network."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from network_batches import random_inputs, randomise, tiny_network

from TauAdv.errors import InputError, InputWarning
from TauAdv.models.deeptau.network import build_classifier
from TauAdv.models.variables import class_head_variables, common_variables
from TauAdv.training.run import checkpoints
from TauAdv.training.run.checkpoints import State, model_variables
from TauAdv.training.step.optimizers import make_optimizer

SMALL = {
    "dropout": 0.1,
    "components": {"egamma": {"n_features": 5, "widths": [4]}},
    "merge": {"widths": [4]},
    "grids": {"inner": {"n_cells": 3}, "outer": {"n_cells": 3}},
}


def make(seed=0, **network):
    model = build_classifier(tiny_network(**{**SMALL, **network}), seed=seed)
    variables = [*common_variables(model), *class_head_variables(model)]
    return model, {"optimizer": make_optimizer(variables, 1e-3, 0.004, None, "optimizer")}


@pytest.fixture(scope="module")
def trained():
    """A model and an optimiser none of whose variables is at its initial value."""
    model, optimizers = make()
    randomise(model)
    model(random_inputs(tiny_network(**SMALL), 4), training=True)
    for number, value in enumerate(optimizers["optimizer"].state().values()):
        value.assign(np.full(value.shape, number + 2))
    return model, optimizers


def test_everything_comes_back(trained, tmp_path):
    model, optimizers = trained
    state = State(step=12, epoch=1, seconds=3.5, epoch_sums=[[1.0, 2.0]], best=0.25, best_epoch=1)
    window = np.array([[0.1, 3.0]])
    folder = checkpoints.save(tmp_path, model, optimizers, window, state)
    other, others = make(seed=5)
    found, found_window = checkpoints.restore(folder, other, others)
    assert found == state
    np.testing.assert_array_equal(found_window, window)
    for name, value in model_variables(model).items():
        np.testing.assert_array_equal(model_variables(other)[name].numpy(), value.numpy(), err_msg=name)
    for name, value in optimizers["optimizer"].state().items():
        np.testing.assert_array_equal(others["optimizer"].state()[name].numpy(), value.numpy(), err_msg=name)


def test_random_states_are_among_the_variables(trained):
    names = [name for name, value in model_variables(trained[0]).items() if "seed_generator" in value.path]
    assert {"tau_dropout_1/0", "inner_scatter/0", "outer_all_3x3_dropout_1/0"} <= set(names)


def test_the_two_newest_are_kept(trained, tmp_path):
    for step in (5, 900, 10_000, 1_234_567_890_123):
        checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000010000", "step_1234567890123"]
    assert checkpoints.latest_checkpoint(tmp_path).name == "step_1234567890123"
    assert checkpoints.latest_checkpoint(tmp_path / "nothing") is None


def test_half_written_checkpoint_is_not_seen(trained, tmp_path, monkeypatch):
    checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=5))

    def fail(*arguments, **arrays):
        raise OSError("disk full")

    monkeypatch.setattr(checkpoints.np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=6))
    assert [path.name for path in tmp_path.iterdir()] == ["step_000000005"]


def test_other_network_is_refused(trained, tmp_path):
    folder = checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=5))
    with pytest.raises(InputError, match=r"another network: \d+ variables differ, .*final_dense_1"):
        checkpoints.restore(folder, *make(class_head={"widths": [9, 8]}))


def test_optimizer_state_goes_by_name(trained, tmp_path):
    folder = checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=5))
    stored = checkpoints.stored_optimizer(folder, "optimizer")
    assert checkpoints.stored_optimizer(folder, "adv_optimizer") == {}
    model, _ = make()
    reverse = make_optimizer([*class_head_variables(model), *common_variables(model)], 1e-3, 0.004, None, "optimizer")
    assert checkpoints.copy_optimizer_state(stored, reverse) == []
    for name, value in reverse.state().items():
        np.testing.assert_array_equal(value.numpy(), stored[name])
    _, optimizers = make(class_head={"widths": [9, 8]})
    missing = checkpoints.copy_optimizer_state(stored, optimizers["optimizer"])
    assert "final_dense_1/kernel/momentum" in missing
    assert "tau_dense_1/kernel/momentum" not in missing


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def two_checkpoints(trained, folder):
    return [checkpoints.save(folder, *trained, np.zeros((1, 2)), State(step=step)) for step in (5, 10)]


@pytest.mark.parametrize("name", ["state.json", "variables.npz"])
@pytest.mark.parametrize(
    "damage", [flip, lambda path: path.write_bytes(path.read_bytes()[:-9]), lambda path: path.write_text("x"), Path.unlink]
)
def test_of_a_damaged_checkpoint_the_one_before_is_used(trained, tmp_path, name, damage):
    older, newer = two_checkpoints(trained, tmp_path)
    damage(newer / name)
    with pytest.warns(InputWarning, match=rf"{newer.name}/{name}: .*: the checkpoint before it, {older.name}, is used"):
        assert checkpoints.usable_checkpoint(tmp_path) == older
    flip(older / "variables.npz")
    with pytest.raises(InputError, match=r"step_000000010/.*; .*step_000000005/.*; no checkpoint can be used"):
        checkpoints.usable_checkpoint(tmp_path)
    assert checkpoints.usable_checkpoint(tmp_path / "nothing") is None


def test_checkpoints_of_earlier_versions_are_read(trained, tmp_path):
    older, newer = two_checkpoints(trained, tmp_path)
    for folder in (older, newer):
        state = json.loads((folder / "state.json").read_text())
        kept = {key: value for key, value in state.items() if key not in ("checksum", "variables")}
        (folder / "state.json").write_text(json.dumps(kept))
    assert checkpoints.usable_checkpoint(tmp_path) == newer
    assert checkpoints.restore(newer, *trained)[0] == State(step=10)
    flip(newer / "variables.npz")  # the archive has checksums of its own
    with pytest.warns(InputWarning, match=r"step_000000010/variables\.npz: damaged"):
        assert checkpoints.usable_checkpoint(tmp_path) == older


def test_later_checkpoints_do_not_outlive_the_steps_done_again(trained, tmp_path):
    two_checkpoints(trained, tmp_path)
    checkpoints.save(tmp_path, *trained, np.zeros((1, 2)), State(step=7))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000000005", "step_000000007"]


def test_a_checkpoint_of_another_run_is_refused(trained, tmp_path):
    runs = [tmp_path / name / "artifacts" / "model_checkpoints" for name in ("a" * 32, "b" * 32)]
    checkpoints.save(runs[0], *trained, np.zeros((1, 2)), State(step=5))
    assert checkpoints.usable_checkpoint(runs[0]).name == "step_000000005"
    shutil.copytree(runs[0], runs[1])
    with pytest.raises(InputError, match=f"it was written in run {'a' * 32}, and lies in run {'b' * 32}"):
        checkpoints.usable_checkpoint(runs[1])
