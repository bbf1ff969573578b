"""A training is found behind whatever starts Python."""

import pytest

from TauAdv.batch.command_words import split_command, starts_training, without_interpreter
from TauAdv.errors import ConfigError


@pytest.mark.parametrize(
    "start", ["python", "python3.12 -u", "/env/bin/python -P", "python -u -B -s"], ids=lambda text: text.replace(" ", "_")
)
@pytest.mark.parametrize("training", ["-m TauAdv train", "-m TauAdv resume", "Training/train_jets.py"])
def test_options_of_the_interpreter_are_no_part_of_the_training(start, training):
    words = without_interpreter([*start.split(), *training.split(), "seed=1"])
    assert starts_training(words)
    assert words == [training.split()[-1], "seed=1"]


@pytest.mark.parametrize("words", ["python -c train", "python -X dev -m TauAdv train", "python -m other train", "python -u"])
def test_another_start_is_no_training(words):
    assert not starts_training(without_interpreter(words.split()))


def test_the_missing_dashes_are_named():
    with pytest.raises(ConfigError, match=r"hours=2 -- python -u Training/train_jets.py"):
        split_command(["hours=2", "python", "-u", "Training/train_jets.py"])
