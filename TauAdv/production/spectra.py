"""Spectra of tuples: the (|eta|, pt) spectra that weight the training, and the pt targets of the event drop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from pydantic import Field
from tqdm import tqdm

from TauAdv.config import Settings
from TauAdv.config.scalars import is_blank
from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.locks import locking
from TauAdv.io.manifests.manifest import finished, write_manifest
from TauAdv.production.outputs import check_no_input, check_root_names, errors_of
from TauAdv.production.spectrum import EVENT_DROP_EDGES, EtaPtSpectrum, FloatArray, Spectrum
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.matching import MATCHING_BRANCHES, TauType, recompute_tau_type
from TauAdv.tuples.reader import open_tuples
from TauAdv.tuples.selection import parse_selection
from TauAdv.tuples.sources import TupleSource
from TauAdv.tuples.weights import check_event_weights, check_finite

__all__ = ["RECOMPUTE", "EtaPtSettings", "TargetSettings", "make_eta_pt_spectra", "make_targets", "parse_processes"]

RECOMPUTE = "recompute"
# tau types of simulation -> class
_CLASSES = {TauType(number): name for number, name in enumerate(TAU_CLASSES)}
_NO_MATCH, _OTHER_TYPE = "without match", "other types"
_NOT_IN_KEYS = ";:"
_STEP_SIZE = 200_000
Inputs = Path | str | Sequence[Path | str]


class EtaPtSettings(Settings):
    """Settings of the (|eta|, pt) spectra.

    Attributes:
        tree: name of the tree.
        tau_type: branch with the type of each tau, or ``recompute`` to take it from the generator match.
        selection: ROOT-style selection; all taus if ``None``.
        weights: branch of event weights.
        allow_negative: take negative event weights.
        allow_duplicates: take a file again that is given under another name, or as a copy.
    """

    tree: str = "taus"
    tau_type: str = RECOMPUTE
    selection: str | None = None
    weights: str | None = None
    allow_negative: bool = False
    allow_duplicates: bool = False


class TargetSettings(Settings):
    """Settings of the targets of the event drop.

    Attributes:
        tree: name of the tree.
        edges: pt bins in GeV.
        selection: ROOT-style selection; all taus if ``None``.
        weights: branch of event weights.
        allow_negative: take negative event weights.
        allow_duplicates: take a file again that is given under another name, or as a copy.
        scale: number that every histogram is multiplied by.
    """

    tree: str = "taus"
    edges: tuple[float, ...] = EVENT_DROP_EDGES
    selection: str | None = None
    weights: str | None = None
    allow_negative: bool = False
    allow_duplicates: bool = False
    scale: float = Field(default=1.0, gt=0)


@locking("output")
def make_eta_pt_spectra(
    inputs: Inputs, output: Path | str, settings: EtaPtSettings, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write the TH2D ``eta_pt_hist_e``, ``_mu``, ``_tau`` and ``_jet`` (x = |eta|, y = pt in GeV) and return the manifest.

    The manifest also counts the selected taus that are in none of them: those without a match, and of other types.

    25 bins of |eta| from 0 to 2.5 and 98 of pt from 20 to 1000 GeV (TauMLTools).

    Raises:
        InputError: if branches are missing, the selection is wrong, no tau is of these types, or a spectrum of
            taus sums to 0 or less.
        OutputExistsError: if the output exists, made otherwise, and ``overwrite`` is false.
        OutputLockedError: if another process writes the output.
    """
    reader = open_tuples(inputs, settings.tree, allow_duplicates=settings.allow_duplicates)
    check_no_input([output], [*reader.files, *settings.files_read()])
    check_root_names([output])
    record = settings.model_dump(mode="json")
    if manifest := finished(output, step="eta_pt_spectra", settings=record, inputs=reader.files, overwrite=overwrite):
        return manifest
    spectra = {name: EtaPtSpectrum.empty() for name in _CLASSES.values()}
    labels = list(MATCHING_BRANCHES) if settings.tau_type == RECOMPUTE else [settings.tau_type]
    taken, left = dict.fromkeys(spectra, 0), dict.fromkeys((_NO_MATCH, _OTHER_TYPE), 0)
    negative = Counter[str]()
    for taus, weights in _selected(reader, ["tau_pt", "tau_eta"], labels, settings, negative):
        types = recompute_tau_type(taus) if settings.tau_type == RECOMPUTE else np.asarray(taus[settings.tau_type])
        for number, name in _CLASSES.items():
            own = types == number
            weight = None if weights is None else weights[own]
            spectra[name] = spectra[name].filled(taus["tau_eta"][own], taus["tau_pt"][own], weight)
            taken[name] += int(own.sum())
        without = int(np.sum(types == TauType.NONE))
        left[_NO_MATCH] += without
        left[_OTHER_TYPE] += len(taus) - without - int(np.isin(types, list(_CLASSES)).sum())
    if not any(taken.values()):
        found = ", ".join(f"{count} {name}" for name, count in left.items())
        msg = f"{reader.files[0]}: none of {reader.num_entries} entries is a selected {', '.join(taken)} ({found})"
        raise InputError(msg)
    for name, spectrum in spectra.items():
        if taken[name]:
            _require_content(f"{reader.files[0]}: the spectrum of {name}", spectrum, settings.weights)
    histograms = {f"eta_pt_hist_{name}": spectrum.to_hist() for name, spectrum in spectra.items()}
    return _write(output, histograms, "eta_pt_spectra", record, reader.files, taken | left, negative)


