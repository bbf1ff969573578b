"""Tables of bench/robustness.py: means and spreads over seeds, and what reached the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from report import Report

from TauAdv.evaluation.adaptation.report import aligned
from TauAdv.evaluation.robustness.seeds import mean_and_spread, over_seeds, recovered_over_seeds
from TauAdv.evaluation.robustness.settings import RAW

__all__ = ["summarise"]

NOMINAL = "nominal"
GOAL_RECOVERED = 0.65
GOAL_COST = {"BvsL": 0.1, "BvsC": 0.3}  # points of AUC
Results = Sequence[Mapping[str, Any]]


def summarise(results: Results, plan: Mapping[str, Any], folder: Path, json_path: Path | None) -> None:
    """Print all tables, write them as CSV into ``folder``, and print goal and figure."""
    trainings = {name: [_label(name, seed) for seed in plan["seeds"]] for name in plan["configurations"]}
    tables = {name: _gathered(results, name) for name in ("performance", "recovered", "masking", "transfer")}
    own = _own_runs(tables["performance"])
    performance = over_seeds(own, trainings)
    recovered = _with_bootstrap(recovered_over_seeds(own, trainings), tables["recovered"])
    same_recipe = _against_same_recipe(own, trainings, plan["configurations"])
    named = {"auc": performance, "recovered_over_seeds": recovered, "recovered_same_recipe": same_recipe}
    for name, table in {**tables, **named}.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    _print("AUC, mean ± spread over seeds", _auc_lines(performance))
    _print("recovered fraction, mean ± spread over seeds (± bootstrap of one test set)", _recovered_lines(recovered))
    _print("check for gradient masking: AUC under PGD, few steps and many", _masking_lines(tables["masking"], plan))
    _print("transfer: AUC under an attack made with one network, read by another", _transfer_lines(tables["transfer"]))
    judged = pd.concat([recovered.assign(baseline=NOMINAL), same_recipe], ignore_index=True)
    _goal(judged, plan, results).finish(json_path)
    print(f"tables: {folder}")


def _label(name: str, seed: int) -> str:
    return f"{name}, seed {seed}"


def _gathered(results: Results, name: str) -> pd.DataFrame:
    """Return one table of all results, with the columns ``configuration`` and ``seed``."""
    parts = [
        pd.DataFrame(result[name]).assign(configuration=result["configuration"], seed=result["seed"])
        for result in results
        if result.get(name)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _own_runs(performance: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each result's own run (the nominal one is in all), under one label per training."""
    own = performance[performance["run"] == performance["configuration"]]
    return own.assign(run=[_label(name, seed) for name, seed in zip(own["configuration"], own["seed"], strict=True)])


