#!/usr/bin/env python3
"""From nothing to a domain-adapted tau tagger with its plots, by the scripts that a user would run (`make demo`).

Output goes to demo_output/: generated events in cache/, samples in train/ and test/, runs in mlruns/. What is made is made
once (generated events, tuples, shards); trainings, predictions and plots are new each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from steps import (
    DEMO,
    REPOSITORY,
    Captured,
    Runner,
    how_to_see_runs,
    newest,
    require_own_folders,
    require_own_notebook,
    shown,
    up_to_date,
)

from TauAdv.cli.options import count, path
from TauAdv.cli.parser import Parser
from TauAdv.cli.report import report_errors
from TauAdv.config import read_yaml
from TauAdv.io.locks import output_lock
from TauAdv.runs import Run

SOURCES = sorted(path for path in DEMO.iterdir() if path.suffix in {".py", ".yaml"} and path.name != "run_demo_jets.py")
SAMPLES = ("train", "test")  # the second one is made while trainings on the first run
NOTEBOOK = "evaluate_adversarial.ipynb"
COMPRESSION = ("--comp-algo", "zstd")


def make_sample(runner: Runner, config: Mapping[str, Any], output: Path, name: str, workers: int) -> None:
    """Make one of the two independent samples, unless it is up to date."""
    with up_to_date(runner, output / name, SOURCES) as of_sample:
        generate(of_sample, output, name, workers)
        of_sample.at_once(
            lambda branch: make_labelled_taus(branch, config, output / name),
            lambda branch: make_control_region(branch, config, output / name),
        )


def generate(runner: Runner, output: Path, name: str, workers: int) -> None:
    """Generate events and reconstruct them."""
    runner.title(f"{name} sample: generate events, simulate the detector, reconstruct tau candidates")
    command = ("Production/generate_tuples.py", "--config", DEMO / f"simulation_{name}.yaml")
    folders = ("--output", output / name / "tuples", "--cache", output / "cache")
    runner.run("generate", *command, *folders, "--n-workers", workers)


def make_labelled_taus(runner: Runner, config: Mapping[str, Any], folder: Path) -> None:
    """Make the shards of the labelled taus of a sample, which the classifier is trained on."""
    runner.title(f"{folder.name} sample: spectrum and shards of the labelled taus")
    inputs = (folder / "tuples" / f"{name}.root" for name in simulated(config))
    runner.run("spectra", "Production/make_spectra.py", "--input", *inputs, "--output", folder / "spectrum.root")
    runner.run("shards", *classification_shards(config, folder))


def make_control_region(runner: Runner, config: Mapping[str, Any], folder: Path) -> None:
    """Make the shards of the control region of a sample: data, and simulation mixed as the data are."""
    name, tuples, skims, mixed = folder.name, folder / "tuples", folder / "skims", folder / "mixed"
    runner.title(f"{name} sample: skim to the control region, event drop")
    runner.run_together("skim", [skim_command(config, tuples, skims, skim) for skim in config["skims"]])
    targets = [
        f"--target=mt_inclusive/EMB={skims}/SingleMuon_skimmed.root",
        f"--target=mt_inclusive/W={skims}/Wjets_skimmed.root",
    ]
    runner.run("datacard", "Production/make_spectra.py", *targets, "--output", folder / "datacard.root")
    drops = [drop_command(folder / "datacard.root", skims, skim, drop) for skim, drop in config["drops"].items()]
    runner.run_together("drop", drops)

    runner.title(f"{name} sample: mix the control region, pT weights, shards")
    batches = f"outputs.control.batches={config['batches'][name]}"
    files = ("--input_dir", skims, "--output_dir", mixed)
    runner.run("mix", "Production/mix_events.py", "--config", DEMO / "mix.yaml", *files, batches)
    files = ("--input", mixed / "control_region.root", "--output", folder / "pt_weights.root")
    runner.run("weights", "Production/make_pt_weights.py", *files, "--config", DEMO / "pt_weights.yaml")
    runner.run("shards", *adversarial_shards(folder))


def adversarial_shards(folder: Path) -> tuple[object, ...]:
    """Return the command that writes data and simulation of the control region as shards."""
    files = ("--input", folder / "mixed" / "control_region.root", "--weights", folder / "pt_weights.root")
    config = ("--config", DEMO / "shards_adversarial.yaml")
    return ("Production/make_shards.py", *config, *files, "--output", folder / "shards_adversarial")


def classification_shards(config: Mapping[str, Any], folder: Path) -> tuple[object, ...]:
    """Return the command that writes the labelled taus as shards; all classes get the spectrum of the taus."""
    inputs = [word for name in simulated(config) for word in ("--input", folder / "tuples" / f"{name}.root")]
    spectra = (f"input_spectrum={folder}/spectrum.root", f"target_spectrum={folder}/spectrum.root")
    settings = ("--config", DEMO / "shards_classification.yaml")
    return ("Production/make_shards.py", *settings, *inputs, "--output", folder / "shards_classification", *spectra)


def simulated(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the simulated tuples."""
    return sorted({skim["input"] for skim in config["skims"].values() if "mytauType" in skim} | {"DYee"})


