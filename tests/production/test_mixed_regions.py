"""Mixing of a control region: ids, names and kinds are those of its file, and the mixed files carry them on."""

import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.tuples.reader import read

OUTPUTS = ("trainval.root", "evaluate.root")
OUTPUT_FILES = {"trainval": {"file": "trainval.root", "batches": 10}, "evaluate": {"file": "evaluate.root", "batches": 5}}
OURS = [
    {"name": "recorded", "dataset_id": 31, "label": "2018", "color": "black", "data": True},
    {"name": "fakes", "dataset_id": 7, "label": "jet fakes", "color": "red"},
    {"name": "DY", "dataset_id": 3, "label": "DY", "color": "blue", "genuine": True},
]
FILES = {"recorded": "data.root", "DY": ["dy_1.root", "dy_2.root"], "fakes": "qcd.root"}


@pytest.fixture
def folder(make_tuple, tmp_path):
    """Folder with the contributions."""
    make_tuple("data.root", 60, seed=1, sample_type=0, mytauType=None)
    make_tuple("dy_1.root", 20, seed=2)
    make_tuple("dy_2.root", 30, seed=3)
    make_tuple("qcd.root", 40, seed=4)
    return tmp_path


def old_settings():
    """Settings without a control region."""
    numbers = {"recorded": (0, 3), "DY": (1, 2), "fakes": (6, 1)}
    entries = [
        {"name": name, "files": FILES[name], "dataset_id": number, "per_batch": count}
        for name, (number, count) in numbers.items()
    ]
    return MixingSettings(contributions=entries, outputs=OUTPUT_FILES, seed=3)


def region_settings(contributions=OURS, **changes):
    mixing = {
        name: {"files": files, "per_batch": count} for (name, files), count in zip(FILES.items(), (3, 2, 1), strict=True)
    }
    region = {"contributions": contributions, "mixing": mixing}
    content = {"control_region": region, "outputs": OUTPUT_FILES, "seed": 3} | changes
    return MixingSettings.model_validate(content)


def test_mixed_files_carry_on_what_they_are_made_of(folder):
    manifest = mix_events(region_settings(), folder, folder)["trainval"]
    assert [(entry["name"], entry["dataset_id"], entry["genuine"]) for entry in manifest["contributions"]] == [
        ("recorded", 31, False), ("fakes", 7, False), ("DY", 3, True)
    ]  # fmt: skip
    assert np.asarray(read(folder / "trainval.root")["dataset_id"]).tolist() == [31, 31, 31, 3, 3, 7] * 10


def test_a_mixed_file_that_was_exchanged(folder, make_tuple):
    mix_events(region_settings(), folder, folder)
    make_tuple("trainval.root", 60, seed=7)
    region = region_settings().model_dump(mode="json")["control_region"]
    region["mixing"]["fakes"]["files"] = "trainval.root"
    settings = MixingSettings.model_validate(
        {"control_region": region, "outputs": {"new": {"file": "n.root", "batches": 2}}}
    )
    with pytest.raises(InputError, match=r"trainval\.root: is not the file that trainval\.root\.manifest\.json describes"):
        mix_events(settings, folder, folder)
    assert not (folder / "n.root").exists()


def test_ids_and_names_do_not_change_what_is_chosen(folder, tmp_path):
    mix_events(old_settings(), folder, tmp_path / "old")
    mix_events(region_settings(), folder, tmp_path / "new")
    assert ak.array_equal(read(tmp_path / "old/trainval.root")["evt"], read(tmp_path / "new/trainval.root")["evt"])


def test_only_what_decides_the_content_makes_other_files(folder):
    first = mix_events(region_settings(), folder, folder)
    assert mix_events(region_settings([entry | {"color": "green"} for entry in OURS]), folder, folder) == first
    with pytest.raises(OutputExistsError, match=r'dataset_id 3: .*"genuine"\] before, .*"simulation"\] now'):
        mix_events(region_settings([*OURS[:2], OURS[2] | {"genuine": False}]), folder, folder)


def test_contributions_beside_a_region_must_be_its_own(folder):
    derived = region_settings().model_dump()["contributions"]
    content = {**region_settings().model_dump(), "contributions": derived}
    assert MixingSettings.model_validate(content).contributions == region_settings().contributions
    content["contributions"] = [derived[0], derived[1] | {"dataset_id": 4}, derived[2]]
    with pytest.raises(ValueError, match=r"contributions: not those of control_region \(DY\); leave them out"):
        MixingSettings.model_validate(content)
    with pytest.raises(ValueError, match="control_region: required, but not given"):
        MixingSettings.model_validate({"outputs": content["outputs"]})


def test_data_are_data(folder, nothing_written):
    swapped = [OURS[0] | {"data": False}, OURS[1], OURS[2] | {"data": True, "genuine": False}]
    with pytest.raises(InputError) as caught:
        mix_events(region_settings(swapped), folder, folder)
    text = str(caught.value)
    assert "recorded: 60 of 60 taus are data (sampleType is 0), but the control region says that it is simulation" in text
    assert "DY: 50 of 50 taus are simulation (sampleType is not 0), but the control region says that it is data" in text
    nothing_written(*OUTPUTS)


@pytest.mark.parametrize("carried", [True, False])
def test_mixed_taus_are_not_mixed_as_something_else(folder, tmp_path, carried):
    """A mixed file in the place of simulation, with contributions in its manifest or (of an older version) without."""
    mix_events(region_settings() if carried else old_settings(), folder, tmp_path / "first")
    (tmp_path / "first/trainval.root").replace(folder / "qcd.root")
    (tmp_path / "first/trainval.root.manifest.json").replace(folder / "qcd.root.manifest.json")
    other = [OURS[0], OURS[1] | {"name": "fakes", "label": "other fakes"}, OURS[2]]
    expected = "label 'jet fakes' / 'other fakes'" if carried else r"holds taus of dataset_id \[0, 1, 6\]"
    wrong = region_settings(other).model_copy(update={"allow_duplicates": True})  # its taus are those of the others, too
    with pytest.raises(InputError, match=f"fakes: .*qcd.root was mixed before.*{expected}"):
        mix_events(wrong, folder, tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_the_same_contribution_can_be_mixed_again(folder, tmp_path, make_tuple):
    make_tuple("qcd.root", 40, dataset_id=np.full(40, 7, np.uint64))
    carried = mix_events(region_settings(), folder, tmp_path / "before")["trainval"]["contributions"]
    write_manifest(folder / "qcd.root", step="skim", settings={}, contributions=carried)
    assert mix_events(region_settings(), folder, folder)["trainval"]["counts"]["rows_per_contribution"]["fakes"] == 10
