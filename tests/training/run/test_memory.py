"""What is counted of the memory of a training, by hand."""

import keras
import numpy as np
import pytest

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.memory import counted_memory, output_bytes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("float64", 8), ("bfloat16", 2)])
def test_outputs_of_layers_by_hand(dtype, width):
    first = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(5, dtype=dtype)(first)
    model = keras.Model({"x": first}, keras.layers.Dense(2, dtype=dtype)(keras.layers.ReLU(dtype=dtype)(hidden)))
    assert output_bytes(model, {"x": np.zeros((7, 3), "f4")}) == 7 * (5 + 5 + 2) * width


def test_follows_batch_weights_and_precision(adversarial_settings, data):
    network = load_network(data / "network.yaml")
    inputs = [open_inputs(adversarial_settings(n_tau=n, n_adv_tau=n)) for n in (5, 40, 80)]
    model = build_adversarial(network)
    five, forty, eighty = (counted_memory(model, each) for each in inputs)
    assert five.outputs < forty.outputs < eighty.outputs
    # 50 rows stand for the 80 of a batch; cells of taus differ
    assert eighty.outputs == pytest.approx(2 * forty.outputs, rel=0.1)
    trainable = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    fixed = sum(np.prod(weight.shape) for weight in model.non_trainable_weights)
    assert five.weights == eighty.weights == 4 * (4 * trainable + fixed)
    half = counted_memory(build_adversarial(network, dtype="mixed_bfloat16"), inputs[1])
    # the last layers of the heads and the indices of cells keep their number types
    assert 0.5 <= half.outputs / forty.outputs < 0.6
    assert half.weights == forty.weights


def test_rows_of_both_domains_count(settings_of_jets):
    """All jets take the same."""
    settings = settings_of_jets(method="reversal")  # 64 jets of the classes and 32 of the domains in a batch
    inputs, spec = open_inputs(settings), settings.spec
    model = spec.model_type().adversarial(spec.load_network(settings.model.network), dtype="float32", seed=1)
    rows, _ = inputs.sets["training"].take(np.arange(1))
    assert counted_memory(model, inputs).outputs == 96 * output_bytes(model, {"x": rows.x})
