import awkward as ak
import numpy as np
import pytest

import TauAdv.production.mixing.mix as mixing
from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.tuples.reader import TupleReader, read

pytestmark = pytest.mark.slow

OUTPUTS = ("trainval.root", "evaluate.root")


def settings(**changes):
    content = {
        "contributions": [
            {"name": "data", "files": "data.root", "dataset_id": 0, "per_batch": 3},
            {"name": "DY", "files": ["dy_1.root", "dy_2.root"], "dataset_id": 1, "per_batch": 2},
            {"name": "QCD", "files": "qcd.root", "dataset_id": 6, "per_batch": 1},
        ],
        "outputs": {
            "trainval": {"file": "trainval.root", "batches": 10},
            "evaluate": {"file": "evaluate.root", "batches": 5},
        },
        "seed": 3,
    } | changes
    return MixingSettings.model_validate(content)


@pytest.fixture
def folder(make_tuple, tmp_path):
    """Folder with the contributions."""
    make_tuple("data.root", 60, seed=1, sample_type=0, mytauType=None)
    make_tuple("dy_1.root", 20, seed=2)
    make_tuple("dy_2.root", 30, seed=3)
    make_tuple("qcd.root", 40, seed=4)
    return tmp_path


def columns(folder, name):
    table = read(folder / name)
    return {branch: np.asarray(table[branch]) for branch in table.fields if branch != "pfCand_pt"}


