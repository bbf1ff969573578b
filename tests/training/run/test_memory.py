"""The memory estimate, against the growth of a process and by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic_shards import write_shards

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.memory import ACCURACY, estimate_memory, filled_cells, layer_outputs

pytestmark = pytest.mark.slow

HELPER = Path(__file__).parents[2] / "helpers" / "training_memory.py"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not tell the peak")
def test_within_a_factor_of_one_and_a_half(tmp_path):
    write_shards(tmp_path / "class", "classification", 1500, 1)
    write_shards(tmp_path / "adv", "adversarial", 1500, 2)
    config = tmp_path / "training.yaml"
    config.write_text(
        f"data: {{shards: {tmp_path / 'class'}, adv_shards: {tmp_path / 'adv'}, n_tau: 700, n_adv_tau: 700}}\n"
        "model: {network: deeptau_demo}\nschedule: {n_batches: 3}\noutput: {gradient_steps: 0}\n"
    )
    done = subprocess.run([sys.executable, HELPER, config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert 1 / ACCURACY < found["estimated"] / found["measured"] < ACCURACY, found


def test_outputs_counted_by_hand(data):
    """One 1x1 layer per component and merge, one convolution to one cell, one layer of the flat features and per head."""
    network = load_network(data / "still.yaml")
    rows, cells = 10, {"inner": 30.0, "outer": 70.0}
    per_tau = 43 + 3 * 6 + (6 + 2 * 5) + 3 * 8 + 4 + 4 + 3 * 8 + 1 + 1  # input, tau, features, heads with their activations
    per_tau += 2 * (3 * 5 + 5) + 2 * (6 + 10)  # convolutions and their flat results; scaled and reversed features
    per_row = 188 + 3 * 4 + 4 + 3 * 5 + 1  # input, component, concatenation, merge, weight
    by_hand = rows * (per_tau + (121 + 441) * 5) + per_row * sum(cells[grid] + 16 for grid in cells)
    model = build_adversarial(network)
    found = layer_outputs(model, rows, cells)
    assert found == pytest.approx(by_hand, rel=0.1)
    dense = build_adversarial(network.model_copy(update={"grid_mode": "dense"}))
    more = per_row * rows * (121 + 441) - per_row * sum(cells[grid] + 16 for grid in cells)
    assert layer_outputs(dense, rows, cells) - found == pytest.approx(more, rel=0.05)


def test_follows_the_batch(adversarial_settings, data):
    model = build_adversarial(load_network(data / "network.yaml"))
    small, large = (estimate_memory(model, open_inputs(adversarial_settings(n_tau=n, n_adv_tau=n))) for n in (10, 80))
    assert large.activations > small.activations
    assert (large.weights, large.step) == (small.weights, small.step)
    assert large.weights > 4 * 4 * 16_000  # weights, gradients, two moments
    cells = filled_cells(open_inputs(adversarial_settings()).sets["training"])
    assert 2 < cells["inner"] < 4


def test_half_precision_halves_what_is_kept_of_the_layers(adversarial_settings, data):
    network, inputs = load_network(data / "network.yaml"), open_inputs(adversarial_settings())
    single, half = (estimate_memory(build_adversarial(network, dtype=d), inputs) for d in ("float32", "mixed_bfloat16"))
    assert 0.5 <= half.activations / single.activations < 0.55  # the heads' last layers stay in float32
    assert half.weights == single.weights
