"""What a dry run says of network and files."""

import math

from TauAdv.models.adversarial import build_adversarial
from TauAdv.models.settings import load_network
from TauAdv.training.inputs import open_inputs
from TauAdv.training.plan import network_lines, plan_lines


def test_blocks_add_up(data):
    model = build_adversarial(load_network(data / "network.yaml"))
    lines = list(network_lines(model))
    counts = [int(line.split(" parameters")[0].split()[-1].replace(",", "")) for line in lines]
    assert sum(counts) == sum(math.prod(weight.shape) for weight in model.weights)
    (tau,) = [line for line in lines if line.split()[2] == "tau"]
    assert tau.startswith("common layers")
    assert tau.endswith("widths 6")
    (grid,) = [line for line in lines if "outer_all_3x3" in line]
    assert grid.endswith("widths 5 (21x21)")
    assert [line.split("  ")[0] for line in lines][-2:] == ["class head", "adversarial head"]


def test_files_that_would_be_written(data, adversarial_settings):
    settings = adversarial_settings(n_epochs=7, checkpoint_steps=500, tensorboard=True)
    text = "\n".join(plan_lines(build_adversarial(load_network(data / "network.yaml")), open_inputs(settings)))
    for expected in (
        "memory: about",
        "factor 1.5",
        str(settings.mlruns),
        "7 models, one per epoch",
        "every 500 steps",
        "tensorboard/",
    ):
        assert expected in text
    assert not settings.mlruns.exists()
