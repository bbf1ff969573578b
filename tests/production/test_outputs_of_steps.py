"""No production step writes over its input, or over a file that is not ours."""

import json

import numpy as np
import pytest
from specification_region import REGION

from TauAdv.config import load_settings
from TauAdv.errors import InputError, OutputExistsError
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.production.pt_weights.weights import make_pt_weights
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets


@pytest.mark.parametrize("step", ["drop", "drop_target", "mix", "weights", "spectra", "targets"])
def test_output_that_is_an_input(step, make_tuple, make_targets_file, tmp_path):
    taus, target = make_tuple("taus.root"), make_targets_file(mt__EMB=np.ones(17))
    before = taus.read_bytes(), target.read_bytes()
    drop = EventDropSettings(target_histogram="mt/EMB")
    mix = MixingSettings(
        contributions=[{"name": "a", "files": "taus.root", "dataset_id": 0, "per_batch": 1}],
        outputs={"all": {"file": "./taus.root", "batches": 1}},
    )
    steps = {
        "drop": lambda: drop_events(taus, target, taus, drop, overwrite=True),
        "drop_target": lambda: drop_events(taus, target, target, drop, overwrite=True),
        "mix": lambda: mix_events(mix, tmp_path, tmp_path, overwrite=True),
        "weights": lambda: make_pt_weights(taus, taus, PtWeightsSettings(control_region=REGION), overwrite=True),
        "spectra": lambda: make_eta_pt_spectra(taus, taus, EtaPtSettings(tau_type="mytauType"), overwrite=True),
        "targets": lambda: make_targets({"mt/EMB": taus}, taus, TargetSettings(), overwrite=True),
    }
    with pytest.raises(InputError, match="is also an input"):
        steps[step]()
    assert (taus.read_bytes(), target.read_bytes()) == before


@pytest.mark.parametrize("step", ["skim", "drop", "mix", "weights", "spectra", "targets"])
def test_output_that_is_of_somebody_else(step, make_tuple, make_targets_file, tmp_path):
    ids = np.repeat([entry.dataset_id for entry in REGION.contributions], 30).astype(np.uint64)
    taus, target = make_tuple("taus.root", len(ids), dataset_id=ids), make_targets_file(mt__EMB=np.ones(17))
    output = tmp_path / "thesis.root"
    output.write_text("years of work")
    mix = MixingSettings(
        contributions=[{"name": "a", "files": "taus.root", "dataset_id": 0, "per_batch": 1}],
        outputs={"all": {"file": output.name, "batches": 1}},
    )
    steps = {
        "skim": lambda: skim(taus, output, SkimSettings(), overwrite=True),
        "drop": lambda: drop_events(taus, target, output, EventDropSettings(target_histogram="mt/EMB"), overwrite=True),
        "mix": lambda: mix_events(mix, tmp_path, tmp_path, overwrite=True),
        "weights": lambda: make_pt_weights(taus, output, PtWeightsSettings(control_region=REGION), overwrite=True),
        "spectra": lambda: make_eta_pt_spectra(taus, output, EtaPtSettings(tau_type="mytauType"), overwrite=True),
        "targets": lambda: make_targets({"mt/EMB": taus}, output, TargetSettings(), overwrite=True),
    }
    with pytest.raises(
        OutputExistsError, match=r"thesis\.root: .*never replaced: move it away, or give another output name$"
    ):
        steps[step]()
    assert output.read_text() == "years of work"
    output.unlink()
    steps[step]()
    steps[step]()  # ours is replaced


def test_other_suffixes_are_refused(make_tuple, tmp_path):
    taus = make_tuple("taus.root")
    for name in ("out.txt", "out", "root", "out.root.bak"):
        with pytest.raises(InputError, match=rf"{name}: a ROOT file is written; give it a name that ends in \.root$"):
            skim(taus, tmp_path / name, SkimSettings())
    skim(taus, tmp_path / "out.ROOT", SkimSettings())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ROOT", "out.ROOT.manifest.json", "taus.root"]


@pytest.mark.parametrize("names", [("ADV.root", "./ADV.root"), ("a/x.root", "b/x.root"), ("x.root", "a/../x.root")])
def test_outputs_that_are_one_file(names, make_tuple, tmp_path):
    make_tuple("taus.root")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    mix = MixingSettings(
        contributions=[{"name": "a", "files": "taus.root", "dataset_id": 0, "per_batch": 1}],
        outputs={f"output{number}": {"file": name, "batches": 1} for number, name in enumerate(names)},
    )
    with pytest.raises(InputError, match=rf"output0 \({names[0]}\) and output1 \({names[1]}\) are the same file"):
        mix_events(mix, tmp_path, tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.root")) == ["taus.root"]


@pytest.fixture
def configuration(tmp_path):
    """A configuration of both steps (its content), with its control region in region.yaml and again in named.yaml."""
    region = REGION.model_dump(mode="json")
    region["mixing"] = {entry.name: {"files": "taus.root", "per_batch": 1} for entry in REGION.contributions}
    for name in ("region.yaml", "named.yaml"):
        (tmp_path / name).write_text(json.dumps(region))
    return {"control_region": "region.yaml", "allow_duplicates": True}


@pytest.mark.parametrize("written", ["config.yaml", "region.yaml"])
def test_mixing_never_writes_over_its_configuration(written, configuration, make_tuple, tmp_path):
    make_tuple("taus.root")
    config, output = tmp_path / "config.yaml", tmp_path / written
    config.write_text(json.dumps(configuration | {"outputs": {"all": {"file": written, "batches": 1}}}))
    before = output.read_bytes()
    with pytest.raises(InputError, match=f"{written}: is also an input"):
        mix_events(load_settings(MixingSettings, config), tmp_path, tmp_path, overwrite=True)
    assert output.read_bytes() == before


@pytest.mark.parametrize("written", ["config.yaml", "region.yaml", "named.yaml"])
def test_pt_weights_never_replace_their_configuration(written, configuration, make_tuple, tmp_path):
    config, output = tmp_path / "config.yaml", tmp_path / written
    config.write_text(json.dumps(configuration))
    before, settings = output.read_bytes(), load_settings(PtWeightsSettings, config)
    with pytest.raises(InputError, match=f"{written}: is also an input"):
        make_pt_weights(make_tuple("taus.root"), output, settings, contributions=tmp_path / "named.yaml", overwrite=True)
    assert output.read_bytes() == before
