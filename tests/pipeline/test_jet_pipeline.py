"""The whole jets demo on the committed sample, by its scripts and configs, in one process and with few steps."""

import importlib
import re
import shutil
import sys
from argparse import ArgumentParser

import pandas as pd
import pytest

from TauAdv.cli.jets import generate
from TauAdv.runs import list_runs
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow

FEW = {
    "train": ["schedule.n_epochs=2", "schedule.early_stopping.patience=2", "data.n_jets=1000"],
    "report": ["bootstrap=3", "discriminators=[BvsL,BvsC]", "input_variables=[jet_pt]", "eps=[0,0.1]", "scanned=[FGSM]"],
    "seeds": ["bootstrap=3", "discriminators=[BvsL,BvsC]"],
}


@pytest.fixture(scope="module")
def demo(repository):
    sys.path.insert(0, str(repository / "demo"))
    try:
        yield importlib.import_module("run_demo_jets")
    finally:
        sys.path.remove(str(repository / "demo"))


class InOneProcess:
    """Stands in for the runner: the committed jets instead of generated ones, everything else by its script, shortened."""

    def __init__(self, run_script, sample):
        self.run_script, self.sample, self.steps = run_script, sample, {}

    def title(self, text):
        pass

    def run(self, step, *command):
        self.run_together(step, [command])

    def run_together(self, step, commands):
        self.steps.setdefault(step, []).extend(commands)
        for script, *arguments in commands:
            if step == "generate":
                shutil.copy(self.sample, arguments[arguments.index("--output") + 1])
            else:
                self.run_script(script, *arguments, *FEW.get(step, []))

    def print_times(self):
        pass


@pytest.fixture(scope="module")
def done(demo, run_script, repository, tmp_path_factory):
    """Run the demo with two seeds; return its folder and the runner."""
    output = tmp_path_factory.mktemp("demo")
    runner = InOneProcess(run_script, repository / "tests/data/jets/jets.json.gz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "Runner", lambda: runner)
        patch.setattr(demo, "SEEDS", (1, 2))
        demo.main(["--output", str(output)])
    return output, runner


def test_steps_in_their_order(done):
    assert list(done[1].steps) == ["generate", "extract", "prepare", "train", "report", "seeds"]


def test_simulation_config_is_read_by_the_generator(done, repository):
    from TauAdv.config import load_settings
    from TauAdv.simulation.jets.settings import JetSimulationSettings

    ((script, *arguments),) = done[1].steps["generate"]
    settings = load_settings(JetSimulationSettings, arguments[arguments.index("--config") + 1])
    assert sum(settings.events.values()) > 0
    parser = ArgumentParser()
    generate.add_options(parser)
    parser.parse_args([str(argument) for argument in arguments])
    assert (repository / script).is_file()


def test_sets_hold_all_jets(done):
    output, _ = done
    sets = {name: ShardSet.open(output / "sample" / "prepared" / name) for name in ("train", "val", "test")}
    assert sum(shards.num_rows for shards in sets.values()) == 6000
    assert sets["train"].num_rows > sets["test"].num_rows > sets["val"].num_rows


@pytest.mark.parametrize("training", ["nominal", "adversarial"])
def test_configs_find_what_the_demo_made(done, run_script, repository, tmp_path, monkeypatch, capsys, training):
    (tmp_path / "demo_output").mkdir()
    (tmp_path / "demo_output" / "jets").symlink_to(done[0])
    monkeypatch.chdir(tmp_path)
    run_script("Training/train_jet_tagger.py", "--config", repository / f"demo/jets/{training}.yaml", "--dry-run")
    assert "nothing was written" in capsys.readouterr().out


def test_address_of_the_runs(done, demo):
    (mlpath,) = {run.mlpath for run in list_runs(done[0] / "mlruns")}
    text = demo.how_to_see_runs(list_runs(done[0] / "mlruns")[0])
    assert f"sqlite:///{mlpath.parent / 'mlflow.db'}" in text
    assert f"#/experiments/{mlpath.name}?workflowType=machine_learning" in text


def test_runs_differ_in_method_and_seed(done):
    runs = {run.name: run for run in list_runs(done[0] / "mlruns")}
    assert sorted(runs) == ["adversarial", "adversarial seed 2", "nominal", "nominal seed 2"]
    assert all(run.status == "FINISHED" for run in runs.values())
    assert {name: run.params["seed"] for name, run in runs.items()} == {
        name: "2" if name.endswith("2") else "1" for name in runs
    }
    assert [name for name, run in sorted(runs.items()) if "attack.kind" in run.params] == sorted(runs)[:2]


def test_report_and_table_of_seeds(done, demo):
    output, _ = done
    assert (output / "report" / "index.html").stat().st_size > 0
    performance = demo.read_performance(output / "seeds")
    assert set(performance["run"]) == {"nominal", "nominal seed 2", "adversarial", "adversarial seed 2"}
    one_seed = pd.read_csv(output / "report" / "performance.csv").set_index(["run", "disturbance", "discriminator"])["auc"]
    again = performance.set_index(["run", "disturbance", "discriminator"])["auc"]
    pd.testing.assert_series_equal(again.loc[one_seed.index], one_seed)
    trainings = {name: [name, f"{name} seed 2"] for name in demo.TRAININGS}
    text = demo.seed_text(performance, trainings, demo.SHOWN)
    assert len(re.findall(r"^(?:BvsL|BvsC) .* 0\.\d{4} ± 0\.\d{4}$", text, re.MULTILINE)) == 4
