"""pT weights of the control region: every process gets its target spectrum, all together the number of data taus.

TauMLTools does not have this step between mixing and training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from TauAdv.domain.contributions.agreement import Statement, as_record, resolve
from TauAdv.domain.contributions.contribution import check_dataset_ids
from TauAdv.domain.contributions.control_region import load_control_region
from TauAdv.errors import ConfigError, InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.production.event_drop.keep_probability import check_target
from TauAdv.production.outputs import check_no_input, check_root_names, errors_of
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.production.spectrum import Spectrum
from TauAdv.production.target_spectra import read_target
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.weights import check_contents, check_event_weights, check_finite

__all__ = ["PtWeightHistograms", "make_pt_weights", "mixed_contributions", "pt_weights"]

STEP = "pt_weights"


@dataclass(frozen=True)
class PtWeightHistograms:
    """Weights by process and bin, and what they are made of.

    Attributes:
        weights: process -> spectrum whose contents are weights, under- and overflow included; 1 for data.
        observed: process -> spectrum of the mixed file.
        weighted: process -> observed spectrum times the weights.
        factor: what all weights of simulation were multiplied by, so that they sum to the number of data taus.
        empty_bins: process -> bins with a target but without a tau of it, where the weight is 0.
        unreached: process -> fraction of its target that is in those bins.
    """

    weights: Mapping[str, Spectrum]
    observed: Mapping[str, Spectrum]
    weighted: Mapping[str, Spectrum]
    factor: float
    empty_bins: Mapping[str, list[int]]
    unreached: Mapping[str, float]


def pt_weights(observed: Mapping[str, Spectrum], targets: Mapping[str, Spectrum], data: str) -> PtWeightHistograms:
    """Return the weights target / observed, times one factor that makes those of simulation sum to the data taus.

    Args:
        observed: spectrum of every process in the mixed file.
        targets: wanted spectrum of every process but data, same bins. Only the shape of their sum counts.
        data: name of the data.

    Raises:
        InputError: if there are no data taus, or no bin has both a target and taus of that process.
    """
    wanted, empty = {}, {}
    for name, target in targets.items():
        filled = observed[name].contents > 0
        content = np.where(target.contents > 0, target.contents, 0.0)
        wanted[name] = np.where(filled, content, 0.0)
        empty[name] = (~filled & (content > 0), content)
    number = observed[data].contents.sum()
    total = sum(content.sum() for content in wanted.values())
    if not number or not total:
        what = "no data taus" if not number else "no bin with both a target and simulated taus of that process"
        msg = f"no weights can be made: there is {what} in the mixed file"
        raise InputError(msg)
    factor = float(number / total)
    weighted, weights = {data: observed[data]}, {data: _ones(observed[data])}
    for name, content in wanted.items():
        weights[name] = _ratio(content * factor, observed[name], targets[name])
        scale = weights[name].contents
        weighted[name] = Spectrum(targets[name].edges, observed[name].contents * scale, observed[name].variances * scale**2)
    empty_bins = {name: np.flatnonzero(bins).tolist() for name, (bins, _) in empty.items()}
    unreached = {
        name: float(content[bins].sum() / content.sum()) for name, (bins, content) in empty.items() if content.any()
    }
    return PtWeightHistograms(weights, observed, weighted, factor, empty_bins, unreached)


def _ones(spectrum: Spectrum) -> Spectrum:
    return Spectrum(spectrum.edges, np.ones(spectrum.contents.size), np.zeros(spectrum.contents.size))


def _ratio(content: np.ndarray, observed: Spectrum, target: Spectrum) -> Spectrum:
    used = content > 0
    weight, variance = np.zeros(content.size), np.zeros(content.size)
    weight[used] = content[used] / observed.contents[used]
    variance[used] = weight[used] ** 2 * (observed.relative_error[used] ** 2 + target.relative_error[used] ** 2)
    return Spectrum(observed.edges, weight, variance)


def mixed_contributions(
    inputs: Path | str | Sequence[Path | str],
    settings: PtWeightsSettings,
    contributions: Path | str | None = None,
    config: Path | str | None = None,
) -> Statement:
    """Return what mixed files are made of: by their manifests, the settings and a file, which must agree.

    Args:
        inputs: mixed tuples.
        settings: with a control region, or processes.
        contributions: file of the control region, for labels and colours if the settings have none.
        config: file of the settings, for messages.

    Raises:
        InputError: names the dataset ids and what differs.
    """
    given = None if contributions is None else load_control_region(contributions).statement
    own = settings.statement
    if config is not None:
        own = replace(own, source=f"{own.source}, by {config}")
    return resolve(resolve_inputs(inputs, allow_duplicates=settings.allow_duplicates), [given, own])


@locking("output")
def make_pt_weights(
    inputs: Path | str | Sequence[Path | str],
    output: Path | str,
    settings: PtWeightsSettings,
    target_file: Path | str | None = None,
    *,
    contributions: Path | str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the weights of the mixed files as TH1D (one a process) and return the manifest.

    Its folders ``closure/observed``, ``closure/weighted`` and ``closure/target`` hold the spectra behind the weights.

    Args:
        inputs: mixed tuples, with tau_pt and dataset_id.
        output: ROOT file to write.
        settings: see :class:`PtWeightsSettings`.
        target_file: file of the target histograms, if a process names one.
        contributions: file of the control region, see :func:`mixed_contributions`.
        overwrite: replace an output that was made otherwise.

    Raises:
        ConfigError: if a process names a target and there is no target file.
        InputError: as :func:`mixed_contributions`; if a branch or histogram is missing, a target has other bins or is 0 or
            not finite, a dataset_id is unknown, or no weights can be made.
        OutputExistsError: if the output exists, made otherwise, and ``overwrite`` is false.
        OutputLockedError: if another process writes the output.
    """
    reader = open_tuples(inputs, settings.tree, allow_duplicates=settings.allow_duplicates)
    files = [*reader.files, *([] if target_file is None else [Path(target_file)])]
    check_no_input([output], [*files, *settings.files_read(), *([] if contributions is None else [contributions])])
    check_root_names([output])
    statement = mixed_contributions(reader.files, settings, contributions)
    record = settings.record()
    if manifest := finished(output, step=STEP, settings=record, inputs=files, overwrite=overwrite):
        return manifest
    named = [entry.name for entry in settings.processes if entry.target is not None]
    if named and target_file is None:
        msg = f"the processes {', '.join(named)} name target histograms, but there is no target file; give --target_file"
        raise ConfigError(msg)
    with errors_of(reader):
        observed, negative = _observed(reader, settings)
    targets = _targets(settings, observed[settings.data], target_file)
    result = pt_weights(observed, targets, settings.data)
    for name, spectrum in result.weights.items():
        check_contents(spectrum.as_histogram(f"{output}: {name}"), single_precision=True)
    histograms = {name: spectrum.to_hist() for name, spectrum in result.weights.items()}
    for folder, spectra in (("observed", observed), ("weighted", result.weighted), ("target", targets)):
        histograms |= {f"closure/{folder}/{name}": spectrum.to_hist() for name, spectrum in spectra.items()}
    with new_file(output) as temporary:
        write_histograms(temporary, histograms)
        return write_manifest(
            output,
            step=STEP,
            settings=record,
            inputs=files,
            counts=_counts(result) | negative,
            content=temporary,
            factor=result.factor,
            contributions=as_record(statement.contributions),
        )


