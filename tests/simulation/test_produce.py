import shutil

import awkward as ak
import numpy as np
import pytest

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputWarning, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.simulation import cache as cache_module
from TauAdv.simulation import produce as produce_module
from TauAdv.simulation.cache import missing_chunks
from TauAdv.simulation.produce import produce, round_mantissa
from TauAdv.simulation.reconstruction.labels import GENERATOR_BRANCHES
from TauAdv.simulation.samples import PSEUDODATA, samples_of
from TauAdv.simulation.settings import SimulationSettings
from TauAdv.tuples.matching import TauType
from TauAdv.tuples.reader import read
from TauAdv.tuples.schema import branch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(settings, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuples")
    produce(settings, folder, cache)
    return folder


def no_generation(*_, **__):
    pytest.fail("events were generated although they are cached")


def assert_same(first, second):
    first, second = read(first), read(second)
    assert first.fields == second.fields
    for name in first.fields:
        assert ak.array_equal(first[name], second[name], equal_nan=True), name


def test_files_and_manifests(made, settings):
    for sample in samples_of(settings):
        manifest = read_manifest(made / f"{sample.name}.root")
        table = read(made / f"{sample.name}.root")
        assert manifest["counts"]["candidates"] == len(table)
        assert manifest["counts"]["events"] == sample.num_events
        assert len(set(manifest["generator_seeds"].values())) == len(sample.chunks)
        assert sum(manifest["counts"]["true_types"].values()) == len(table)


def test_simulated_events_are_identified(made):
    table = read(made / "DYtautau.root")
    keys = set(zip(np.asarray(table["evt"]).tolist(), np.asarray(table["tau_index"]).tolist(), strict=True))
    assert len(keys) == len(table)
    assert set(np.asarray(table["sampleType"])) == {1}
    assert set(np.asarray(table["lumi"])) == {1, 2}  # of both chunks


def test_pseudodata_knows_nothing_of_the_generator(made):
    table = read(made / f"{PSEUDODATA}.root")
    for name in GENERATOR_BRANCHES:
        assert ak.all(table[name] == branch(name).absent), name
    assert set(np.asarray(table["tauType"])) == {-1}
    assert set(np.asarray(table["sampleType"])) == {0}
    assert set(np.asarray(table["run"])) == {2}
    evt, process = np.asarray(table["evt"]), np.asarray(table["sim_process"])
    assert (np.diff(evt.astype(np.int64)) >= 0).all()
    changes = np.count_nonzero(np.diff(process))
    assert changes > 3  # processes are mixed, not one after the other
    assert len(set(np.asarray(table["sim_trueType"]))) > 1


def test_rerun_from_the_cache_is_equal(made, settings, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "generate", no_generation)
    produce(settings, tmp_path, cache)
    for sample in samples_of(settings):
        assert_same(made / f"{sample.name}.root", tmp_path / f"{sample.name}.root")


def test_other_detector_from_the_cache(made, settings, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "generate", no_generation)
    shifted = load_settings(SimulationSettings, None, {**flat(settings), "detector.em_scale": 0.5, "pseudodata.events": {}})
    produce(shifted, tmp_path, cache)
    nominal, low = (np.asarray(read(folder / "DYtautau.root")["rho"]).mean() for folder in (made, tmp_path))
    assert low < 0.95 * nominal


def flat(settings):
    return {
        key: value for key, value in settings.model_dump(mode="json").items() if key not in ("detector", "pseudodata")
    } | {"pseudodata.seed": settings.pseudodata.seed}


def test_killed_run_continues(settings, tmp_path, monkeypatch):
    one_sample = settings.model_copy(update={"events": {"DYtautau": 30}, "chunk_events": 10, "minbias_events": 10})
    one_sample = one_sample.model_copy(update={"pseudodata": settings.pseudodata.model_copy(update={"events": {}})})
    generated = []
    right = cache_module.generate

    def killed(settings_, number, seed, *rest):
        if len(generated) == 2:
            raise KeyboardInterrupt
        generated.append(seed)
        return right(settings_, number, seed, *rest)

    events, output = tmp_path / "events", tmp_path / "out"
    monkeypatch.setattr(cache_module, "generate", killed)
    with pytest.raises(KeyboardInterrupt):
        produce(one_sample, output, events)
    assert not list(output.glob("*"))
    assert not list(events.glob("**/.*"))

    def counted(settings_, number, seed, *rest):
        generated.append(seed)
        return right(settings_, number, seed, *rest)

    monkeypatch.setattr(cache_module, "generate", counted)
    produce(one_sample, output, events)
    assert len(generated) == len(set(generated)) == 4  # minimum bias and three chunks, none twice
    produce(one_sample, tmp_path / "again", tmp_path / "fresh")
    assert_same(output / "DYtautau.root", tmp_path / "again" / "DYtautau.root")


def tables_of(chunk, cache):
    tables, cached = cache_module.load_events(chunk, cache)
    return [(name, values.tobytes()) for table in tables for name, values in table.items()], cached


@pytest.fixture
def copied_chunks(settings, cache, tmp_path):
    """Two chunks of one process in a cache of their own, and what is in them."""
    chunks = samples_of(settings)[1].chunks[:1] + samples_of(settings)[0].chunks[:1]
    for chunk in chunks:
        (tmp_path / chunk.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(cache / chunk.name, tmp_path / chunk.name)
    return [(chunk, tables_of(chunk, cache)[0]) for chunk in chunks]


@pytest.mark.parametrize("damage", [lambda content: content[:500], lambda content: b"", lambda content: content + b"x"])
def test_damaged_cache_file_is_made_again(copied_chunks, tmp_path, damage):
    chunk, expected = copied_chunks[0]
    path = tmp_path / chunk.name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(InputWarning, match=rf"{path.name}: damaged, .*its events are generated again"):
        found, cached = tables_of(chunk, tmp_path)
    assert (found, cached) == (expected, False)
    assert tables_of(chunk, tmp_path) == (expected, True)


def test_every_flipped_bit_of_a_cache_file_is_noticed(copied_chunks, tmp_path):
    chunk = copied_chunks[0][0]
    path, rng = tmp_path / chunk.name, np.random.default_rng(1)
    content = path.read_bytes()
    for position in rng.integers(len(content), size=200):
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.warns(InputWarning, match="its events are generated again"):
            assert missing_chunks([chunk], tmp_path) == [chunk]


def test_exchanged_cache_files_are_noticed(copied_chunks, tmp_path):
    first, second = (tmp_path / chunk.name for chunk, _ in copied_chunks)
    shutil.copy(second, first)
    with pytest.warns(InputWarning, match="mixed up with another file"):
        assert missing_chunks([chunk for chunk, _ in copied_chunks], tmp_path) == [copied_chunks[0][0]]


def test_finished_files_are_kept(made, settings, cache, monkeypatch):
    monkeypatch.setattr(produce_module, "run_chunk", no_generation)
    before = (made / "DYtautau.root").stat().st_mtime_ns
    produce(settings, made, cache)
    assert (made / "DYtautau.root").stat().st_mtime_ns == before
    with pytest.raises(OutputExistsError, match="other settings"):
        produce(settings.model_copy(update={"detector_seed": 99}), made, cache)


def test_kept_classes(settings, cache, tmp_path):
    data = settings.pseudodata.model_copy(update={"keep": {"QCD": ("jet",), "DYtautau": ("tau",)}})
    produce(settings.model_copy(update={"events": {}, "pseudodata": data}), tmp_path, cache)
    table = read(tmp_path / f"{PSEUDODATA}.root")
    pairs = set(zip(np.asarray(table["sim_process"]).tolist(), np.asarray(table["sim_trueType"]).tolist(), strict=True))
    assert pairs <= {(0, int(TauType.TAU)), (5, int(TauType.JET))}


def test_worker_processes_change_nothing(made, settings, cache, tmp_path):
    produce(settings.model_copy(update={"events": {"DYmumu": 20}}), tmp_path, cache, n_workers=2)
    for name in ("DYmumu", PSEUDODATA):
        assert_same(made / f"{name}.root", tmp_path / f"{name}.root")


def test_nothing_to_do(tmp_path):
    with pytest.raises(ConfigError, match="no events to simulate"):
        produce(SimulationSettings(), tmp_path, tmp_path)


def test_data_and_simulation_need_different_seeds(settings, tmp_path):
    data = settings.pseudodata.model_copy(update={"seed": settings.seed})
    with pytest.raises(ConfigError, match="same events"):
        produce(settings.model_copy(update={"pseudodata": data}), tmp_path, tmp_path)


def test_mantissa():
    values = np.array([0.0, 1.0, -1.2345678, 3e-5, np.finfo(np.float32).min], dtype=np.float32)
    rounded = round_mantissa(values, 9)
    np.testing.assert_allclose(rounded, values, rtol=2.0**-10)
    assert rounded[-1] == np.finfo(np.float32).min
    assert (rounded.view(np.uint32)[:-1] % (1 << 14) == 0).all()
    np.testing.assert_array_equal(round_mantissa(values, 23), values)
