"""How files of each kind are read: (path, workspace) -> all that was found, as bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["READERS"]


def _bytes(arrays: Mapping[str, Any]) -> bytes:
    return b"\0".join(name.encode() + np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))


def tuples(path: Path, _: Any) -> bytes:
    """All branches of a tuple."""
    import awkward as ak

    from TauAdv.tuples.reader import TupleReader

    parts = []
    for taus in TupleReader(path).iterate(step_size=10_000):
        _form, length, buffers = ak.to_buffers(ak.to_packed(taus))
        parts += [str(length).encode(), *(name.encode() + np.asarray(b).tobytes() for name, b in sorted(buffers.items()))]
    return b"".join(parts)


def histograms(path: Path, _: Any) -> bytes:
    """A target of the event drop."""
    from TauAdv.production.spectrum import EVENT_DROP_EDGES
    from TauAdv.production.target_spectra import read_target

    found = read_target(path, "mt_inclusive/EMB", EVENT_DROP_EDGES)
    return np.asarray(found.contents).tobytes()


def pt_weights(path: Path, workspace: Any) -> bytes:
    """The pT weights of the contributions of the mixed file."""
    import uproot

    from TauAdv.shards.tau.weights import PtWeights

    with uproot.open(workspace.path("pt_weights.root")) as file:
        names = [key for key, kind in file.classnames(cycle=False).items() if kind.startswith("TH1")]
    weights = PtWeights.from_file(path, dict(enumerate(names)))
    return b"".join(np.asarray(values).tobytes() for values in weights.values.values())


def shards(path: Path, _: Any) -> bytes:
    """All columns and features of a set."""
    from TauAdv.shards.store import ShardSet, iterate

    found = ShardSet.open(path)
    parts = [_bytes(found.columns())]
    for inputs, columns in iterate(found, 500):
        parts += [_bytes(inputs), _bytes(columns)]
    return b"".join(parts)


def extracted(path: Path, _: Any) -> bytes:
    """All jets of an extraction."""
    from TauAdv.jets.parts import ExtractedJets

    jets = ExtractedJets.open(path).read()
    return _bytes({name: value for name, value in vars(jets).items() if isinstance(value, np.ndarray)})


def jet_lines(path: Path, _: Any) -> bytes:
    """The jets of a compressed file of lines; a file joined with itself is one, whose preparation counts repeated jets."""
    from TauAdv.config import load_settings
    from TauAdv.jets.extract import ExtractionSettings, extract_jets
    from TauAdv.shards.jet.preparation import prepare_jets
    from TauAdv.shards.jet.settings import JetPreparationSettings

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "jets"
        extract_jets(path, output, load_settings(ExtractionSettings))
        prepare_jets([output], Path(folder) / "prepared", load_settings(JetPreparationSettings))
        return extracted(output, None)


def manifest(path: Path, _: Any) -> bytes:
    """What a manifest says."""
    from TauAdv.io.manifests.manifest import read_manifest

    return repr(read_manifest(path.with_name(path.name.removesuffix(".manifest.json")))).encode()


def predictions(path: Path, workspace: Any) -> bytes:
    """A table of predictions, through the run that it is of."""
    from TauAdv.evaluation.predictions.tables import read_predictions

    (whole,) = workspace.inputs.glob("mlruns/*/*/artifacts/predictions/adversarial_evaluation.csv")

    class RunOfTable:
        """The part of a run that reading its table needs."""

        artifacts, id, name = path.parent, whole.parents[2].name, "campaign"

    return read_predictions(RunOfTable()).to_csv().encode()  # type: ignore[arg-type]


def checkpoints(path: Path, _: Any) -> bytes:
    """The variables of the newest checkpoint that is whole; that an older one is taken is reported."""
    from TauAdv.training.run.checkpoints import usable_checkpoint

    newest = usable_checkpoint(path)
    if newest is None:
        return b"none"
    with np.load(newest / "variables.npz", allow_pickle=False) as stored:
        return newest.name.encode() + _bytes({name: stored[name] for name in stored.files})


def model(path: Path, _: Any) -> bytes:
    """The weights of a stored model."""
    from TauAdv.models.loading import load_model

    return b"".join(np.asarray(weight).tobytes() for weight in load_model(path / "model.keras").get_weights())


def store(path: Path, _: Any) -> bytes:
    """The runs of a store."""
    from TauAdv.runs.store import list_runs

    return repr([(run.id, run.name, run.params) for run in list_runs(path.parent)]).encode()


def graphs(path: Path, _: Any) -> bytes:
    """The network of three frozen graphs."""
    from TauAdv.models.cms.importing import import_cms_model

    (core,) = path.glob("*_core.pb")
    files = {part: core.with_name(core.name.replace("_core", f"_{part}")) for part in ("inner", "outer", "core")}
    return b"".join(np.asarray(weight).tobytes() for weight in import_cms_model(**files, n_taus=5).model.get_weights())


def settings(path: Path, _: Any) -> bytes:
    """A network in a YAML file."""
    from TauAdv.models.deeptau.settings import load_network

    return load_network(str(path)).model_dump_json().encode()


_ALL = (
    tuples,
    histograms,
    pt_weights,
    shards,
    extracted,
    jet_lines,
    manifest,
    predictions,
    checkpoints,
    model,
    store,
    graphs,
)
READERS: Mapping[str, Callable[[Path, Any], bytes]] = {function.__name__: function for function in (*_ALL, settings)}