@locking("output")
def make_targets(
    processes: Mapping[str, Inputs], output: Path | str, settings: TargetSettings, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write a TH1D of tau_pt for every process and return the manifest.

    Args:
        processes: ``REGION/PROCESS``, for example ``mt_inclusive/EMB``, and the tuples of its spectrum.
        output: ROOT file to write.
        settings: see :class:`TargetSettings`.
        overwrite: replace an output that was made otherwise.

    Raises:
        InputError: if branches are missing, the selection is wrong, a process has no selected tau or its spectrum sums to 0
            or less, or its name holds ';' or ':'.
        OutputExistsError: if the output exists, made otherwise, and ``overwrite`` is false.
        OutputLockedError: if another process writes the output.
    """
    for key in processes:
        _check_key(key)
    twice = settings.allow_duplicates
    readers = {key: open_tuples(inputs, settings.tree, allow_duplicates=twice) for key, inputs in processes.items()}
    files = [path for reader in readers.values() for path in reader.files]
    check_no_input([output], [*files, *settings.files_read()])
    check_root_names([output])
    record = settings.model_dump(mode="json") | {"processes": {key: len(reader.files) for key, reader in readers.items()}}
    if manifest := finished(output, step="targets", settings=record, inputs=files, overwrite=overwrite):
        return manifest
    histograms, taken, negative = {}, dict.fromkeys(readers, 0), Counter[str]()
    for key, reader in readers.items():
        spectrum = Spectrum.empty(settings.edges)
        for taus, weights in _selected(reader, ["tau_pt"], [], settings, negative):
            spectrum = spectrum.filled(taus["tau_pt"], weights)
            taken[key] += len(taus)
        if not taken[key]:
            msg = f"{key}: no tau of {reader.files[0]} ({reader.num_entries} entries) passes the selection"
            raise InputError(msg)
        _require_content(f"{key}: the spectrum of {reader.files[0]}", spectrum, settings.weights)
        histograms[key] = spectrum.scaled(settings.scale).to_hist()
    return _write(output, histograms, "targets", record, files, taken, negative)


def parse_processes(texts: Sequence[str]) -> dict[str, str]:
    """Return the processes that ``REGION/PROCESS=FILES`` texts name.

    Raises:
        InputError: if a text has another form, or a process comes twice.
    """
    processes: dict[str, str] = {}
    for text in texts:
        key, separator, files = text.partition("=")
        if not separator or is_blank(files) or any(is_blank(name) for name in key.split("/")) or key in processes:
            reason = "a process may come once" if key in processes else "expected REGION/PROCESS=FILES"
            msg = f"target '{text}': {reason}, for example mt_inclusive/EMB=DYtaus_skimmed.root"
            raise InputError(msg)
        _check_key(key)
        processes[key] = files
    return processes


def _check_key(key: str) -> None:
    """Refuse a name under which a ROOT file would not give the histogram back."""
    for character in _NOT_IN_KEYS:
        if character in key:
            msg = f"target '{key}': REGION and PROCESS cannot hold '{character}', which means something to ROOT; rename it"
            raise InputError(msg)


def _require_content(what: str, spectrum: Spectrum | EtaPtSpectrum, weights: str | None) -> None:
    """Refuse a spectrum that no weights could be made with."""
    if (total := spectrum.contents.sum()) <= 0:
        msg = f"{what} sums to {total:g}, expected more than 0; look at the event weights '{weights}' of the selected taus"
        raise InputError(msg)


def _selected(
    reader: TupleSource,
    binned: Sequence[str],
    others: Sequence[str],
    settings: EtaPtSettings | TargetSettings,
    negative: Counter[str],
) -> Iterator[tuple[ak.Array, FloatArray | None]]:
    """Yield the selected taus and their event weights, both checked; count what is negative."""
    selection = None if settings.selection is None else parse_selection(settings.selection)
    weights = settings.weights
    needed = [*binned, *others, *([] if weights is None else [weights]), *(selection.branches if selection else [])]
    with tqdm(total=reader.num_entries, unit="tau", mininterval=1) as progress:
        for read in reader.iterate(needed, _STEP_SIZE):
            progress.update(len(read))
            taus, weight = read if selection is None else read[selection(read)], None
            with errors_of(reader):
                for name in binned:
                    check_finite(taus[name], name)
                if weights is not None:
                    weight = check_event_weights(taus[weights], weights, allow_negative=settings.allow_negative)
                    negative["event weights"] += int((weight < 0).sum())
            negative["tau_pt"] += int(np.count_nonzero(np.asarray(taus["tau_pt"]) < 0))
            yield taus, weight


def _write(
    output: Path | str,
    histograms: Mapping[str, Any],
    step: str,
    record: Mapping[str, Any],
    files: Sequence[Path],
    counts: Mapping[str, int],
    negative: Mapping[str, int],
) -> dict[str, Any]:
    bins = {key: int((histogram.values(flow=True) < 0).sum()) for key, histogram in histograms.items()}
    more = dict(negative) | {f"bins of {key}": count for key, count in bins.items() if count}
    with new_file(output) as temporary:
        write_histograms(temporary, histograms)
        made: dict[str, Any] = {"step": step, "settings": record, "inputs": files, "counts": counts}
        return write_manifest(output, **made, content=temporary, negative=more)
