#!/usr/bin/env python3
"""From nothing to a domain-adapted tau tagger with its plots, by the scripts that a user would run (`make demo`).

Output goes to demo_output/: generated events in cache/, samples in train/ and test/, runs in mlruns/. What is made is made
once (generated events, tuples, shards); trainings, predictions and plots are new each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steps import (
    DEMO,
    REPOSITORY,
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

SOURCES = sorted(path for path in DEMO.iterdir() if path.suffix in {".py", ".yaml"} and path.name != "run_demo_jets.py")
SAMPLES = ("train", "test")  # the second one is made while the classifier is trained on the first
NOTEBOOK = "evaluate_adversarial.ipynb"
COMPRESSION = ("--comp-algo", "zstd", "--comp-level", 5)


def make_sample(runner: Runner, config: Mapping[str, Any], output: Path, name: str, workers: int) -> None:
    """Make one of the two independent samples, unless it is up to date."""
    with up_to_date(runner, output / name, SOURCES) as of_sample:
        sample_steps(of_sample, config, output, name, workers)


def sample_steps(runner: Runner, config: Mapping[str, Any], output: Path, name: str, workers: int) -> None:
    """Run the steps of a sample, from generated events to shards."""
    folder = output / name
    tuples, skims, mixed = folder / "tuples", folder / "skims", folder / "mixed"
    runner.title(f"{name} sample: generate events, simulate the detector, reconstruct tau candidates")
    generate = ("Production/generate_tuples.py", "--config", DEMO / f"simulation_{name}.yaml", "--output", tuples)
    runner.run("generate", *generate, "--cache", output / "cache", "--n-workers", workers)

    runner.title(f"{name} sample: skim")
    runner.run_together("skim", [skim_command(config, tuples, skims, skim) for skim in config["skims"]])

    runner.title(f"{name} sample: spectra, event drop")
    targets = [
        f"--target=mt_inclusive/EMB={skims}/SingleMuon_skimmed.root",
        f"--target=mt_inclusive/W={skims}/Wjets_skimmed.root",
    ]
    spectra = ("Production/make_spectra.py", "--input", *(tuples / f"{x}.root" for x in simulated(config)))
    runner.run_together(
        "spectra",
        [
            ("Production/make_spectra.py", *targets, "--output", folder / "datacard.root"),
            (*spectra, "--output", folder / "spectrum.root"),
        ],
    )
    drops = [drop_command(folder / "datacard.root", skims, skim, drop) for skim, drop in config["drops"].items()]
    runner.run_together("drop", drops)

    runner.title(f"{name} sample: mix the control region, pT weights, shards")
    batches = f"outputs.control.batches={config['batches'][name]}"
    runner.run(
        "mix",
        "Production/mix_events.py",
        "--config",
        DEMO / "mix.yaml",
        "--input_dir",
        skims,
        "--output_dir",
        mixed,
        batches,
    )
    weights = ("--config", DEMO / "pt_weights.yaml")
    runner.run(
        "weights", "Production/make_pt_weights.py", "--input", mixed / "control_region.root",
        "--output", folder / "pt_weights.root", *weights,
    )  # fmt: skip
    runner.run_together("shards", [adversarial_shards(folder), classification_shards(config, folder)])


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


def train(runner: Runner, config: Mapping[str, Any], output: Path) -> tuple[Path, dict[str, str]]:
    """Train the classifier and its fine-tunes; return the folder of the experiment and the run ids by label."""
    mlruns = output / "mlruns"
    common = (f"data.shards={output}/train/shards_classification", f"output.mlruns={mlruns}", "output.experiment=demo")
    runner.title("train the classifier")
    runner.run(
        "train", "Training/train_classifier.py", "--config", DEMO / "classifier.yaml", *common, "output.run_name=nominal"
    )
    nominal = newest(mlruns, "nominal")
    strengths = config["fine_tunes"]
    runner.title(
        "fine-tune against the control region: " + ", ".join(f"{name} (k2 = {k2})" for name, k2 in strengths.items())
    )
    adversary = (f"data.adv_shards={output}/train/shards_adversarial", f"model.pretrained.run_id={nominal.id}")
    fine_tune = ("Training/train_adversarial.py", "--config", DEMO / "adversarial.yaml", *common, *adversary)
    runner.run_together(
        "fine-tune",
        [(*fine_tune, f"method.adv_parameter=[1,{k2}]", f"output.run_name={label}") for label, k2 in strengths.items()],
    )
    runs = {"nominal": nominal.id} | {label: newest(mlruns, label).id for label in strengths}
    return nominal.mlpath, runs


def evaluate(runner: Runner, output: Path, mlpath: Path, runs: Mapping[str, str]) -> None:
    """Write predictions into the runs, execute the notebook and compare the runs."""
    control = output / "test" / "shards_adversarial"
    runner.title("predictions of all runs")
    apply = ("Evaluation/apply_adversarial_training.py", "--mlpath", mlpath, "--eval_ds", control)
    runner.run_together("predict", [
        (*apply, "--expID", run, *(["--not_adversarial"] if label == "nominal" else [])) for label, run in runs.items()
    ])  # fmt: skip
    runner.title("notebook with the plots, and a report: before and after")
    runner.at_once(
        lambda branch: execute_notebook(branch, output, mlpath, runs),
        lambda _: compare(runner, output, mlpath, runs),  # it shows its table
    )


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
    with output_lock(output):
        require_own_folders([output / name for name in SAMPLES], [output / "comparison"])
        require_own_notebook(output / NOTEBOOK)
        first, second = SAMPLES
        make_sample(runner, config, output, first, options.n_workers)
        (mlpath, runs), _ = runner.at_once(
            lambda branch: train(branch, config, output),
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
