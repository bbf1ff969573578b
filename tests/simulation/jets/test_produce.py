import sys

import numpy as np
import pytest

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable
from TauAdv.simulation import cache as cache_module
from TauAdv.simulation.jets import produce as produce_module
from TauAdv.simulation.jets.produce import produce_jets
from TauAdv.simulation.jets.settings import JetSimulationSettings
from TauAdv.simulation.settings import DetectorSettings

pytestmark = pytest.mark.slow


def read(path):
    with LineReader(path) as reader:
        found = parse_lines(reader.read(10_000), 1, JetTable.load())
    assert found.faults == ()
    return found


def no_generation(*arguments):
    raise AssertionError("events were generated although they are cached")


@pytest.fixture(scope="module")
def made(jet_settings, cache, tmp_path_factory):
    path = tmp_path_factory.mktemp("jets") / "jets.json.gz"
    return path, produce_jets(jet_settings, path, cache)


def test_file_is_ordered_by_flavour(made):
    path, manifest = made
    jets = read(path)
    flavour = jets.jet[:, 2]
    numbers = {value: int((flavour == value).sum()) for value in (5, 4, 0)}
    assert min(numbers.values()) > 5
    np.testing.assert_array_equal(flavour, np.repeat(list(numbers), list(numbers.values())))
    assert manifest["counts"]["flavours"] == {str(value): number for value, number in numbers.items()}
    assert manifest["counts"]["tracks"] == jets.n_tracks.sum()
    assert (jets.jet[:, 0] >= 20).all()
    assert (np.abs(jets.jet[:, 1]) < 2.5).all()


def test_rerun_from_the_cache_is_equal(made, jet_settings, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "generate", no_generation)
    produce_jets(jet_settings, tmp_path / "again.json.gz", cache)
    assert (tmp_path / "again.json.gz").read_bytes() == made[0].read_bytes()


def test_other_detector_from_the_cache(made, jet_settings, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "generate", no_generation)
    shifted = jet_settings.model_copy(
        update={"detector": DetectorSettings(pileup=0, track_efficiency=0.7, ip_resolution=3.0)}
    )
    manifest = produce_jets(shifted, tmp_path / "shifted.json.gz", cache)
    assert manifest["counts"]["tracks"] / manifest["counts"]["jets"] < 0.85 * (
        made[1]["counts"]["tracks"] / made[1]["counts"]["jets"]
    )
    spreads = [np.median(np.abs(read(path).track[:, 1])) for path in (made[0], tmp_path / "shifted.json.gz")]
    assert spreads[1] > 1.5 * spreads[0]


def test_most_jets_of_a_flavour(made, jet_settings, cache, tmp_path):
    settings = jet_settings.model_copy(update={"max_jets": {"b": 3, "udsg": 0}})
    counts = produce_jets(settings, tmp_path / "few.json.gz", cache)["counts"]
    assert counts["flavours"] == {"5": 3, "4": made[1]["counts"]["flavours"]["4"]}


def test_killed_run_continues(jet_settings, tmp_path, monkeypatch):
    calls = []
    original = cache_module.generate

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    settings = jet_settings.model_copy(update={"chunk_events": 2, "events": {"TT": 8}})
    output = tmp_path / "jets.json.gz"
    monkeypatch.setattr(cache_module, "generate", killed)
    with pytest.raises(KeyboardInterrupt):
        produce_jets(settings, output, tmp_path / "events")
    assert not output.exists()
    produce_jets(settings, output, tmp_path / "events")
    assert len(calls) == 5  # two chunks were kept


def test_finished_file_is_kept(made, jet_settings, cache, monkeypatch):
    monkeypatch.setattr(produce_module, "simulate_jets", no_generation)
    assert produce_jets(jet_settings, made[0], cache) == made[1]
    with pytest.raises(ConfigError, match=r"jets\.root: a gzip file is written; give it a name that ends in \.json\.gz"):
        produce_jets(jet_settings, made[0].with_name("jets.root"), cache)
    with pytest.raises(OutputExistsError, match="min_pt"):
        produce_jets(jet_settings.model_copy(update={"min_pt": 25.0}), made[0], cache)


def test_no_events(tmp_path):
    with pytest.raises(ConfigError, match="no events"):
        produce_jets(JetSimulationSettings(), tmp_path / "jets.json.gz", tmp_path)


def test_no_jets(jet_settings, cache, tmp_path):
    settings = jet_settings.model_copy(update={"max_jets": {"b": 0, "c": 0, "udsg": 0}})
    with pytest.raises(InputError, match="no jet in"):
        produce_jets(settings, tmp_path / "jets.json.gz", cache)


def test_pileup_and_unknown_processes_are_refused():
    assert JetSimulationSettings(detector={"ip_resolution": 1.4}).detector.pileup == 0
    with pytest.raises(ValueError, match="without pile-up"):
        JetSimulationSettings(detector={"pileup": 5})
    with pytest.raises(ValueError, match="unknown process 'TTT'"):
        JetSimulationSettings(events={"TTT": 5})
    with pytest.raises(ValueError, match=">= 0"):
        JetSimulationSettings(max_jets={"b": -1})


def test_script(run_script, made, cache, tmp_path, capsys):
    overrides = ("seed=6", "chunk_events=50", "events={TT: 60, CC: 50}")
    run_script("Production/generate_jets.py", "--output", tmp_path / "jets.json.gz", "--cache", cache, *overrides)
    assert (tmp_path / "jets.json.gz").read_bytes() == made[0].read_bytes()


@pytest.mark.parametrize("name", ["jets_nominal", "jets_shifted"])
def test_script_without_the_extra_writes_nothing(run_script, repository, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    config = repository / "TauAdv" / "configs" / f"{name}.yaml"
    with pytest.raises(SystemExit) as status:
        run_script(
            "Production/generate_jets.py",
            *("--config", config, "--output", tmp_path / "jets.json.gz", "--cache", tmp_path / "cache"),
        )
    assert status.value.code == 2
    assert "TauAdv[simulation]" in capsys.readouterr().err
    assert not (tmp_path / "jets.json.gz").exists()
