#!/usr/bin/env python3
"""From nothing to a jet-flavour tagger trained against attacks, and how robust it is, by the scripts (`make demo-jets`).

Output goes to demo_output/jets/: generated events in cache/, jets in sample/, runs in mlruns/, the report in report/. What
is made is made once (events, jets, shards); trainings and reports are new each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steps import DEMO, REPOSITORY, Runner, how_to_see_runs, newest, require_own_folders, shown, up_to_date

from TauAdv.cli.options import count, path
from TauAdv.cli.parser import Parser
from TauAdv.cli.report import report_errors
from TauAdv.evaluation.robustness.seeds import read_performance, seed_text
from TauAdv.io.locks import output_lock

CONFIGS = DEMO / "jets"
SOURCES = [DEMO / "steps.py", Path(__file__), CONFIGS]
SEEDS = (1, 2, 3)
TRAININGS = ("nominal", "adversarial")
SHOWN = ("BvsL", "BvsC")

EXPLANATION = """
raw: test jets as they are. FGSM, PGD: each input moved by up to 0.1 of its spread (counts and absent values stay), such that
the tagger errs; each tagger is attacked for itself. Noise of this size does no harm. Training on attacked jets (FGSM, 0.05)
wins back a part of what the attacks take, and costs some separation of untouched b and c jets: see the column raw."""


def make_sample(runner: Runner, output: Path, workers: int) -> Path:
    """Make the jets, from generated events to shards; return the folder of the sets train, val and test."""
    sample = output / "sample"
    jets, extracted, prepared = sample / "jets.json.gz", sample / "extracted", sample / "prepared"
    runner.title("simulate b, c and light jets, in the format of the Jet Flavor dataset")
    generate = ("Production/generate_jets.py", "--config", CONFIGS / "simulation.yaml", "--output", jets)
    runner.run("generate", *generate, "--cache", output / "cache", "--n-workers", workers)
    runner.title("extract the columns that are needed")
    runner.run("extract", "Production/extract_jets.py", "--input", jets, "--output", extracted)
    runner.title("defaults, scalers, sample weights, split: shards")
    prepare = ("Production/prepare_jets.py", "--config", CONFIGS / "preparation.yaml")
    runner.run("prepare", *prepare, "--input", extracted, "--output", prepared)
    return prepared


def label(training: str, seed: int) -> str:
    """Return the name of a run; those of the first seed are shown in the report."""
    return training if seed == SEEDS[0] else f"{training} seed {seed}"


def train(runner: Runner, prepared: Path, mlruns: Path) -> dict[str, str]:
    """Train all; return label -> run id."""
    runner.title(f"train {' and '.join(TRAININGS)}, {len(SEEDS)} seeds each, two at a time")
    sets = (f"data.shards={prepared}/train", f"data.validation_shards={prepared}/val", f"output.mlruns={mlruns}")
    runner.run_together("train", [
        ("Training/train_jet_tagger.py", "--config", CONFIGS / f"{training}.yaml", *sets,
         f"seed={seed}", f"output.run_name={label(training, seed)}")
        for seed in SEEDS for training in TRAININGS
    ])  # fmt: skip
    labels = [label(training, seed) for seed in SEEDS for training in TRAININGS]
    return {name: newest(mlruns, name).id for name in labels}


def evaluate(runner: Runner, output: Path, prepared: Path, mlruns: Path, runs: Mapping[str, str]) -> None:
    """Write the report of the first seed's runs, and the figures of all."""
    common = ("--overwrite", "--mlpath", mlruns, "--test", prepared / "test", "--config", CONFIGS / "robustness.yaml")
    first = ("--nominal", runs["nominal"], "--adversarial", runs["adversarial"])
    others = [word for name, run in runs.items() if name not in TRAININGS for word in ("--run", f"{name}={run}")]
    runner.title("how robust they are: tables, plots, one page")
    script = "Evaluation/evaluate_robustness.py"
    runner.run("report", script, *common, *first, "--output", output / "report")
    runner.title("the same figures of all seeds")
    runner.run_together("seeds", [(script, *common, *first, *others, "--parts", "roc", "--output", output / "seeds")])


@report_errors
def main(argv: list[str] | None = None) -> None:
    """Run the demo."""
    parser = Parser(description=__doc__)
    parser.add_argument("--output", type=path, default=REPOSITORY / "demo_output" / "jets", help="folder of everything made")
    parser.add_argument("--n-workers", type=count, default=2, help="processes of the simulation (2)")
    options = parser.parse_args(argv)
    output = options.output.resolve()
    runner, mlruns = Runner(), output / "mlruns"
    with output_lock(output):
        require_own_folders([output / "sample"], [output / name for name in ("report", "seeds")])
        with up_to_date(runner, output / "sample", SOURCES) as of_sample:
            prepared = make_sample(of_sample, output, options.n_workers)
        runs = train(runner, prepared, mlruns)
        evaluate(runner, output, prepared, mlruns, runs)
    runner.print_times()
    trainings = {training: [label(training, seed) for seed in SEEDS] for training in TRAININGS}
    print(f"\n{seed_text(read_performance(output / 'seeds'), trainings, SHOWN)}")
    print(EXPLANATION)
    print(f"\nPage with all plots: {shown(output / 'report')}/index.html; figures of all seeds: {shown(output / 'seeds')}")
    print(how_to_see_runs(newest(mlruns, TRAININGS[0])))


if __name__ == "__main__":
    main()