@pytest.mark.parametrize("segment_size", [7, 20, 1000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_are_those_of_the_sources(folder, shuffle, segment_size):
    mix_events(settings(shuffle=shuffle, segment_size=segment_size), folder, folder)
    sources = {
        0: read(folder / "data.root"),
        1: read([folder / "dy_1.root", folder / "dy_2.root"]),
        6: read(folder / "qcd.root"),
    }
    seen = []
    for name, batches in zip(OUTPUTS, (10, 5), strict=True):
        mixed = read(folder / name)
        assert np.asarray(mixed["dataset_id"]).tolist() == [0, 0, 0, 1, 1, 6] * batches
        for number, source in sources.items():
            rows = mixed[np.asarray(mixed["dataset_id"]) == number]
            place = {event: entry for entry, event in enumerate(np.asarray(source["evt"]).tolist())}
            same = source[[place[event] for event in np.asarray(rows["evt"]).tolist()]]
            for branch in ("tau_pt", "pfCand_pt", "sampleType", "run"):
                assert ak.array_equal(rows[branch], same[branch], dtype_exact=True)
            if number:
                assert ak.array_equal(rows["tauType"], same["mytauType"], dtype_exact=True)
                assert ak.array_equal(rows["mytauType"], same["mytauType"], dtype_exact=True)
            else:
                assert set(np.asarray(rows["tauType"])) == {8}
                assert set(np.asarray(rows["mytauType"])) == {0}
        seen += np.asarray(mixed["evt"]).tolist()
    assert len(set(seen)) == len(seen)


def test_file_order_goes_on_in_the_second_output(folder):
    mix_events(settings(shuffle=False), folder, folder)
    events = [columns(folder, name)["evt"][columns(folder, name)["dataset_id"] == 0].tolist() for name in OUTPUTS]
    assert events[0] + events[1] == read(folder / "data.root")["evt"].to_list()[:45]


def test_segments_change_nothing_and_the_seed_decides(folder, tmp_path):
    mix_events(settings(segment_size=9), folder, tmp_path / "small")
    mix_events(settings(), folder, tmp_path / "large")
    mix_events(settings(seed=4), folder, tmp_path / "other")
    small, large, other = (read(tmp_path / name / "trainval.root") for name in ("small", "large", "other"))
    assert ak.array_equal(small, large)
    assert not ak.array_equal(large["evt"], other["evt"])


def test_taus_of_an_event_stay_together(make_tuple, folder):
    events = np.repeat(np.arange(30, dtype=np.uint64), 2)
    make_tuple("data.root", 60, sample_type=0, evt=events)
    together = mix_events(settings(), folder, folder)["trainval"]
    assert together["events_in_two_outputs"] == {"data": 0, "DY": 0, "QCD": 0}
    apart = mix_events(settings(keep_events_together=False), folder, folder, overwrite=True)["trainval"]
    first, second = (columns(folder, name) for name in OUTPUTS)
    shared = set(first["evt"][first["dataset_id"] == 0]) & set(second["evt"][second["dataset_id"] == 0])
    assert apart["events_in_two_outputs"]["data"] == len(shared) > 0


def test_contributions_that_run_out_are_reported_first(folder, nothing_written):
    more = {"trainval": {"file": "trainval.root", "batches": 18}, "evaluate": {"file": "evaluate.root", "batches": 9}}
    with pytest.raises(InputError) as caught:
        mix_events(settings(outputs=more), folder, folder)
    text = str(caught.value)
    assert "data runs out: 54 for trainval + 27 for evaluate = 81 taus needed, 60 available, 21 too few" in text
    assert "DY runs out: 36 for trainval + 18 for evaluate = 54 taus needed, 50 available, 4 too few" in text
    assert "QCD" not in text
    nothing_written(*OUTPUTS)


def test_one_large_event_is_explained(make_tuple, folder, nothing_written):
    make_tuple("qcd.root", 40, evt=np.zeros(40, np.uint64))
    with pytest.raises(
        InputError, match=r"QCD runs out.*taus of one event \(up to 40\) stay in one output; keep_events_together"
    ):
        mix_events(settings(), folder, folder)
    nothing_written(*OUTPUTS)
    mix_events(settings(keep_events_together=False), folder, folder)


def test_reuse(folder):
    more = {"trainval": {"file": "trainval.root", "batches": 18}, "evaluate": {"file": "evaluate.root", "batches": 9}}
    manifests = mix_events(settings(outputs=more, allow_reuse=True), folder, folder)
    counts = manifests["trainval"]["counts"]
    assert counts["rows_per_contribution"] == {"data": 54, "DY": 36, "QCD": 18}
    assert counts["distinct_entries"] == {"data": 40, "DY": 33, "QCD": 18}
    assert len(read(folder / "evaluate.root")) == 9 * 6


def test_simulation_needs_its_type(make_tuple, folder, nothing_written):
    make_tuple("qcd.root", 40, mytauType=None)
    with pytest.raises(InputError, match=r"QCD: 40 of 40 taus are not data.*recompute_tautype"):
        mix_events(settings(), folder, folder)
    nothing_written(*OUTPUTS)


def test_branches(make_tuple, folder, nothing_written):
    make_tuple("qcd.root", 40, extra=np.zeros(40, np.float32), tau_eta=None)
    manifest = mix_events(settings(), folder, folder)["evaluate"]
    assert manifest["branches_left_out"] == ["extra", "tau_eta"]
    chosen = settings(branches=["tau_pt", "evt"])
    mix_events(chosen, folder, folder, overwrite=True)
    assert set(TupleReader(folder / "evaluate.root").branches) == {
        "tau_pt", "evt", "sampleType", "tauType", "mytauType", "dataset_id"
    }  # fmt: skip
    with pytest.raises(InputError, match=r"qcd.root: tree 'taus' lacks 1 of the branches needed:\s+tau_eta"):
        mix_events(settings(branches=["tau_eta"]), folder, folder / "third")
    assert not (folder / "third").exists()


def test_types_of_branches_are_widened_where_nothing_is_lost(make_tuple, folder, nothing_written):
    make_tuple("data.root", 60, sample_type=0, mytauType=None, mine=np.ones(60, np.float32))
    for name, entries in (("dy_1.root", 20), ("dy_2.root", 30), ("qcd.root", 40)):
        make_tuple(name, entries, seed=entries, mine=np.full(entries, 1 / 3))
    mix_events(settings(), folder, folder)
    mixed = columns(folder, "evaluate.root")["mine"]
    assert mixed.dtype == np.float64
    assert set(mixed) == {1.0, 1 / 3}  # not 1/3 in single precision
    make_tuple("qcd.root", 40, mine=ak.Array([[1.0, 2.0]] * 40))
    with pytest.raises(InputError, match=r"no common type holds .*\n  mine: float in data, double in DY, double\[\] in QCD"):
        mix_events(settings(), folder, folder, overwrite=True)
    nothing_written()


def test_all_bad_contributions_are_listed(folder, make_tuple, nothing_written):
    (folder / "dy_2.root").unlink()
    (folder / "qcd.root").write_bytes(b"no")
    make_tuple("data.root", 60, sampleType=None)
    with pytest.raises(InputError) as caught:
        mix_events(settings(), folder, folder)
    for part in (
        "contribution data: ",
        "sampleType",
        "contribution DY: ",
        "no such file",
        "contribution QCD: ",
        "not a ROOT file",
    ):
        assert part in str(caught.value)
    nothing_written(*OUTPUTS)


def test_rerun_skips_and_other_settings_are_refused(folder):
    first = mix_events(settings(), folder, folder)
    time = (folder / "trainval.root").stat().st_mtime_ns
    assert mix_events(settings(), folder, folder) == first
    assert (folder / "trainval.root").stat().st_mtime_ns == time
    with pytest.raises(OutputExistsError, match="other settings"):
        mix_events(settings(seed=9), folder, folder)


def test_one_output_missing_remakes_both(folder):
    mix_events(settings(), folder, folder)
    before = read(folder / "evaluate.root")
    (folder / "evaluate.root").unlink()
    mix_events(settings(), folder, folder)
    assert ak.array_equal(read(folder / "evaluate.root"), before)


def test_interrupted_leaves_nothing(folder, monkeypatch, nothing_written):
    class Broken(mixing.TupleWriter):
        def extend(self, arrays):
            super().extend(arrays)
            if self.path.name.startswith(".evaluate"):
                raise KeyboardInterrupt

    monkeypatch.setattr(mixing, "TupleWriter", Broken)
    with pytest.raises(KeyboardInterrupt):
        mix_events(settings(), folder, folder)
    nothing_written(*OUTPUTS)
    monkeypatch.undo()
    mix_events(settings(), folder, folder)
    nothing_written()


@pytest.mark.parametrize(("key", "what"), [("dataset_id", "dataset_id"), ("name", "name")])
def test_contributions_must_differ(key, what):
    contributions = settings().model_dump()["contributions"]
    contributions[1][key] = contributions[0][key]
    with pytest.raises(ValueError, match=f"each {what} may occur once"):
        settings(contributions=contributions)


def test_shipped_configuration_is_the_table_of_the_specification(repository):
    found = load_settings(MixingSettings, repository / "TauAdv/configs/mix_control_region.yaml")
    assert [(entry.dataset_id, entry.per_batch) for entry in found.contributions] == [
        (0, 50), (1, 36), (2, 2), (5, 5), (6, 5), (4, 1), (3, 1)
    ]  # fmt: skip
    assert {name: output.batches for name, output in found.outputs.items()} == {"trainval": 1125, "evaluate": 750}


def test_unknown_key_of_a_contribution(tmp_path):
    config = tmp_path / "mix.yaml"
    config.write_text(
        "contributions: [{name: a, file: a.root, dataset_id: 0, per_batch: 1}]\noutputs: {x: {file: x, batches: 1}}"
    )
    with pytest.raises(ConfigError, match=r"contributions.0.file: unknown key \(did you mean 'files'\?\)"):
        load_settings(MixingSettings, config)


def test_script(folder, run_script, capsys):
    config = folder / "mix.yaml"
    config.write_text(settings().model_dump_json())
    run_script(
        "Production/mix_events.py",
        "--config",
        config,
        "--input_dir",
        folder,
        "--output_dir",
        folder / "out",
        "shuffle=false",
    )
    assert "trainval.root: 60 taus" in capsys.readouterr().out
    assert read_manifest(folder / "out/evaluate.root")["settings"]["shuffle"] is False
    with pytest.raises(SystemExit):
        run_script("Production/mix_events.py", "--config", config, "--input_dir", folder, "outputs.trainval.batches=1000")
    assert "QCD runs out" in capsys.readouterr().err


def test_taus_without_a_momentum(make_tuple, folder, nothing_written):
    pt = np.full(40, 50, np.float32)
    pt[:2] = np.nan, np.inf
    make_tuple("qcd.root", 40, seed=4, tau_pt=pt)
    with pytest.raises(InputError, match=r"qcd.root: tau_pt: 2 of 40 values are not finite \(nan, inf\)"):
        mix_events(settings(), folder, folder)
    nothing_written(*OUTPUTS)
    pt[:2] = -999
    make_tuple("qcd.root", 40, seed=4, tau_pt=pt)
    assert mix_events(settings(), folder, folder)["trainval"]["negative_tau_pt"] == {"data": 0, "DY": 0, "QCD": 2}