def skim_command(config: Mapping[str, Any], tuples: Path, skims: Path, name: str) -> tuple[object, ...]:
    """Return the command of one skim: the selection, and for simulation the recomputed tau type."""
    skim = config["skims"][name]
    command = (
        "Production/skim_tree.py",
        "--input",
        tuples / f"{skim['input']}.root",
        "--output",
        skims / f"{name}_skimmed.root",
    )
    selection = config["selection"].strip()
    if "mytauType" not in skim:
        return (*command, "--sel", selection, *COMPRESSION)
    module = ("--processing-module", "recompute_tautype.py:compute")
    return (*command, "--sel", f"{selection} && mytauType=={skim['mytauType']}", *module, *COMPRESSION)


def drop_command(datacard: Path, skims: Path, name: str, drop: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the command of one event drop."""
    files = ("--input_file", skims / f"{name}_skimmed.root", "--save_path", skims / f"{name}_skimmed_reweighted.root")
    maximum = ("--maximum", "robust", "--max_relative_error", drop["max_relative_error"])
    target = ("--target_file", datacard, "--target_histo", drop["target_histo"])
    return ("Production/EventDrop.py", *files, *target, *maximum)


def common_settings(output: Path) -> tuple[str, ...]:
    """Return the settings of all trainings."""
    shards = f"data.shards={output}/train/shards_classification"
    return (shards, f"output.mlruns={output}/mlruns", "output.experiment=demo")


def train_classifier(runner: Runner, output: Path) -> Run:
    """Train the classifier; return its run."""
    runner.title("train the classifier")
    settings = ("--config", DEMO / "classifier.yaml", *common_settings(output), "output.run_name=nominal")
    runner.run("train", "Training/train_classifier.py", *settings)
    return newest(output / "mlruns", "nominal")


def fine_tune(runner: Runner, config: Mapping[str, Any], output: Path, nominal: Run) -> dict[str, str]:
    """Fine-tune the classifier; return the run ids of all trainings by label."""
    strengths = config["fine_tunes"]
    runner.title(
        "fine-tune against the control region: " + ", ".join(f"{name} (k2 = {k2})" for name, k2 in strengths.items())
    )
    adversary = (f"data.adv_shards={output}/train/shards_adversarial", f"model.pretrained.run_id={nominal.id}")
    command = ("Training/train_adversarial.py", "--config", DEMO / "adversarial.yaml", *common_settings(output), *adversary)
    runner.run_together(
        "fine-tune",
        [(*command, f"method.adv_parameter=[1,{k2}]", f"output.run_name={label}") for label, k2 in strengths.items()],
    )
    return {"nominal": nominal.id} | {label: newest(output / "mlruns", label).id for label in strengths}


def train_on_first_sample(
    runner: Runner, config: Mapping[str, Any], output: Path, first: ExitStack, of_first: Runner
) -> tuple[Path, dict[str, str]]:
    """Finish the first sample and train on it; return the folder of the experiment and the run ids by label.

    Args:
        runner: of the trainings.
        config: of the demo.
        output: of the demo.
        first: closed when the sample is finished.
        of_first: runs the commands of the sample.
    """
    name = SAMPLES[0]

    def classifier(branch: Runner) -> Run:
        make_labelled_taus(Captured(of_first), config, output / name)
        return train_classifier(branch, output)

    nominal, _ = runner.at_once(classifier, lambda _: make_control_region(Captured(of_first), config, output / name))
    first.close()
    return nominal.mlpath, fine_tune(runner, config, output, nominal)


def evaluate(runner: Runner, output: Path, mlpath: Path, runs: Mapping[str, str]) -> None:
    """Write predictions into the runs, execute the notebook and compare the runs."""
    runner.at_once(
        lambda branch: predict_and_show(branch, output, mlpath, runs),
        lambda _: compare(runner, output, mlpath, runs),  # it shows its table
    )


def predict_and_show(runner: Runner, output: Path, mlpath: Path, runs: Mapping[str, str]) -> None:
    """Write predictions into the runs, and execute the notebook with the plots."""
    control = output / "test" / "shards_adversarial"
    runner.title("predictions of all runs, notebook with the plots")
    apply = ("Evaluation/apply_adversarial_training.py", "--mlpath", mlpath, "--eval_ds", control)
    runner.run_together("predict", [
        (*apply, "--expID", run, *(["--not_adversarial"] if label == "nominal" else [])) for label, run in runs.items()
    ])  # fmt: skip
    execute_notebook(runner, output, mlpath, runs)


def execute_notebook(runner: Runner, output: Path, mlpath: Path, runs: Mapping[str, str]) -> None:
    """Execute the notebook of the plots."""
    parameters = {"mlpath": mlpath, "adversarial_run": runs["adversarial"], "default_run": runs["nominal"]}
    runner.run(
        "notebook", "-m", "papermill", "--no-progress-bar", REPOSITORY / "notebooks" / NOTEBOOK,
        output / NOTEBOOK, "-y", "djet_range: [0.5, 1.0]",
        *(word for name, value in parameters.items() for word in ("-r", name, value)),  # -p would read numbers
    )  # fmt: skip


def compare(runner: Runner, output: Path, mlpath: Path, runs: Mapping[str, str]) -> None:
    """Compare the runs on the test sample."""
    runner.title("report: before and after")
    control, test = (output / "test" / f"shards_{kind}" for kind in ("adversarial", "classification"))
    labels = {"nominal": "--nominal", "fine-tune k2=0": "--fine_tune", "adversarial": "--adversarial"}
    runner.run(
        "compare", "Evaluation/compare_runs.py", "--mlpath", mlpath, "--control", control, "--test", test,
        "--overwrite", "--output", output / "comparison",
        *(word for label, run in runs.items() for word in (labels[label], run)),
    )  # fmt: skip


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the demo."""
    parser = Parser(description=__doc__)
    parser.add_argument("--output", type=path, default=REPOSITORY / "demo_output", help="folder of everything made")
    parser.add_argument("--n-workers", type=count, default=2, help="processes of the simulation (2)")
    options = parser.parse_args(argv)
    output = options.output.resolve()
    config = read_yaml(DEMO / "demo.yaml")
    runner = Runner()
    with output_lock(output), ExitStack() as unfinished:
        require_own_folders([output / name for name in SAMPLES], [output / "comparison"])
        require_own_notebook(output / NOTEBOOK)
        first, second = SAMPLES
        of_first = unfinished.enter_context(up_to_date(runner, output / first, SOURCES))
        generate(of_first, output, first, options.n_workers)
        (mlpath, runs), _ = runner.at_once(
            lambda branch: train_on_first_sample(branch, config, output, unfinished, of_first),
            lambda branch: make_sample(branch, config, output, second, options.n_workers),
        )
        evaluate(runner, output, mlpath, runs)
    runner.print_times()
    plots = [output / "comparison", mlpath / runs["adversarial"] / "artifacts" / "plots"]
    print(f"\nPage of the comparison: {shown(output / 'comparison')}/index.html")
    print("Plots (PDF and PNG): " + ", ".join(shown(path) for path in plots))
    print(f"Executed notebook: {shown(output / NOTEBOOK)}")
    print(how_to_see_runs(newest(output / "mlruns", "nominal")))


if __name__ == "__main__":
    main()
