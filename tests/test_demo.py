"""The demo's commands fit its configs and the scripts; an outdated sample is made anew, nothing of others is touched."""

import contextlib
import importlib
import re
import sys

import pytest
import yaml

from TauAdv.config import load_settings
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.shards.tau.settings import ShardSettings


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

    def at_once(self, *branches):
        return [branch(self) for branch in branches]

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
        *("generate", "spectra", "shards", "train"),
        *("skim", "datacard", "drop", "mix", "weights"),
        *("fine-tune", "predict", "notebook", "compare"),
    ]


def test_scripts_know_the_options(commands, run_script, capsys):
    for command in (command for step in commands.values() for command in step):
        if command[0] == "-m":
            assert command[1] == "papermill"
            continue
        with pytest.raises(SystemExit, match="0"):
            run_script(command[0], "--help")
        known = capsys.readouterr().out
        for option in (word.partition("=")[0].replace("_", "-") for word in command[1:] if word.startswith("--")):
            assert re.search(rf"{re.escape(option)}(?![\w-])", known), f"{command[0]} has no option {option}"


def test_configs_are_there(commands, repository):
    named = [
        command[number + 1]
        for step in commands.values()
        for command in step
        for number, word in enumerate(command)
        if word == "--config"
    ]
    assert named
    assert [path for path in named if not (repository / path).is_file()] == []


def test_mixed_files_are_those_that_skims_and_drops_make(config, repository):
    region = load_settings(MixingSettings, repository / "demo/mix.yaml").control_region
    made = {f"{name}_skimmed.root" for name in config["skims"]} | {
        f"{name}_skimmed_reweighted.root" for name in config["drops"]
    }
    assert {entry.files for entry in region.mixing.values()} <= made
    for kind, name in ((PtWeightsSettings, "pt_weights"), (ShardSettings, "shards_adversarial")):
        assert load_settings(kind, repository / f"demo/{name}.yaml").control_region == region


def test_simulated_files_are_generated(demo, config, repository):
    for sample in ("train", "test"):
        simulation = (repository / f"demo/simulation_{sample}.yaml").read_text()
        for name in {*demo.simulated(config), *(skim["input"] for skim in config["skims"].values())}:
            assert name in simulation


def test_fine_tunes_differ_in_the_strength_only(commands, config):
    assert len(commands["fine-tune"]) == len(config["fine_tunes"])
    differing = [set(a) ^ set(b) for a, b in zip(commands["fine-tune"], commands["fine-tune"][1:], strict=False)]
    assert all(
        {word.partition("=")[0] for word in words} == {"method.adv_parameter", "output.run_name"} for words in differing
    )


@pytest.fixture
def steps(demo):
    return importlib.import_module("steps")


def test_branches_run_at_once_and_all_end_before_an_error_is_raised(steps, tmp_path, capfd):
    waits = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nprint('met')"
    meets = "import pathlib, sys\npathlib.Path(sys.argv[1]).touch()\nprint('first\\nlast')"
    runner = steps.Runner()

    def branch(step, program, result):
        def run(captured):
            captured.run(step, "-c", program, tmp_path / "meeting")
            return result

        return run

    assert runner.at_once(branch("wait", waits, 1), branch("meet", meets, 2)) == [1, 2]
    shown = capfd.readouterr().out
    assert "  met\n" in shown
    assert "  last\n" in shown
    assert "\nfirst" not in shown
    assert set(runner.seconds) == {"wait", "meet"}
    slow = "import pathlib, sys, time\ntime.sleep(0.3)\npathlib.Path(sys.argv[1] + '.end').touch()"
    with pytest.raises(steps.CommandFailed, match="ended with status 3"):
        runner.at_once(branch("wait", "raise SystemExit(3)", 1), branch("meet", slow, 2))
    assert (tmp_path / "meeting.end").exists()


def test_samples_of_other_settings_are_made_again(steps, tmp_path):
    settings, recorder = tmp_path / "mix.yaml", Recorder()
    sample = tmp_path / "train"
    commands = []
    for seed, interrupted in ((1, True), (1, False), (2, True), (2, False), (2, False)):
        settings.write_text(f"seed: {seed}")
        recorder.commands.clear()
        with contextlib.suppress(KeyboardInterrupt), steps.up_to_date(recorder, sample, [settings]) as runner:
            runner.run("skim", "skim_tree.py", "--input", "x.root")
            commands.append("--overwrite" in recorder.commands["skim"][0])
            (sample / "x.root").write_text("made")
            if interrupted:
                raise KeyboardInterrupt
    assert commands == [False, False, True, True, False]
    assert recorder.commands["skim"] == [["skim_tree.py", "--input", "x.root"]]
    assert (sample / "x.root").read_text() == "made"


@pytest.mark.parametrize(
    ("script", "folder"),
    [
        *(("run_demo", name) for name in ("train", "test", "comparison")),
        *(("run_demo_jets", name) for name in ("sample", "report", "seeds")),
    ],
)
def test_folders_of_others_stay(demo, script, folder, tmp_path, monkeypatch, capsys):
    module = importlib.import_module(script)
    monkeypatch.setattr(module, "Runner", Recorder)
    thesis = tmp_path / folder / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(SystemExit):
        module.main(["--output", str(tmp_path)])
    assert "holds files that" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [thesis]
    assert thesis.read_text() == "years of work"


def test_a_notebook_of_others_stays(demo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "Runner", Recorder)
    notebook = tmp_path / "evaluate_adversarial.ipynb"
    notebook.write_text('{"cells": [], "metadata": {}}')
    with pytest.raises(SystemExit):
        demo.main(["--output", str(tmp_path)])
    assert "is not a notebook that a demo executed" in capsys.readouterr().err
    assert notebook.read_text() == '{"cells": [], "metadata": {}}'
