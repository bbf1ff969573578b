"""The demo's commands fit its configs and the scripts; an outdated sample is made anew. Nothing is run here."""

import importlib
import re
import sys

import pytest
import yaml


@pytest.fixture(scope="module")
def demo(repository):
    sys.path.insert(0, str(repository / "demo"))
    try:
        yield importlib.import_module("run_demo")
    finally:
        sys.path.remove(str(repository / "demo"))


@pytest.fixture(scope="module")
def config(repository):
    return yaml.safe_load((repository / "demo/demo.yaml").read_text())


class Recorder:
    """Stands in for the runner: keeps the commands by step."""

    def __init__(self):
        self.commands = {}

    def title(self, text):
        pass

    def run(self, step, *command):
        self.run_together(step, [command])

    def run_together(self, step, commands):
        self.commands.setdefault(step, []).extend([str(word) for word in command] for command in commands)

    def print_times(self):
        pass


@pytest.fixture(scope="module")
def commands(demo, config, tmp_path_factory):
    """All commands of the demo by step."""
    output, recorder = tmp_path_factory.mktemp("demo"), Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "Runner", lambda: recorder)
        patch.setattr(demo, "newest", lambda mlruns, name: type("Run", (), {"id": name, "mlpath": mlruns / "1"}))
        demo.main(["--output", str(output), "--n-workers", "1"])
    return recorder.commands


def test_steps_in_their_order(commands):
    assert list(commands) == [
        *("generate", "skim", "spectra", "drop", "mix", "weights", "shards"),
        *("train", "fine-tune", "predict", "notebook", "compare"),
    ]


def test_scripts_know_the_options(commands, repository):
    for command in (command for step in commands.values() for command in step):
        if command[0] == "-m":
            assert command[1] == "papermill"
            continue
        text = (repository / command[0]).read_text()
        if "from command_line import" in text:
            text += (repository / "Training/command_line.py").read_text()
        for option in (word.partition("=")[0] for word in command[1:] if word.startswith("--")):
            assert re.search(rf'"{re.escape(option)}"|f"--\{{', text), f"{command[0]} has no option {option}"


def test_configs_are_there(commands, repository):
    named = [
        command[number + 1]
        for step in commands.values()
        for command in step
        for number, word in enumerate(command)
        if word in {"--config", "--contributions"}
    ]
    assert named
    assert [path for path in named if not (repository / path).is_file()] == []


def test_mixed_files_are_those_that_skims_and_drops_make(config, repository):
    mix = yaml.safe_load((repository / "demo/mix.yaml").read_text())
    made = {f"{name}_skimmed.root" for name in config["skims"]} | {
        f"{name}_skimmed_reweighted.root" for name in config["drops"]
    }
    assert {entry["files"] for entry in mix["contributions"]} <= made
    ids = {entry["dataset_id"] for entry in mix["contributions"]}
    for name, key in (("contributions", None), ("pt_weights", "processes")):
        entries = yaml.safe_load((repository / f"demo/{name}.yaml").read_text())
        assert {entry["dataset_id"] for entry in (entries[key] if key else entries)} == ids


def test_simulated_files_are_generated(demo, config, repository):
    for sample in ("train", "test"):
        simulation = (repository / f"demo/simulation_{sample}.yaml").read_text()
        for name in {*demo.simulated(config), *(skim["input"] for skim in config["skims"].values())}:
            assert name in simulation


def test_fine_tunes_differ_in_the_strength_only(commands, config):
    assert len(commands["fine-tune"]) == len(config["fine_tunes"])
    differing = [set(a) ^ set(b) for a, b in zip(commands["fine-tune"], commands["fine-tune"][1:], strict=False)]
    assert all({word.partition("=")[0] for word in words} == {"adv_parameter", "run_name"} for words in differing)


def test_samples_of_other_settings_are_outdated(demo, tmp_path):
    settings = tmp_path / "demo" / "mix.yaml"
    settings.parent.mkdir()
    settings.write_text("seed: 1\n")
    sample = tmp_path / "train"
    demo.discard_if_outdated(sample, [settings.parent])
    (sample / "tuples").mkdir()
    demo.discard_if_outdated(sample, [settings])
    assert (sample / "tuples").exists()
    settings.write_text("seed: 2\n")
    demo.discard_if_outdated(sample, [settings])
    assert not (sample / "tuples").exists()