def _against_same_recipe(own: pd.DataFrame, trainings: Mapping[str, list[str]], settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return what trainings recover of the loss of the nominal training of their own recipe, where that is not "nominal".

    That is the one with all their settings but the attack: the stricter comparison, since a recipe may help the nominal
    training as well.
    """
    found = [pd.DataFrame()]
    for name, chosen in settings.items():
        recipe = {key: value for key, value in chosen.items() if key != "attack"}
        first = next((other for other, given in settings.items() if given == recipe), NOMINAL)
        if first not in (name, NOMINAL):
            pair = {title: trainings[title] for title in (first, name)}
            found.append(recovered_over_seeds(own, pair).assign(baseline=first))
    return pd.concat(found, ignore_index=True)


def _with_bootstrap(recovered: pd.DataFrame, single: pd.DataFrame) -> pd.DataFrame:
    keys = ["configuration", "disturbance", "discriminator"]
    errors = single.groupby(keys)["recovered_error"].mean().rename("recovered_error").reset_index()
    return recovered.merge(errors.rename(columns={"configuration": "training"}), how="left", on=["training", *keys[1:]])


def _print(title: str, lines: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}")
    print("\n".join(aligned(lines)))


def _auc_lines(table: pd.DataFrame) -> list[list[str]]:
    disturbances = list(dict.fromkeys(table["disturbance"]))
    lines = [["training", "score", *disturbances]]
    for (training, name), part in table.groupby(["training", "discriminator"], sort=False):
        cells = part.set_index("disturbance")
        values = [f"{cells.loc[key, 'auc']:.4f}±{cells.loc[key, 'auc_spread']:.4f}" for key in disturbances]
        lines.append([training, name, *values])
    return lines


def _recovered_lines(table: pd.DataFrame) -> list[list[str]]:
    chosen = table[~table["disturbance"].str.startswith("noise")]
    disturbances = list(dict.fromkeys(chosen["disturbance"]))
    lines = [["training", "score", *disturbances, "clean change, points"]]
    for (training, name), part in chosen.groupby(["training", "discriminator"], sort=False):
        cells = part.set_index("disturbance")
        values = [
            f"{row['recovered']:.3f}±{row['recovered_spread']:.3f} (±{row['recovered_error']:.3f})"
            for _, row in cells.loc[disturbances].iterrows()
        ]
        first = part.iloc[0]
        clean = f"{100 * first['clean_change']:+.2f} ± {100 * first['clean_change_spread']:.2f}"
        lines.append([training, name, *values, clean])
    return lines


def _masking_lines(table: pd.DataFrame, plan: Mapping[str, Any]) -> list[list[str]]:
    strong, steps = plan["evaluation"]["masking"], plan["evaluation"]["pgd_steps"]
    titles = {RAW: "clean", "weak": f"PGD {steps} x 1", "strong": f"PGD {strong['steps']} x {strong['restarts']}"}
    lines = [["training", "score", *titles.values(), f"at eps {strong['eps']:g}: change, points"]]
    for (training, name), part in table.groupby(["configuration", "discriminator"], sort=False):
        mean = part.groupby("attack")["auc"].mean()
        wide = part.pivot_table(index="seed", columns="attack", values="auc")
        change, spread = mean_and_spread(100 * (wide["strong"] - wide["weak"]))
        lines.append([training, name, *(f"{mean[key]:.4f}" for key in titles), f"{change:+.2f} ± {spread:.2f}"])
    return lines


def _transfer_lines(table: pd.DataFrame) -> list[list[str]]:
    lines = [["training", "score", "own attack, own reading", "made with nominal", "made with it, read by nominal"]]
    if not len(table):
        return lines
    for (training, name), part in table.groupby(["configuration", "discriminator"], sort=False):
        mean = part.groupby(["made_with", "read_by"])["auc"].mean()
        keys = ((training, training), (NOMINAL, training), (training, NOMINAL))
        lines.append([training, name, *(f"{mean[key]:.4f}" for key in keys)])
    return lines


def _goal(recovered: pd.DataFrame, plan: Mapping[str, Any], results: Results) -> Report:
    """Return goal and figure of every configuration, and of the one that comes nearest."""
    jets = results[0]["jets"]
    numbers = f"{jets['train']} jets to train, {jets['test']} to test, seeds {', '.join(map(str, plan['seeds']))}"
    report = Report(f"Robustness of jet taggers ({numbers})")
    at = [f"{kind} {eps:g}" for kind in ("FGSM", "PGD") for eps in plan["evaluation"]["goal_eps"]]
    found = {}
    for training, part in recovered[recovered["disturbance"].isin(at)].groupby(["training", "baseline"], sort=False):
        worst = part.loc[part["recovered"].idxmin()]
        cost = {name: -100 * part.loc[part["discriminator"] == name, "clean_change"].iloc[0] for name in GOAL_COST}
        excess = max(GOAL_RECOVERED - worst["recovered"], *(0.1 * (cost[name] - most) for name, most in GOAL_COST.items()))
        found[training] = (excess, worst, cost)
    for (training, baseline), (excess, worst, cost) in sorted(found.items(), key=lambda entry: entry[1][0]):
        where = f"{worst['disturbance']}, {worst['discriminator']}"
        figure = f"recovers >= {worst['recovered']:.3f} ({where}), clean " + ", ".join(
            f"{name} {-value:+.2f}" for name, value in cost.items()
        )
        goal = f">= {GOAL_RECOVERED:g}, " + ", ".join(f"{name} >= -{most:g}" for name, most in GOAL_COST.items())
        report.add(training, figure=figure, baseline=baseline, goal=f"{goal}: {'reached' if excess <= 0 else 'not reached'}")
    return report
