"""How simulated jets compare with the Jet Flavor dataset: means of all variables, vertex rates, and a quick tagger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from TauAdv.domain.classes import FLAVOURS, JetClass
from TauAdv.errors import InputError
from TauAdv.jets.columns import Jets, arrange, concatenate_jets
from TauAdv.jets.published import published_columns
from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import TARGET, Column, JetTable

__all__ = ["JetComparison", "JetFigure", "column_comparisons", "load_jets", "quality_figures", "report"]

_BLOCK = 1000
_TRAINED_SHARE = 0.6
_PT_EDGES = (25, 30, 40, 50, 70, 100, 150, 250)
_MIN_CLASS = 200


@dataclass(frozen=True)
class JetComparison:
    """Mean and spread of a column without absent values, here and as published; ``absent`` is the share of absent values."""

    name: str
    mean: float
    spread: float
    published_mean: float
    published_spread: float
    absent: float


@dataclass(frozen=True)
class JetFigure:
    """A figure of merit and its expected value."""

    name: str
    measured: float
    expected: str


def load_jets(path: Path | str, most: int | None = None) -> Jets:
    """Return jets of a ``.json.gz`` file with their six most displaced tracks.

    Args:
        path: of the file.
        most: jets to keep: every n-th, as files are ordered by flavour.

    Raises:
        InputError: a line that is not a jet, or no jets.
    """
    table = JetTable.load()
    parts = []
    with LineReader(path) as reader:
        while lines := reader.read(_BLOCK):
            raw = parse_lines(lines, reader.line_number - len(lines) + 1, table)
            if raw.faults:
                msg = f"{path}: line {raw.faults[0].line}: {raw.faults[0].text}"
                raise InputError(msg)
            parts.append(arrange(raw, table, table.input_tracks))
    if not parts:
        msg = f"{path}: no jets"
        raise InputError(msg)
    jets = concatenate_jets(parts)
    return jets if most is None else jets.take(slice(None, None, max(1, -(-len(jets) // most))))


def _present(column: Column, values: np.ndarray) -> np.ndarray:
    finite = [value for value in column.variable.absent if np.isfinite(value)]
    return np.isfinite(values) & ~np.isin(values, finite)


def column_comparisons(jets: Jets, tracks: tuple[int, ...] = (0,)) -> list[JetComparison]:
    """Return the comparison of all variables of the jet and of some of its tracks with the published table."""
    published = published_columns()
    found = []
    for number, column in enumerate(jets.columns):
        if column.full_index == TARGET or (column.track is not None and column.track not in tracks):
            continue
        values = jets.values[:, number].astype(np.float64)
        exists = np.ones(len(jets), bool) if column.track is None else jets.n_tracks > column.track
        present = exists & _present(column, values)
        mean, spread = (values[present].mean(), values[present].std()) if present.any() else (np.nan, np.nan)
        known = published[column.name]
        absent = 1 - present.sum() / max(exists.sum(), 1)
        found.append(JetComparison(column.name, mean, spread, known.mean, known.variance**0.5, float(absent)))
    return found


def _same_pt(signal: np.ndarray, pt: np.ndarray) -> np.ndarray:
    """Return weights that give the other class the pt spectrum of the signal."""
    pt_bin = np.digitize(pt, _PT_EDGES)
    bins = len(_PT_EDGES) + 1
    wanted = np.bincount(pt_bin[signal], minlength=bins) / max(signal.sum(), 1)
    there = np.bincount(pt_bin[~signal], minlength=bins) / max((~signal).sum(), 1)
    return np.where(signal, 1.0, (wanted / np.maximum(there, 1e-4))[pt_bin])


def tagger_auc(jets: Jets, signal: int, background: int, seed: int = 0) -> float:
    """Return the AUC of gradient-boosted trees on the 16 variables of the jet, at equal pt spectra, on 40 % of the jets.

    NaN if a class has fewer than 200 jets.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    rows = np.flatnonzero(np.isin(jets.flavor, (signal, background)))
    rows = np.random.default_rng(seed).permutation(rows)
    truth = jets.flavor[rows] == signal
    if min(truth.sum(), (~truth).sum()) < _MIN_CLASS:
        return float("nan")
    used = np.array([n for n, column in enumerate(jets.columns) if column.track is None and n != TARGET])
    inputs = jets.values[np.ix_(rows, used)].astype(np.float64)
    inputs[~np.isfinite(inputs)] = np.nan
    weight, split = _same_pt(truth, jets["jet_pt"][rows]), int(_TRAINED_SHARE * len(rows))
    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.07, max_leaf_nodes=15, min_samples_leaf=40, random_state=seed
    )
    model.fit(inputs[:split], truth[:split], sample_weight=weight[:split])
    scores = model.predict_proba(inputs[split:])[:, 1]
    return float(roc_auc_score(truth[split:], scores, sample_weight=weight[split:]))


def quality_figures(jets: Jets) -> list[JetFigure]:
    """Return class fractions, vertex rates and tagger AUCs beside the expected ones."""
    flavor, vertex = jets.flavor, jets["n_secondary_vertices"] > 0
    expected: dict[JetClass, tuple[str, str]] = {"b": (".393", "74 %"), "c": (".120", "25 %"), "udsg": (".487", "2.6 %")}
    names = {FLAVOURS[name]: (name, *figures) for name, figures in expected.items()}
    figures = [JetFigure(f"fraction of {names[f][0]} jets", float(np.mean(flavor == f)), names[f][1]) for f in names]
    for f, (name, _, rate) in names.items():
        share = float(vertex[flavor == f].mean()) if (flavor == f).any() else float("nan")
        figures.append(JetFigure(f"secondary vertex in {name} jets", share, rate))
    figures.append(
        JetFigure("tracks per jet", float(jets.n_tracks.mean()), f"at least 1, at most {JetTable.load().max_tracks}")
    )
    figures.append(JetFigure("AUC b against udsg, 16 variables", tagger_auc(jets, 5, 0), "0.956 (dataset 0.92-0.94)"))
    figures.append(JetFigure("AUC b against c, 16 variables", tagger_auc(jets, 5, 4), ".85-.86"))
    figures.append(JetFigure("AUC c against udsg, 16 variables", tagger_auc(jets, 4, 0), ".76"))
    return figures


def report(jets: Jets) -> str:
    """Return both tables as text."""
    lines = [f"{len(jets)} jets", "", f"{'':42s}{'measured':>10s}   expected"]
    lines += [f"{figure.name:42s}{figure.measured:10.3f}   {figure.expected}" for figure in quality_figures(jets)]
    lines += ["", f"{'':42s}{'mean':>11s}{'spread':>11s}{'published':>11s}{'spread':>11s}   absent"]
    lines += [
        f"{c.name:42s}{c.mean:11.3g}{c.spread:11.3g}{c.published_mean:11.3g}{c.published_spread:11.3g}   {c.absent:.3f}"
        for c in column_comparisons(jets)
    ]
    return "\n".join(lines)
