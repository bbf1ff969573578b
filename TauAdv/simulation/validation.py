"""Figures and histograms that say whether simulated tuples look as they should, and how a shift changes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from TauAdv.errors import InputError
from TauAdv.io.manifests.verified import verified_manifest
from TauAdv.simulation.columns import Columns
from TauAdv.simulation.processes import PROCESSES
from TauAdv.simulation.quantities import QUANTITIES, Quantity, response
from TauAdv.simulation.samples import ACCEPTANCE, STEP
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.matching import TauType
from TauAdv.tuples.reader import open_tuples

__all__ = [
    "CLASSES",
    "ClassHistogram",
    "Figure",
    "class_histograms",
    "discriminating",
    "load_candidates",
    "sanity_figures",
    "separation",
    "shift_figures",
]

#: Class -> process it is compared in, so that nominal and shifted samples have the same composition.
CLASSES = {"tau": "DYtautau", "jet": "QCD", "e": "DYee", "mu": "DYmumu"}
#: Classes with fewer candidates in a quantity are not drawn: their normalised shape says nothing.
_MIN_ENTRIES = 20
_COUNTED = ("pfCand_pt", "ele_pt", "muon_pt")


@dataclass(frozen=True)
class ClassHistogram:
    """Entries per bin of one class (of one process) in two samples."""

    quantity: Quantity
    name: str
    process: str
    nominal: np.ndarray
    shifted: np.ndarray | None


@dataclass(frozen=True)
class Figure:
    """One number of the validation: measured with statistical error, and what a prototype found."""

    name: str
    measured: float
    error: float
    asked: str = ""


_SCALARS = (
    *("tau_pt", "tau_eta", "tau_mass", "tau_decayMode", "rho", "npv", "sim_trueType", "sim_process", "sim_genDecayMode"),
    *("tau_chargedIsoPtSum", "tau_chargedIsoPtSumdR03", "tau_neutralIsoPtSum", "tau_neutralIsoPtSumdR03"),
    *("tau_neutralIsoPtSumWeight", "tau_neutralIsoPtSumWeightdR03", "tau_puCorrPtSum", "tau_footprintCorrection"),
    *("tau_photonPtSumOutsideSignalCone", "tau_pt_weighted_deta_strip", "tau_pt_weighted_dphi_strip"),
    *("tau_pt_weighted_dr_signal", "tau_pt_weighted_dr_iso", "tau_n_photons", "tau_emFraction", "tau_e_ratio"),
    *("tau_dxy", "tau_dxy_error", "tau_dz", "tau_dz_error", "tau_ip3d", "tau_ip3d_error", "tau_leadingTrackNormChi2"),
    *("tau_flightLength_sig", "tau_gj_angle_diff", "genLepton_vis_pt", "genLepton_vis_eta"),
    *(f"tau_byDeepTau2017v2p1VS{kind}raw" for kind in ("jet", "e", "mu")),
)
#: Inputs of the quick classifiers: the tau's own quantities, neither truth nor surrogates.
_INPUTS = tuple(name for name in _SCALARS if not name.startswith(("sim_", "gen", "tau_by")) and name != "npv")


def load_candidates(inputs: Path | str, *, allow_duplicates: bool = False) -> Columns:
    """Return the scalar columns of simulated tuples, and n_pfCand, n_ele, n_muon.

    Raises:
        InputError: if files are missing, or are not made by the simulation (``sim_trueType`` is missing).
    """
    reader = open_tuples(inputs, allow_duplicates=allow_duplicates)
    wanted = [*_SCALARS, *_COUNTED]
    reader.require(wanted)
    parts = []
    for chunk in reader.iterate(wanted):
        part = {name: ak.to_numpy(chunk[name]) for name in _SCALARS}
        part.update({f"n_{name.split('_')[0]}": ak.to_numpy(ak.num(chunk[name])) for name in _COUNTED})
        parts.append(part)
    if not parts:
        msg = f"{inputs}: no tau candidate in these files"
        raise InputError(msg)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _class_rows(candidates: Columns, name: str) -> np.ndarray:
    process = list(PROCESSES).index(CLASSES[name])
    return (candidates["sim_trueType"] == TauType[name.upper()]) & (candidates["sim_process"] == process)


def _of_class(candidates: Columns, name: str) -> Columns:
    rows = _class_rows(candidates, name)
    return {key: values[rows] for key, values in candidates.items()}


def class_histograms(nominal: Columns, shifted: Columns | None) -> list[ClassHistogram]:
    """Return the histograms of every quantity and class that has at least 20 entries."""
    found = []
    for quantity in QUANTITIES:
        for name in CLASSES:
            samples = [_of_class(table, name) for table in (nominal, shifted) if table is not None]
            values = [quantity.values(sample) for sample in samples]
            counts = [np.histogram(value[np.isfinite(value)], quantity.edges)[0] for value in values]
            if counts[0].sum() >= _MIN_ENTRIES:
                found.append(
                    ClassHistogram(quantity, name, CLASSES[name], counts[0], counts[1] if len(counts) > 1 else None)
                )
    return found


def discriminating(candidates: Columns) -> np.ndarray:
    """Return the inputs of the quick classifiers [candidates, inputs]."""
    columns = [candidates[name].astype(np.float64) for name in _INPUTS]
    columns += [candidates[f"n_{name}"].astype(np.float64) for name in ("pfCand", "ele", "muon")]
    return np.stack(columns, axis=1)


def separation(first: np.ndarray, second: np.ndarray, seed: int = 1) -> tuple[float, float]:
    """Return the area under the ROC curve (and its error) of boosted trees that tell two samples apart (4 folds)."""
    inputs = np.concatenate([first, second])
    labels = np.repeat([0, 1], [len(first), len(second)])
    trees = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.1, max_leaf_nodes=12, min_samples_leaf=30, random_state=seed
    )
    folds = StratifiedKFold(4, shuffle=True, random_state=seed)
    with threadpool_limits(1):  # threads gain little here, and suffer on a busy machine
        score = cross_val_predict(trees, inputs, labels, cv=folds, method="predict_proba")[:, 1]
    area = float(roc_auc_score(labels, score))
    # Hanley and McNeil, Radiology 143 (1982) 29
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    pairs = area * (1 - area) + (len(first) - 1) * (q1 - area**2) + (len(second) - 1) * (q2 - area**2)
    return area, float(np.sqrt(pairs / (len(first) * len(second))))


def _mean(name: str, values: np.ndarray, asked: str) -> Figure:
    return Figure(name, float(values.mean()), float(values.std() / np.sqrt(max(len(values), 1))), asked)


def _fraction(name: str, passed: int, total: int, asked: str) -> Figure:
    share = passed / max(total, 1)
    return Figure(name, share, float(np.sqrt(share * (1 - share) / max(total, 1))), asked)


def _generator_figures(nominal: Columns, inputs: Path | str) -> list[Figure]:
    """Return branching ratio and efficiency from the manifests (absent where the simulation did not write the files).

    Files given twice were accepted, or refused, when the candidates were loaded.
    """
    paths = [path for path in resolve_inputs(inputs, allow_duplicates=True) if path.stem == CLASSES["tau"]]
    manifest = verified_manifest(paths[0]) if len(paths) == 1 else {}
    if manifest.get("step") != STEP:
        return []
    counts = manifest["counts"]
    taus = _of_class(nominal, "tau")
    accepted = (taus["genLepton_vis_pt"] > ACCEPTANCE["pt"]) & (np.abs(taus["genLepton_vis_eta"]) < ACCEPTANCE["abs_eta"])
    figures = []
    if not manifest["settings"]["pythia"]:
        hadronic, every = counts["generated_hadronic_taus"], counts["generated_taus"]
        figures.append(_fraction("hadronic branching ratio", hadronic, every, "0.65"))
    total = counts["generated_hadronic_taus_in_acceptance"]
    figures.append(_fraction("HPS efficiency, gen pT > 20 GeV", int(accepted.sum()), total, "0.77"))
    return figures


def sanity_figures(nominal: Columns, inputs: Path | str) -> list[Figure]:
    """Return the sanity figures (docs/simulation.md), measured on nominal samples.

    Args:
        nominal: candidates of all processes, from :func:`load_candidates`.
        inputs: the files they came from (their manifests count generated taus).
    """
    taus, jets = _of_class(nominal, "tau"), _of_class(nominal, "jet")
    figures = _generator_figures(nominal, inputs)
    for mode, asked in ((0, ".23"), (1, ".54"), (10, ".15"), (11, ".08")):
        share = int((taus["tau_decayMode"] == mode).sum())
        figures.append(_fraction(f"true taus reconstructed in mode {mode}", share, len(taus["tau_pt"]), asked))
    ratio, true_mode = response(taus), taus["sim_genDecayMode"]
    for label, mask, asked in (
        ("h found as h", (taus["tau_decayMode"] == 0) & (true_mode == 0), "0.99 ± 0.09 (h)"),
        ("h with neutral pions found as such", (taus["tau_decayMode"] == 1) & (true_mode > 0) & (true_mode < 5), ""),
        ("3h found as 3h", (taus["tau_decayMode"] == 10) & (true_mode == 10), "0.94 ± 0.16 (3h)"),
    ):
        figures.append(_mean(f"pT response, {label}", ratio[mask], asked))
        figures.append(Figure(f"pT resolution, {label}", float(ratio[mask].std()), 0.0, asked))
    top = nominal["sim_process"] == list(PROCESSES).index("TT")
    for label, values, asked in (
        ("tau", taus["tau_chargedIsoPtSum"], "2.0"),
        ("QCD jet", jets["tau_chargedIsoPtSum"], "12.6"),
        ("ttbar jet", nominal["tau_chargedIsoPtSum"][top & (nominal["sim_trueType"] == TauType.JET)], "23.8"),
    ):
        figures.append(_mean(f"mean charged isolation, {label} [GeV]", values, asked))
    every_tau = discriminating(taus)
    for name, asked in (("jet", "0.985"), ("e", "not trivial"), ("mu", "not trivial")):
        others = {key: values[nominal["sim_trueType"] == TauType[name.upper()]] for key, values in nominal.items()}
        figures.append(
            Figure(f"AUC tau against {name} (boosted trees)", *separation(discriminating(others), every_tau), asked)
        )
    return figures


def shift_figures(nominal: Columns, shifted: Columns) -> list[Figure]:
    """Return how well boosted trees tell shifted from nominal candidates, by class (0.5: not at all)."""
    figures = []
    for name, asked in (("tau", "shift C 0.66"), ("jet", "shift C 0.68"), ("e", ""), ("mu", "")):
        first, second = (discriminating(_of_class(table, name)) for table in (nominal, shifted))
        if min(len(first), len(second)) > 100:
            figures.append(Figure(f"AUC shifted against nominal, {name}", *separation(first, second), asked))
    return figures
