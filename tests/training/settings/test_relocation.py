"""Resuming after inputs, or a whole project, were moved."""

import shutil

import pytest
from synthetic_shards import write_shards

from TauAdv.config import replaced
from TauAdv.errors import ConfigError, InputError
from TauAdv.models.deeptau.settings import load_network
from TauAdv.runs import find_run, start_run
from TauAdv.runs.layout import INPUTS, NETWORK, TRAINING
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.record import record_inputs, require_same_inputs, require_same_pretrained
from TauAdv.training.run.train import train
from TauAdv.training.settings.model import PretrainedSettings
from TauAdv.training.settings.of_run import resolved, settings_of_run

pytestmark = pytest.mark.slow


@pytest.fixture
def project(data, adversarial_settings, tmp_path):
    """A folder with shards, a pretrained file and a run that was started from them: its folder and the run."""
    folder = tmp_path / "project"
    for name in ("class", "adv"):
        shutil.copytree(data / name, folder / name)
    (folder / "network.yaml").write_bytes((data / "network.yaml").read_bytes())
    (folder / "start.keras").write_bytes(b"a model")
    places = {
        "data.shards": folder / "class",
        "data.adv_shards": folder / "adv",
        "model.network": str(folder / "network.yaml"),
    }
    changes = {"output.mlruns": folder / "mlruns", "model.pretrained": PretrainedSettings(file=folder / "start.keras")}
    settings = resolved(replaced(adversarial_settings(**places), changes))
    with start_run(settings.output.mlruns, "one") as run:
        record_inputs(run, open_inputs(settings), load_network(settings.model.network), folder / "start.keras")
    return folder, run


def test_a_project_that_is_moved_as_a_whole(project, tmp_path):
    folder, run = project
    moved = folder.rename(tmp_path / "elsewhere")
    settings = settings_of_run(moved / "mlruns", run.id)
    assert (settings.data.shards, settings.data.adv_shards) == (moved / "class", moved / "adv")
    assert (settings.output.mlruns, settings.model.pretrained.file) == (moved / "mlruns", moved / "start.keras")
    found = find_run(moved / "mlruns", run.id)
    assert settings.model.network == str(found.artifacts / NETWORK)
    require_same_inputs(found, open_inputs(settings))
    require_same_pretrained(found, settings.model.pretrained.file)


def test_single_inputs_that_are_moved(project, tmp_path):
    folder, run = project
    for name in ("class", "start.keras"):
        shutil.move(folder / name, tmp_path / f"now {name}")
    overrides = [f"data.shards={tmp_path / 'now class'}", f"model.pretrained.file={tmp_path / 'now start.keras'}"]
    settings = settings_of_run(run.mlpath, run.id, overrides)
    require_same_inputs(run, open_inputs(settings))
    require_same_pretrained(run, settings.model.pretrained.file)


def test_other_content_is_refused_by_name(project, tmp_path):
    folder, run = project
    shutil.rmtree(folder / "adv")
    write_shards(folder / "adv", "adversarial", 90, 77)
    inputs = open_inputs(settings_of_run(run.mlpath, run.id))
    message = rf"the adversarial training set changed .* \(data\.adv_shards: {folder}/adv, digest "
    with pytest.raises(InputError, match=message) as raised:
        require_same_inputs(run, inputs)
    assert "the training set" not in str(raised.value)
    (folder / "start.keras").write_bytes(b"a_model")
    with pytest.raises(InputError, match=r"the pretrained model .*start\.keras is not the one it was started with"):
        require_same_pretrained(run, folder / "start.keras")


def test_what_is_no_place_stays(project):
    _, run = project
    for override, named in (
        ("model.pretrained.run_id=1", r"pretrained\.run_id"),
        ("data.adv_validation_shards=x", "adv_validation_shards"),
        ("output.mlruns=other", "mlruns"),
        ("model.network=other.yaml", "network"),
    ):
        words = [override] if "run_id" not in override else [override, "model.pretrained.file=null"]
        with pytest.raises(ConfigError, match=rf"{named}.*cannot change when a run is resumed"):
            settings_of_run(run.mlpath, run.id, words)
    here = run.mlpath.parent
    assert settings_of_run(run.mlpath, run.id, [f"output.mlruns={here}"]).output.mlruns == here


def test_missing_inputs_are_named_with_the_way_to_give_them(project):
    folder, run = project
    (folder / "class").rename(folder / "renamed")
    settings = settings_of_run(run.mlpath, run.id)
    with pytest.raises(InputError, match=r"shards: .*class: no such .*; if it was moved, give its place: data.shards=PATH"):
        train(settings, resume=run.id)


@pytest.mark.parametrize("path", [TRAINING, INPUTS, NETWORK])
def test_damaged_files_of_a_run(project, path):
    _, run = project
    content = bytearray((run.artifacts / path).read_bytes())
    content[len(content) // 2] ^= 1
    (run.artifacts / path).write_bytes(bytes(content))
    with pytest.raises(InputError, match=rf"{path}: damaged or replaced"):
        require_same_inputs(run, open_inputs(settings_of_run(run.mlpath, run.id)))
        run.require_file(NETWORK, "")
