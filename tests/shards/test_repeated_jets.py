"""Jets that the inputs hold twice are counted and pointed out, whatever way they came in twice."""

import json
import shutil

import numpy as np
import pytest
from extracted_jets import extracted

from TauAdv.errors import InputError, InputWarning
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.shards import repeated
from TauAdv.shards.jet import survey as jet_survey
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.repeated import RepeatedJets

pytestmark = pytest.mark.slow

SETTINGS = JetPreparationSettings(chunk_size=32, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return extracted(tmp_path_factory.mktemp("jets") / "nominal", 200)


def counted(output):
    return json.loads((output / "manifest.json").read_text())["counts"]["repeated"]


def test_none_is_repeated(folder, tmp_path):
    prepare_jets([folder], tmp_path / "out", SETTINGS)
    assert counted(tmp_path / "out") == 0


def test_a_compressed_file_joined_with_itself(folder, tmp_path):
    content = folder.with_name("nominal.json.gz").read_bytes()
    (tmp_path / "twice.json.gz").write_bytes(content + content)
    extract_jets(tmp_path / "twice.json.gz", tmp_path / "twice", ExtractionSettings(n_tracks=6))
    with pytest.warns(InputWarning, match=r"twice: 200 of 400 jets .*was a file joined with itself\?"):
        prepare_jets([tmp_path / "twice"], tmp_path / "out", SETTINGS)
    assert counted(tmp_path / "out") == 200


def test_inputs_that_overlap(folder, tmp_path):
    both = extracted(tmp_path / "both", 250)  # the first jets of the same generator
    with pytest.warns(InputWarning, match="jets repeat an earlier one"):
        prepare_jets([folder, both], tmp_path / "out", SETTINGS)
    assert counted(tmp_path / "out") == len(set(ids_of(folder)) & set(ids_of(both)))


def ids_of(folder):
    source = jet_survey.JetSource(jet_survey.ExtractedJets.open(folder), 0, SETTINGS)
    return np.concatenate([block.ids for blocks in source.pieces() for block in blocks]).tolist()


def test_the_same_jets_of_two_domains_are_no_copies(folder, tmp_path):
    prepare_jets([folder], tmp_path / "out", SETTINGS)
    same = extracted(tmp_path / "same", 200)
    adversarial = JetPreparationSettings(kind="adversarial", scalers_from=tmp_path / "out", allow_duplicates=True)
    prepare_jets([folder, same], tmp_path / "domains", adversarial)
    assert counted(tmp_path / "domains") == 0


def test_of_very_many_jets_a_part_is_compared(monkeypatch):
    monkeypatch.setattr(repeated, "_MOST_HASHES", 1000)
    ids = np.random.default_rng(1).integers(2**64, size=8000, dtype=np.uint64)
    jets = RepeatedJets(12_000)
    jets.add(ids)
    jets.add(ids[:4000])
    assert jets.count() == pytest.approx(4000, rel=0.3)  # 333 +- 18 of them are compared


def test_an_input_given_twice(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    shutil.copytree(folder, tmp_path / "copy")
    for inputs in ([folder, folder], [folder, tmp_path / "link"], [folder, tmp_path / "copy"]):
        with pytest.raises(InputError, match="entries would count twice"):
            prepare_jets(inputs, tmp_path / "jets", SETTINGS)
    assert not (tmp_path / "jets").exists()


def test_jets_twenty_times_bring_the_fractions_off(tmp_path):
    many = extracted(tmp_path / "many", 60, repeat=20)
    with (
        pytest.warns(InputWarning, match="1140 of 1200 jets repeat an earlier one"),
        pytest.warns(InputWarning, match="off by more than 3 standard deviations: .* are jets repeated"),
    ):
        prepare_jets([many], tmp_path / "out", JetPreparationSettings(fractions={"train": 0.5, "test": 0.5}))
