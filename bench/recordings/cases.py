"""The recorded cases: the scripts as a user runs them, and what is read of their outputs."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordings.exported import cms_contents, onnx_contents, saved_model_contents
from recordings.outputs import Recorded, columns, histograms, model_contents, numbers, run_contents, shard_contents, tables
from recordings.settings import COMPARISON, ROBUSTNESS, TRAININGS
from recordings.workspace import Place

__all__ = ["CASES", "Case", "with_needed", "write_settings"]

APPLY, COMPARE = "Evaluation/apply_adversarial_training.py", "Evaluation/compare_runs.py"
EVALUATE, EXPORT = "Evaluation/evaluate_robustness.py", "Evaluation/export_model.py"
IMPORT = "Training/import_cms_model.py"
_WEIGHTS = "weights, state, metrics"


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        name: of the case; a training's run has it, too.
        what: is compared.
        commands: (script, words) in their order; ``<run of NAME>`` becomes the identifier of a run.
        contents: reads what is recorded; runs in a process of its own.
        needs: cases that come before.
        devices: logical CPU devices.
        quick: whether ``--quick`` runs it.
        package: that must be installed.
    """

    name: str
    what: str
    commands: Sequence[tuple[str, Sequence[str]]]
    contents: Callable[[Place], Recorded]
    needs: Sequence[str] = ()
    devices: int = 1
    quick: bool = False
    package: str | None = None

    @property
    def available(self) -> bool:
        """Whether the package that it needs is installed."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


def _training(name: str) -> Case:
    script, settings = TRAININGS[name]
    file = f"settings/{name}.yaml"
    commands = [(script, ["--config", file])]
    if name == "jet-resumed":
        commands.append((script, ["--resume", f"<run of {name}>", "--mlpath", "mlruns", "schedule.n_epochs=2"]))
    return Case(
        name,
        _WEIGHTS,
        commands,
        lambda place: run_contents(place, name),
        needs=[other for other in TRAININGS if f"<run of {other}>" in json.dumps(settings)],
        devices=2 if settings["schedule"].get("devices") == "mirrored" else 1,
        quick=name in ("tau-classifier", "tau-adversarial", "jet-nominal", "jet-fgsm"),
    )


def write_settings(place: Place, name: str) -> None:
    """Write the settings of a training, if the case is one, where its command reads them: JSON, which YAML contains."""
    if name in TRAININGS:
        path = place.folder / "settings" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        content = TRAININGS[name][1]
        content = {**content, "output": {**content["output"], "run_name": name}}
        path.write_text(place.with_identifiers(json.dumps(content, indent=1)))


def _inputs(place: Place) -> Recorded:
    inputs = place.folder / "in"
    recorded = histograms("pt weights", inputs / "pt_weights.root") | histograms("spectrum", inputs / "spectrum.root")
    for name in ("adversarial", "classification", "prepared", "domains"):
        recorded |= shard_contents(name, inputs / name)
    return recorded


def _apply(run: str, shards: str, *more: str) -> tuple[str, list[str]]:
    return APPLY, ["--expID", f"<run of {run}>", "--mlpath", "mlruns", "--eval_ds", f"in/{shards}", *more]


def _predictions(place: Place) -> Recorded:
    found = {name: tables(place.artifacts(name) / "predictions") for name in ("tau-classifier", "tau-adversarial")}
    return {f"{name} {table}": content for name, stored in found.items() for table, content in stored.items()}


def _closure(place: Place) -> Recorded:
    """Return what the notebook of the closure shows: tests, moments and histograms by contribution of both runs."""
    from TauAdv.evaluation.measures.closure import closure_test
    from TauAdv.evaluation.measures.histograms import fill_histograms, moments
    from TauAdv.evaluation.predictions.contributions import contributions_of_tables
    from TauAdv.evaluation.predictions.tables import read_predictions
    from TauAdv.runs import find_run

    runs = {
        name: find_run(place.folder / "mlruns", place.identifier(name)) for name in ("tau-adversarial", "tau-k2-schedule")
    }
    contributions = contributions_of_tables(runs)
    recorded: Recorded = {"contributions": {entry.name: entry.dataset_id for entry in contributions}}
    for name, run in runs.items():
        table = read_predictions(run, ["dataset_id"])
        test = closure_test(table, contributions)
        rates = {key: [rate.value, rate.error] for key, rate in (("rate", test.rate), ("overall", test.overall))}
        recorded[f"{name} closure"] = {"chi2": test.chi2, "ndf": test.ndf, "edges": test.edges[:-1], **rates}
        for column in ("Djet", "y_pred_adv"):
            filled = fill_histograms(table, column, contributions, bins=10, value_range=(0, 1)).view(flow=True)
            recorded |= {f"{name} {column} sums": filled.value, f"{name} {column} variances": filled.variance}
            sides = moments(table, column, contributions).items()
            recorded[f"{name} {column} moments"] = {side: [[m.value, m.error] for m in both] for side, both in sides}
    return recorded


def _comparison(place: Place) -> Recorded:
    return {"comparison": numbers(place.folder / "reports/comparison/comparison.json", "sensitive", "counts", "runs")}


def _robustness(tagger: str, first: str, second: str, test: str) -> Case:
    name, report = f"{tagger}-robustness", f"reports/{tagger}"
    words = ["--mlpath", "mlruns", "--nominal", f"<run of {first}>", "--adversarial", f"<run of {second}>"]

    def contents(place: Place) -> Recorded:
        folder = place.folder / report
        recorded = {**tables(folder), "counts": numbers(folder / "robustness.json", "counts", "confusion")}
        for run in (first, second):
            (path,) = (place.artifacts(run) / "predictions").glob("robustness_*.parquet")
            recorded |= columns(f"predictions of {run}", path)
        return recorded

    commands = [(EVALUATE, [*words, "--test", f"in/{test}", "--output", report, *ROBUSTNESS[tagger]])]
    return Case(name, "predictions, tables", commands, contents, needs=(first, second))


def _export(form: str, contents: Callable[[Path], Recorded], package: str | None = None) -> Case:
    output = f"exports/{form}"
    words = ["--format", form, "--expID", "<run of tau-classifier>", "--mlpath", "mlruns", "--output", output]
    commands, read = [(EXPORT, words)], lambda place: contents(place.folder / output)
    return Case(f"tau-{form}", "constants, scores, figures", commands, read, needs=["tau-classifier"], package=package)


_GRAPHS = [word for part in ("inner", "outer", "core") for word in (f"--{part}", f"exports/cms/campaign_{part}.pb")]
_IMPORTED = ["--features", "deeptau_v2p5", "--n_taus", "20", "--output", "imported/model.keras"]
_EVALUATIONS = (
    Case(
        "tau-predictions",
        "tables",
        [_apply("tau-adversarial", "adversarial"), _apply("tau-classifier", "classification", "--not_adversarial")],
        _predictions,
        needs=("tau-classifier", "tau-adversarial"),
        quick=True,
    ),
    Case(
        "tau-closure",
        "tests, moments, histograms",
        [_apply("tau-k2-schedule", "adversarial")],
        _closure,
        needs=("tau-predictions", "tau-k2-schedule"),
    ),
    Case(
        "tau-comparison",
        "table",
        [
            (
                COMPARE,
                [
                    *(
                        "--mlpath",
                        "mlruns",
                        "--nominal",
                        "<run of tau-classifier>",
                        "--fine_tune",
                        "<run of tau-k2-schedule>",
                    ),
                    *("--adversarial", "<run of tau-adversarial>", "--control", "in/adversarial"),
                    *("--test", "in/classification", "--output", "reports/comparison", *COMPARISON),
                ],
            )
        ],
        _comparison,
        needs=("tau-classifier", "tau-k2-schedule", "tau-adversarial"),
    ),
    _robustness("tau", "tau-classifier", "tau-fgsm", "classification"),
    _robustness("jet", "jet-nominal", "jet-fgsm", "prepared/test"),
    _export("savedmodel", saved_model_contents),
    _export("onnx", onnx_contents, "onnxruntime"),
    _export("cms", cms_contents),
    Case(
        "tau-import",
        "weights",
        [(IMPORT, [*_GRAPHS, *_IMPORTED])],
        lambda place: model_contents(place.folder / "imported"),
        ["tau-cms"],
    ),
)
#: In the order in which they run.
CASES = (
    Case("inputs", "shards, histograms", (), _inputs, quick=True),
    *(_training(name) for name in TRAININGS),
    *_EVALUATIONS,
)


def with_needed(names: Sequence[str]) -> list[Case]:
    """Return the cases of these names with all that they need, in their order."""
    wanted, found = set(names), set()
    while wanted:
        found |= wanted
        wanted = {needed for case in CASES if case.name in wanted for needed in case.needs} - found
    return [case for case in CASES if case.name in found]
