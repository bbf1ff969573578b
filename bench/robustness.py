"""Robustness of jet taggers: what trainings against attacks win back of what attacks take, and what it costs on clean jets.

Simulated jets, several seeds (of split and training), all configurations of bench/robustness.yaml with the same jets and
seeds; FGSM, PGD and noise within the limits of the feature table. Recovered fraction: (adversarial - nominal under attack)
/ (nominal clean - nominal attacked), of the AUC. A check for gradient masking: PGD with 40 steps and 4 starts, and attacks
made with the nominal network.

Everything is kept in --output FOLDER: jets, trained models, and one JSON file per configuration and seed. An interrupted run
continues where it was (only the training at work begins again); results of other settings are made anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from robustness_summary import summarise

from TauAdv.attacks.options import AttackSettings
from TauAdv.cli.options import count, path, whole_number
from TauAdv.config import read_yaml
from TauAdv.domain.discriminators import choose_discriminators
from TauAdv.evaluation.predictions.tables import load_run_model
from TauAdv.evaluation.robustness.predictions import predict_disturbed
from TauAdv.evaluation.robustness.settings import RAW, RobustnessSettings
from TauAdv.evaluation.robustness.tables import as_table, measure_all, recovered_fractions
from TauAdv.io.atomic import new_file
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.runs import find_run
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet
from TauAdv.simulation.jets.produce import produce_jets
from TauAdv.simulation.jets.settings import JetSimulationSettings
from TauAdv.training.run.train import train
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.load import training_settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CONFIG = Path(__file__).with_suffix(".yaml")
SCORES = ("BvsL", "BvsC")
NOMINAL = "nominal"
_SAMPLE_KEYS = ("sample", "preparation")
_OF_TRAINING = set(TrainingAttack.model_fields) - set(AttackSettings.model_fields)


@dataclass(frozen=True)
class Bench:
    """What is measured where.

    Attributes:
        plan: content of bench/robustness.yaml, ``quick`` applied.
        folder: of everything that is kept.
    """

    plan: Mapping[str, Any]
    folder: Path

    def extracted(self, workers: int) -> list[Path]:
        """Return the folders of the extracted jets, one per sample; made once."""
        samples = self.plan["sample"]
        return [self._extracted(sample, workers) for sample in (samples if isinstance(samples, list) else [samples])]

    def _extracted(self, sample: Mapping[str, Any], workers: int) -> Path:
        settings = JetSimulationSettings.model_validate(sample)
        folder = self.folder / "jets" / _hash(sample)[:8]
        produce_jets(settings, folder / "jets.json.gz", self.folder / "cache", n_workers=workers)
        extract_jets(folder / "jets.json.gz", folder / "extracted", ExtractionSettings())
        return folder / "extracted"

    @property
    def sample(self) -> Path:
        """Folder of the jets; one for each kind of sample and preparation."""
        return self.folder / f"sample_{_hash([self.plan[key] for key in _SAMPLE_KEYS])[:8]}"

    def prepared(self, extracted: Sequence[Path], seed: int) -> Path:
        """Return the folder with the sets of one seed; made once."""
        output = self.sample / f"prepared_{seed}"
        settings = JetPreparationSettings.model_validate({**self.plan["preparation"], "seed": seed})
        prepare_jets(list(extracted), output, settings)
        return output

    def digest(self, name: str) -> str:
        """Return a hash of all settings that a result depends on."""
        needed = [self.plan[key] for key in (*_SAMPLE_KEYS, "training", "evaluation")]
        chosen = [self.plan["configurations"][key] for key in dict.fromkeys((NOMINAL, name))]
        return _hash([needed, chosen])

    def result_file(self, name: str, seed: int) -> Path:
        """Return where a result is kept."""
        return self.folder / "results" / f"{_file_name(name)}_seed{seed}.json"

    def results(self) -> list[dict[str, Any]]:
        """Return all results that are there and up to date."""
        found = []
        for name in self.plan["configurations"]:
            for seed in self.plan["seeds"]:
                if (result := self.result(name, seed)) is not None:
                    found.append(result)
        return found

    def result(self, name: str, seed: int) -> dict[str, Any] | None:
        """Return a result, if it is there and of these settings."""
        path = self.result_file(name, seed)
        if not path.is_file():
            return None
        result = json.loads(path.read_text(encoding="utf-8"))
        return result if result["made_with"] == self.digest(name) else None

    def run_id(self, name: str, seed: int, prepared: Path) -> str:
        """Return the run of a configuration; train it unless it is there."""
        note = self.folder / "runs" / f"{_file_name(name)}_seed{seed}.json"
        wanted = {"made_with": self.training_digest(name)}
        if note.is_file():
            kept = json.loads(note.read_text(encoding="utf-8"))
            if kept["made_with"] == wanted["made_with"]:
                return str(kept["run"])
        start = time.monotonic()
        run_id = train(self.settings(name, seed, prepared))
        assert run_id is not None
        shutil.rmtree(find_run(self.mlruns, run_id).artifacts / "model_checkpoints")  # of every epoch: much room
        _write(note, {**wanted, "run": run_id, "seconds": time.monotonic() - start})
        return run_id

    def training_digest(self, name: str) -> str:
        """Return a hash of all settings that a training depends on."""
        needed = [self.plan[key] for key in (*_SAMPLE_KEYS, "training")]
        return _hash([needed, self.plan["configurations"][name]])

    @property
    def mlruns(self) -> Path:
        """Folder of the runs."""
        return self.folder / "mlruns"

    def settings(self, name: str, seed: int, prepared: Path) -> Any:
        """Return the settings of one training."""
        overrides = {**self.plan["training"], **self.plan["configurations"][name]}
        attack = overrides.get("attack")
        if (network := CONFIG.parent / overrides["model.network"]).is_file():
            overrides["model.network"] = str(network)
        files = {
            "data.shards": str(prepared / "train"),
            "data.validation_shards": str(prepared / "val"),
            "output.mlruns": str(self.mlruns),
        }
        metric = "val_loss" if attack is None else "val_attacked_loss"
        stopping = {"metric": metric, "patience": overrides["schedule.n_epochs"]}  # the best epoch of all of them
        own = {"tagger": "jet_flavour", "schedule.early_stopping": stopping}
        if attack is not None:
            own["data.validation_attack"] = {key: value for key, value in attack.items() if key not in _OF_TRAINING}
        names = {"seed": seed, "output.run_name": f"{name}, seed {seed}", "output.experiment": "robustness"}
        return training_settings(None, {**overrides, **files, **own, **names})

    def attacks(self) -> dict[str, dict[str, Any]]:
        """Return name -> attack: FGSM, PGD and noise at every eps."""
        settings, found = self.plan["evaluation"], {}
        for eps in settings["eps"]:
            found[f"FGSM {eps:g}"] = {"kind": "fgsm", "eps": eps}
            found[f"PGD {eps:g}"] = {"kind": "pgd", "eps": eps, "steps": settings["pgd_steps"]}
            found[f"noise {eps:g}"] = {"kind": "noise", "eps": eps}
        return found


@dataclass(frozen=True)
class Judge:
    """Evaluates the trainings of one seed; those of the nominal one are predicted once."""

    bench: Bench
    test: ShardSet
    nominal: Any

    def settings(self, disturbances: Mapping[str, Any], **more: Any) -> RobustnessSettings:
        """Return the settings of a study under these disturbances."""
        samples = self.bench.plan["evaluation"]["bootstrap"]
        return RobustnessSettings.model_validate({"disturbances": dict(disturbances), "bootstrap": samples, **more})

    def own(self, model: Any, disturbances: Mapping[str, Any], **more: Any) -> dict[str, np.ndarray]:
        """Return disturbance -> probabilities of a model that reads what was made with itself."""
        settings = self.settings(disturbances, **more)
        found = predict_disturbed({"it": model}, self.test, settings, transfer=False)
        return {disturbance: values for (_, disturbance), values in found.own().items()}

    def judge(self, name: str, model: Any, nominal_own: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return tables: AUC, what is recovered, check for masking, transfer."""
        plan = self.bench.plan["evaluation"]
        own = nominal_own if name == NOMINAL else self.own(model, self.bench.attacks())
        both = {(run, key): values for run, found in ((NOMINAL, nominal_own), (name, own)) for key, values in found.items()}
        measured = self.measured(both)
        tables = {"performance": as_table(measured, ["run", "disturbance", "discriminator"], self.settings({}))}
        tables["recovered"] = recovered_fractions(measured) if name != NOMINAL else pd.DataFrame()
        few = {"weak": {**plan["masking"], "steps": plan["pgd_steps"], "restarts": 1}, "strong": plan["masking"]}
        checked = self.own(model, few, rows=plan["masking_rows"])
        tables["masking"] = self.table({(key,): values for key, values in checked.items()}, ["attack"])
        if name != NOMINAL:
            models = {NOMINAL: self.nominal, name: model}
            crossed = predict_disturbed(models, self.test, self.settings({"transfer": plan["transfer"]})).probabilities
            moved = {key[1:]: values for key, values in crossed.items() if key[0] != RAW}
            tables["transfer"] = self.table(moved, ["made_with", "read_by"])
        return {key: json.loads(table.to_json(orient="records")) for key, table in tables.items()}

    def measured(self, probabilities: Mapping[tuple[str, ...], np.ndarray]) -> dict[tuple[str, ...], Any]:
        """Return (..., score) -> AUC with its bootstrap."""
        rows = len(next(iter(probabilities.values())))
        label = self.test.columns(["label"])["label"][:rows]
        scores = choose_discriminators(self.test.classes, SCORES)
        return measure_all(probabilities, scores, label, np.ones(rows), self.settings({}))

    def table(self, probabilities: Mapping[tuple[str, ...], np.ndarray], names: Sequence[str]) -> pd.DataFrame:
        """Return the AUC as a table."""
        return as_table(self.measured(probabilities), [*names, "discriminator"], self.settings({}))


