"""``ta.train`` and ``ta.resume``."""

import pytest
from synthetic_shards import write_network, write_shards

import TauAdv as ta
from TauAdv.errors import ConfigError, InputError


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A configuration of four steps with a small network."""
    folder = tmp_path_factory.mktemp("training")
    write_shards(folder / "class", "classification", 80, 1)
    write_network(folder / "network.yaml")
    path = folder / "training.yaml"
    path.write_text(
        f"model: {{network: {folder / 'network.yaml'}}}\ndata: {{shards: {folder / 'class'}, n_tau: 20}}\n"
        f"output: {{mlruns: {folder / 'mlruns'}, gradient_steps: 0}}\n"
    )
    return path


@pytest.mark.slow
def test_a_training_and_more_epochs(config):
    run = ta.train(config, "output.run_name=mine", schedule={"n_epochs": 1})
    assert (run.name, run.status) == ("mine", "FINISHED")
    assert (run.params["schedule.n_epochs"], run.params["data.n_tau"]) == ("1", "20")
    assert ta.resume(run, "schedule.n_epochs=2").id == run.id
    assert [step for step, _ in run.metric_history("loss")] == [1, 2]


def test_a_dry_run_writes_nothing(config, capsys):
    folder = config.parent / "dry"
    assert ta.train(config, dry_run=True, seed=3, output={"mlruns": folder}) is None
    assert "dry run: nothing was written" in capsys.readouterr().out
    assert not folder.exists()


def test_lists_make_a_sweep(config, capsys):
    folder = config.parent / "sweep"
    assert (
        ta.train(config, seed=[1, 2], schedule={"learning_rate": (0.1, 0.2)}, dry_run=True, output={"mlruns": folder})
        is None
    )
    said = capsys.readouterr().out
    assert "sweep of 4 trainings over seed (2: 1; 2), schedule.learning_rate (2: 0.1; 0.2)" in said
    assert said.splitlines()[-1] == "seed=2, learning_rate=0.2"
    assert not folder.exists()


def test_words_of_a_call_are_not_those_of_a_command_line(config):
    with pytest.raises(ConfigError, match=r"with seed=x: in the call: seed: expected a whole number; received 'x'"):
        ta.train(config, "seed=1,x")
    with pytest.raises(ConfigError, match=r"(?m)^  schedule\.n_epochs: expected a whole number; received 'x'$"):
        ta.train(config, schedule={"n_epochs": "x"})  # the group is in the file, the value is not


def test_mistakes_of_names(config):
    with pytest.raises(ConfigError, match=r"n_epochs: unknown key; write schedule\.n_epochs"):
        ta.train(config, n_epochs=2)


def test_none_unsets(config, capsys):
    ta.train(config, "attack=fgsm", dry_run=True)
    assert "attack:\n  kind: fgsm" in capsys.readouterr().out
    path = config.with_name("attacked.yaml")
    path.write_text(config.read_text() + "attack: fgsm\n")
    ta.train(path, dry_run=True, attack=None)
    assert "attack: null" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="schedule: expected a group of settings"):
        ta.train(config, schedule=None)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (({"seed": 1},), {}, "config: expected (text or a path|a path or text)"),
        (("",), {}, "config: empty"),
        (("x.yaml", ["seed=2"]), {}, "words: expected text"),
        (("x.yaml",), {"dry_run": "maybe"}, "dry_run: expected true or false; received 'maybe'"),
    ],
)
def test_what_is_no_configuration(arguments, options, message):
    with pytest.raises(InputError, match=f"train: {message}"):
        ta.train(*arguments, **options)
