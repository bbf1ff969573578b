"""Preparations that are killed, repeated or damaged."""

import shutil

import numpy as np
import pytest
from jet_sets import SETS, SETTINGS, contents, damaged

from TauAdv.errors import InputError, OutputExistsError, OutputLockedError
from TauAdv.io.locks import output_lock
from TauAdv.jets.parts import ExtractedJets
from TauAdv.shards.jet import preparation as jet_preparation
from TauAdv.shards.jet.preparation import prepare_jets, read_features
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.shuffle import Dealer
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


def test_killed_run_goes_on_to_the_same_bytes(folder, prepared, tmp_path, monkeypatch):
    made = {"write_piece": 0, "_write": 0}
    for stage, allowed in (("write_piece", 5), ("_write", 2)):
        work = getattr(Dealer, stage)

        def killed(self, *arguments, work=work, stage=stage, allowed=allowed):
            made[stage] += 1
            if made[stage] > allowed:
                raise KeyboardInterrupt
            return work(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Dealer, stage, killed)
            with pytest.raises(KeyboardInterrupt):
                prepare_jets([folder], tmp_path / "jets", SETTINGS)
        assert not (tmp_path / "jets").exists()
    prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert contents(tmp_path / "jets") == contents(prepared)
    assert [path.name for path in tmp_path.iterdir()] == ["jets"]
    names = {"features": 0, "jets": 0, "manifest": 0}
    assert {path.name.split("-")[0].split(".")[0] for path in tmp_path.rglob("*") if path.is_file()} == set(names)


@pytest.mark.parametrize("damage", ["flipped", "empty", "cut"])
def test_unfinished_work_that_is_damaged_is_made_again(folder, prepared, tmp_path, monkeypatch, damage):
    """A note that a full disk left empty does not mean that a file has no jets."""

    def killed(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(jet_preparation, "_summary", killed)
        prepare_jets([folder], tmp_path / "jets", SETTINGS)
    work = tmp_path / ".jets.unfinished"
    kinds = (
        "file-*.json",
        "survey.npz",
        "train/piece-*.json",
        "train/features-piece-*",
        "val/jets-piece-*",
        "train/*0.arrow",
    )
    for kind in kinds:
        found = sorted(work.glob(kind))
        assert found, kind
        damaged(found[-1], damage)
    prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert contents(tmp_path / "jets") == contents(prepared)


def test_jets_that_are_lost_are_an_error(folder, tmp_path, monkeypatch):
    rows_of_set = jet_preparation.rows_of_set

    def losing(made, number, layout):
        packed, columns = rows_of_set(made, number, layout)
        rows = np.arange(len(packed) - 1)
        return packed.take(rows), {name: values[rows] for name, values in columns.items()}

    monkeypatch.setattr(jet_preparation, "rows_of_set", losing)
    with pytest.raises(InputError, match=r"train: \d+ jets went in and \d+ came out"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_extracted_jets_that_are_not_all_there(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ExtractedJets, "__len__", lambda self: 701)
    with pytest.raises(InputError, match="701 jets are listed, 700 were found; extract the jets again"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)


def test_only_one_process_writes(folder, tmp_path):
    with output_lock(tmp_path / "jets"), pytest.raises(OutputLockedError, match="jets: is being written by process"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)


@pytest.fixture
def copy(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "copy")


def everything(folder):
    found = []
    for name in SETS:
        rows, columns = ShardSet.open(folder / name).take(slice(None))
        found += [rows.x.tobytes(), rows.x_default.tobytes(), *(values.tobytes() for values in columns.values())]
    features = read_features(folder)
    return [*found, features.dump()]


def test_every_flipped_bit_is_noticed_or_changes_nothing(copy):
    """A slice of the campaign: bits at random in all files of prepared jets."""
    whole, rng, noticed = everything(copy), np.random.default_rng(3), 0
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for position in rng.integers(len(content), size=4):
            changed = bytearray(content)
            changed[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                assert everything(copy) == whole
            except InputError:
                noticed += 1
        path.write_bytes(content)
    assert noticed > 0
    assert everything(copy) == whole


@pytest.mark.parametrize("name", ["train/features-00000.arrow", "test/manifest.json"])
def test_damaged_sets_are_not_kept(folder, copy, name):
    damaged(copy / name, "flipped")
    with pytest.raises(OutputExistsError, match=rf"{name}: is damaged: .*--overwrite makes it again"):
        prepare_jets([folder], copy, SETTINGS)


def test_prepared_jets_of_another_seed(folder, copy, tmp_path):
    prepare_jets([folder], tmp_path / "other", JetPreparationSettings(chunk_size=32, seed=8))
    shutil.copy(tmp_path / "other/train/features-00000.arrow", copy / "train")
    with pytest.raises(InputError, match=r"belongs to another set .*tauadv jets prepare --overwrite"):
        ShardSet.open(copy / "train")
    shutil.copy(tmp_path / "other/manifest.json", copy)
    with pytest.raises(InputError, match=r"manifest\.json: is .*tauadv jets prepare --overwrite"):
        read_features(copy)
    shutil.copy(copy / "val/features-00000.arrow", copy / "train")
    with pytest.raises(InputError, match=r"train/features-00000\.arrow: belongs to another set"):
        ShardSet.open(copy / "train")


def test_finished_work_is_kept_and_other_settings_refused(folder, prepared, monkeypatch, capsys):
    monkeypatch.setattr(jet_preparation, "Dealer", None)
    prepare_jets([folder], prepared, SETTINGS)
    assert "kept" in capsys.readouterr().out
    with pytest.raises(OutputExistsError, match=r"made with other settings \(seed: 3 before, 4 now\)"):
        prepare_jets([folder], prepared, JetPreparationSettings(chunk_size=32, seed=4))
