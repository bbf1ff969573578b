"""The same tuples as TTree, RNTuple and Parquet give the same results in every step."""

import awkward as ak
import numpy as np
import pytest
import uproot
from parquet_tuples import write_parquet
from same_arrays import assert_same_arrays
from shard_tuples import DATA, JET, MU, TABLE, TAU, E, tuple_arrays

import TauAdv as ta
from TauAdv.errors import InputError
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.production.pt_weights.weights import make_pt_weights
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.simulation.validation import load_candidates
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow

FORMATS = {"ttree": ".root", "rntuple": ".root", "parquet": ".parquet"}
NAMES = {"simulation": np.tile([E, MU, TAU, TAU, JET], 40), "data": np.full(150, DATA)}


def write(path, taus, form) -> None:
    if form == "parquet":
        write_parquet(path, taus, row_group_size=37)
        return
    with TupleWriter(path, format=form, schema_types=False) as writer:
        writer.extend(taus[:41])
        writer.extend(taus[41:])


@pytest.fixture(scope="module")
def folders(tmp_path_factory, repository):
    """One folder of the same tuples for each format."""
    found = {form: tmp_path_factory.mktemp(form) for form in FORMATS}
    inputs = {name: tuple_arrays(kinds, seed=len(name)) for name, kinds in NAMES.items()}
    inputs["DYee"] = read(repository / "tests/data/sample/DYee.root", entry_stop=50)  # of all branches
    for form, folder in found.items():
        (folder / "small.yaml").write_text(TABLE)
        for name, taus in inputs.items():
            write(folder / f"{name}{FORMATS[form]}", taus, form)
    return found


@pytest.fixture(scope="module")
def outputs(folders):
    """The outputs of all steps of each format: name of the output -> what is in it."""
    return {form: _run(folder, FORMATS[form]) for form, folder in folders.items()}


def _run(folder, suffix) -> dict:
    source, data = folder / f"simulation{suffix}", folder / f"data{suffix}"
    options = {"sel": "tau_pt > 25 && mytauType >= 0", "processing_module": "recompute_tautype.py:compute", "step_size": 30}
    skim(source, folder / "skimmed.root", SkimSettings(**options, comp_algo="zstd"))
    make_eta_pt_spectra(source, folder / "spectra.root", EtaPtSettings())
    make_targets({"mt/EMB": data}, folder / "targets.root", TargetSettings())
    drop = EventDropSettings(target_histogram="mt/EMB", max_relative_error=1, seed=3)
    drop_events(source, folder / "targets.root", folder / "dropped.root", drop)
    mixed = _mixed(folder, suffix, read(folder / "skimmed.root"))
    shards = _shards(source, folder)
    return {
        **{name: read(folder / f"{name}.root") for name in ("skimmed", "dropped")},
        "mixed": read(mixed),
        **{name: _histograms(folder / f"{name}.root") for name in ("spectra", "targets", "weights")},
        "data.shards": shards,
        "features": ta.features(ta.tuples(source), folder / "small.yaml").inputs(),
        "candidates": load_candidates(folder / f"DYee{suffix}"),
    }


def _mixed(folder, suffix, skimmed):
    """Mix data and simulation, both in the format, and make pT weights of the result in the format."""
    form = next(name for name in FORMATS if folder.name.startswith(name))
    write(folder / f"labelled{suffix}", skimmed, form)
    contributions = [
        {"name": "data", "files": f"data{suffix}", "dataset_id": 0, "per_batch": 6},
        {"name": "DY", "files": f"labelled{suffix}", "dataset_id": 1, "per_batch": 9},
    ]
    outputs = {"control": {"file": "mixed.root", "batches": 8}}
    mix_events(MixingSettings.model_validate({"contributions": contributions, "outputs": outputs}), folder, folder)
    write(folder / f"again{suffix}", read(folder / "mixed.root"), form)
    processes = [{"name": "data", "dataset_id": 0}, {"name": "DY", "dataset_id": 1, "fraction": 1.0}]
    settings = PtWeightsSettings.model_validate({"processes": processes})
    make_pt_weights(folder / f"again{suffix}", folder / "weights.root", settings)
    return folder / "mixed.root"


def _shards(source, folder) -> dict:
    settings = ShardSettings(features=str(folder / "small.yaml"))
    write_shards(source, folder / "shards", settings)
    shards = ShardSet.open(folder / "shards")
    taus, columns = shards.take(np.arange(shards.num_taus))
    return {**taus.as_inputs(), **columns}


def _histograms(path) -> dict:
    with uproot.open(path) as file:
        return {key: file[key].values(flow=True) for key in file.keys(cycle=False, filter_classname="TH*")}


@pytest.mark.parametrize("form", ["rntuple", "parquet"])
def test_every_step_gives_the_same(outputs, form):
    expected, found = outputs["ttree"], outputs[form]
    assert len(expected["skimmed"]) > 20
    assert len(expected["dropped"]) > 20
    for name, values in expected.items():
        if isinstance(values, ak.Array):
            assert_same_arrays(found[name], values)
            continue
        assert values.keys() == found[name].keys()
        for key, array in values.items():
            assert np.asarray(array).tobytes() == np.asarray(found[name][key]).tobytes(), (name, key)


def test_trees_beside_are_refused_of_a_format_without(folders, tmp_path):
    with pytest.raises(InputError, match=r"data\.parquet: no further tree 'other': a file of the format Parquet has"):
        skim(folders["parquet"] / "data.parquet", tmp_path / "x.root", SkimSettings(other_trees=("other",)))
