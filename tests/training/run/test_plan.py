"""What a dry run says of network and files."""

import math

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.plan import network_lines, plan_lines


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
    assert lines[-1].split()[2] == "final_adv"  # its last layer, too
    blocks = [line.split()[2] for line in lines]
    inner = [block for block in blocks if block.startswith("inner_")]
    assert blocks[: 2 * len(inner)] == inner + [block.replace("inner", "outer") for block in inner]


def test_equal_widths_are_counted():
    lines = [line.partition("  widths ") for line in network_lines(build_adversarial(load_network("deeptau_v2p5")))]
    widths = {start.split(" ", 2)[2].split()[-3]: listed for start, _, listed in lines}
    assert widths["outer_all_3x3"] == "10 x 64 (3x3)"
    assert widths["final"] == "4 x 200, 4"
    assert widths["outer_all"] == "227, 141, 88, 64"


def test_files_that_would_be_written(data, adversarial_settings):
    settings = adversarial_settings(n_epochs=7, checkpoint_steps=500, tensorboard=True)
    text = "\n".join(plan_lines(build_adversarial(load_network(data / "network.yaml")), open_inputs(settings)))
    for expected in (
        "memory: weights, gradients and optimisers",
        str(settings.output.mlruns),
        "7 models, one per epoch",
        "after each epoch, every 500 steps and every 12 hours\n    (the 2 newest are kept",
        "tensorboard/",
    ):
        assert expected in text
    assert not settings.output.mlruns.exists()


def test_one_is_no_plural(data, adversarial_settings):
    settings = adversarial_settings(n_epochs=1, checkpoint_steps=1, log_steps=1)
    text = "\n".join(plan_lines(build_adversarial(load_network(data / "network.yaml")), open_inputs(settings)))
    for expected in ("1 model, one per epoch", "every 1 step and", "after each epoch and every 1 step\n"):
        assert expected in text + "\n"
