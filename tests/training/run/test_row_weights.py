import numpy as np
import pytest
from synthetic_shards import write_shards

from TauAdv.errors import InputError
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.train import train


def weigh(weights):
    """Change the first weights of a set."""

    def change(taus, columns):
        columns["weight"][: len(weights)] = weights

    return change


def scale(**factors):
    """Multiply the weights of some labels."""

    def change(taus, columns):
        for label, factor in factors.items():
            columns["weight"][columns["label"] == int(label[1:])] *= factor

    return change


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.nan, np.inf], r"2 of 60 taus have a weight that is not finite \(nan, inf\)"),
        ([-0.5], r"1 of 60 taus have a negative weight \(smallest: -0.5\); .*--allow-negative"),
        ([0] * 60, "all weights of its 60 taus are 0, nothing can be learned"),
        ([3e38, 3e38], r"weights up to 3e\+38, whose sum does not fit into single precision"),
    ],
)
@pytest.mark.parametrize("key", ["shards", "validation_shards", "adv_shards", "adv_validation_shards"])
def test_weights_that_are_none(adversarial_settings, tmp_path, key, weights, message):
    kind = "adversarial" if key.startswith("adv_") else "classification"
    folder = write_shards(tmp_path / "bad", kind, 60, 1, change=weigh(weights))
    with pytest.raises(InputError, match=rf"set .*bad: {message}"):
        open_inputs(adversarial_settings(**{key: folder}))


def test_a_dry_run_finds_them(classifier_settings, tmp_path):
    folder = write_shards(tmp_path / "bad", "classification", 60, 1, change=weigh([0] * 60))
    with pytest.raises(InputError, match=r"training set .*bad: all weights of its 60 taus are 0"):
        train(classifier_settings(shards=folder), dry_run=True)


def test_negative_weights_that_are_allowed(classifier_settings, adversarial_settings, tmp_path):
    few = write_shards(tmp_path / "few", "classification", 60, 1, change=weigh([-0.01, -0.01]), allow_negative=True)
    lines = list(open_inputs(classifier_settings(shards=few)).lines())
    assert sum(int(line.split("; ")[1].split()[0]) for line in lines if "weights are negative" in line) == 2
    many = write_shards(tmp_path / "many", "adversarial", 60, 1, change=scale(l1=-1), allow_negative=True)
    with pytest.raises(InputError, match=r"many: negative weights outweigh the others \(label 1: -"):
        open_inputs(adversarial_settings(adv_shards=many))


def test_a_contribution_of_zero_weight_is_reported(classifier_settings, tmp_path):
    folder = write_shards(tmp_path / "some", "classification", 60, 1, change=scale(l0=0))
    lines = [line for line in open_inputs(classifier_settings(shards=folder)).lines() if "WARNING" in line]
    assert [line.split()[0] for line in lines] == ["e"]
    assert lines[0].endswith("sum of weights 0.0; WARNING: all weights are 0, nothing is learned from them")
