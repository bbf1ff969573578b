import pytest

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError
from TauAdv.io.manifests.manifest import as_json, read_manifest
from TauAdv.simulation.samples import samples_of
from TauAdv.simulation.settings import SimulationSettings

SHIPPED = ("nominal", "shift_C", "shift_D")
MOST_SAMPLE_BYTES = 5_000_000


def shipped(repository, name):
    return load_settings(SimulationSettings, repository / f"TauAdv/configs/simulation_{name}.yaml")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations_share_their_events(repository, name):
    settings, nominal = shipped(repository, name), shipped(repository, "nominal")
    assert [sample.chunks for sample in samples_of(settings)] == [sample.chunks for sample in samples_of(nominal)]
    assert settings.detector == nominal.detector
    assert (settings.pseudodata.detector == nominal.pseudodata.detector) == (name == "nominal")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("events={DYtata: 5}", "unknown process 'DYtata'.*did you mean 'DYtautau'"),
        ("events={QCD: -5}", ">= 0, received -5"),
        ("pythia={QDC: ['a = 1']}", "unknown process 'QDC'"),
        ("detector.pile_up=3", "did you mean 'pileup'"),
        ("detector.track_efficiency=1.2", "expected at most 1"),
        ("pseudodata.keep={QCD: [jets]}", "keep"),
        ("writer.mantissa_bits=2", "mantissa_bits"),
        ("chunk_events=0", "chunk_events"),
    ],
)
def test_wrong_settings(override, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(SimulationSettings, None, [override])


def test_committed_sample_is_what_its_settings_make(repository):
    folder = repository / "tests/data/sample"
    samples = samples_of(load_settings(SimulationSettings, repository / "tests/data/sample.yaml"))
    assert {path.name for path in folder.glob("*.root")} == {f"{sample.name}.root" for sample in samples}
    for sample in samples:
        assert read_manifest(folder / f"{sample.name}.root")["settings"] == as_json(sample.settings)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST_SAMPLE_BYTES


def test_pseudodata_has_its_own_events():
    settings = load_settings(SimulationSettings, None, ["events={QCD: 10}", "pseudodata.events={QCD: 10}"])
    simulated, data = (sample.chunks[0] for sample in samples_of(settings))
    assert simulated.name != data.name