def work(bench: Bench, extracted: Sequence[Path], seed: int) -> None:
    """Train and judge all configurations of one seed that have no result yet."""
    missing = [name for name in bench.plan["configurations"] if bench.result(name, seed) is None]
    if not missing:
        return
    prepared = bench.prepared(extracted, seed)
    test = ShardSet.open(prepared / "test")
    nominal = load_run_model(find_run(bench.mlruns, bench.run_id(NOMINAL, seed, prepared)), test)
    judge = Judge(bench, test, nominal)
    nominal_own = judge.own(nominal, bench.attacks())
    for name in missing:
        run_id = bench.run_id(name, seed, prepared)
        run = find_run(bench.mlruns, run_id)
        tables = judge.judge(name, load_run_model(run, test), nominal_own)
        identity = {"configuration": name, "seed": seed, "made_with": bench.digest(name), "run": run_id}
        counts = {"train": ShardSet.open(prepared / "train").num_rows, "test": test.num_rows}
        _write(bench.result_file(name, seed), {**identity, "jets": counts, "last_metrics": run.metrics, **tables})
        print(f"done: {name}, seed {seed}", flush=True)


def _completed(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with those of its key ``<<``, over which its own win."""
    return {**_completed(configuration.get("<<", {})), **{key: value for key, value in configuration.items() if key != "<<"}}


def plan_of(path: Path, *, quick: bool, only: Sequence[str] | None, seeds: Sequence[int] | None) -> dict[str, Any]:
    """Return the plan of a YAML file; ``quick`` makes everything smaller."""
    plan = read_yaml(path)
    plan["configurations"] = {name: _completed(one) for name, one in plan["configurations"].items()}
    small = plan.pop("quick")
    if quick:
        samples = plan["sample"] if isinstance(plan["sample"], list) else [plan["sample"]]
        for sample in samples:
            sample["events"] = small["events"]
        plan["training"]["schedule.n_epochs"] = small["n_epochs"]
        plan["seeds"] = small["seeds"]
    chosen = only or (small["configurations"] if quick else list(plan["configurations"]))
    plan["configurations"] = {name: plan["configurations"][name] for name in dict.fromkeys((NOMINAL, *chosen))}
    if quick:
        for settings in plan["configurations"].values():
            settings.pop("schedule.n_epochs", None)
            settings.pop("weight_average", None)  # there are fewer steps than its window
    return {**plan, "seeds": list(seeds or plan["seeds"])}


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "." else "_" for letter in name)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with new_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sample, few epochs and configurations (under 5 minutes)")
    parser.add_argument("--json", type=path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--output", type=path, help="folder of everything; default: bench_output/robustness[_quick]")
    parser.add_argument("--config", type=path, default=CONFIG, help="YAML of sample, trainings and attacks")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these configurations (and the nominal one)")
    parser.add_argument("--seeds", nargs="+", type=whole_number, help="other seeds")
    parser.add_argument("--n-workers", type=count, default=2, help="processes of the simulation (2)")
    return parser.parse_args()


def main() -> None:
    """Measure what is missing, and print the tables."""
    options = arguments()
    default = CONFIG.parent.parent / "bench_output" / ("robustness_quick" if options.quick else "robustness")
    folder = (options.output or default).resolve()
    plan = plan_of(options.config, quick=options.quick, only=options.only, seeds=options.seeds)
    bench = Bench(plan, folder)
    if len(bench.results()) < len(plan["seeds"]) * len(plan["configurations"]):
        extracted = bench.extracted(options.n_workers)
        for seed in plan["seeds"]:
            work(bench, extracted, seed)
    summarise(bench.results(), plan, folder, options.json)


if __name__ == "__main__":
    main()