def _observed(reader: TupleSource, settings: PtWeightsSettings) -> tuple[dict[str, Spectrum], dict[str, int]]:
    names = {entry.dataset_id: entry.name for entry in settings.processes}
    spectra = {name: Spectrum.empty(settings.edges) for name in names.values()}
    negative = {"negative_event_weights": 0, "negative_tau_pt": 0}
    branches = ["tau_pt", "dataset_id"] + ([settings.weights] if settings.weights else [])
    with tqdm(total=reader.num_entries, desc="spectra", unit="tau", mininterval=1) as progress:
        for taus in reader.iterate(branches, step_size=1_000_000):
            dataset, pt = np.asarray(taus["dataset_id"]), check_finite(taus["tau_pt"], "tau_pt")
            negative["negative_tau_pt"] += int((pt < 0).sum())
            check_dataset_ids(dataset, names)
            for number, name in names.items():
                mine = dataset == number
                weights = None
                if settings.weights and name != settings.data:
                    found = taus[settings.weights][mine]
                    weights = check_event_weights(found, settings.weights, allow_negative=settings.allow_negative)
                    negative["negative_event_weights"] += int((weights < 0).sum())
                spectra[name] = spectra[name].filled(pt[mine], weights)
            progress.update(len(taus))
    return spectra, negative


def _targets(settings: PtWeightsSettings, data: Spectrum, target_file: Path | str | None) -> dict[str, Spectrum]:
    targets = {}
    for entry in settings.processes:
        if entry.target is not None and target_file is not None:
            options = {"rebin": settings.rebin, "allow_negative": settings.allow_negative}
            targets[entry.name] = read_target(target_file, entry.target, settings.edges, **options)
            check_target(targets[entry.name], f"{target_file}: {entry.target}")
        elif entry.fraction is not None:
            targets[entry.name] = data.scaled(entry.fraction)
    return targets


def _counts(result: PtWeightHistograms) -> dict[str, Any]:
    return {
        "taus": {name: spectrum.contents.sum() for name, spectrum in result.observed.items()},
        "weighted": {name: spectrum.contents.sum() for name, spectrum in result.weighted.items()},
        "absent_processes": [name for name, spectrum in result.observed.items() if not spectrum.contents.any()],
        "empty_bins": result.empty_bins,
        "bins_of_no_positive_sum": {name: _unusable(spectrum) for name, spectrum in result.observed.items()},
        "target_fraction_in_empty_bins": result.unreached,
    }


def _unusable(spectrum: Spectrum) -> list[int]:
    """Return the bins with taus whose event weights sum to 0 or less."""
    bins: list[int] = np.flatnonzero((spectrum.variances > 0) & (spectrum.contents <= 0)).tolist()
    return bins
