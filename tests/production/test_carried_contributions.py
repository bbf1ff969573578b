"""Steps between mixing and shards carry on what mixed tuples are made of, and refuse other control regions."""

import shutil

import numpy as np
import pytest
from specification_region import CONTRIBUTIONS, REGION

from TauAdv.domain.contributions.agreement import as_record
from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.domain.contributions.control_region import ControlRegion, Target
from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import read_manifest, write_manifest
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.production.pt_weights.weights import make_pt_weights
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.histograms import read_th1

OURS = [
    Contribution(name="fakes", dataset_id=0, label="jet fakes", color="red"),
    Contribution(name="recorded", dataset_id=31, label="2018", color="black", data=True),
]


@pytest.fixture
def mixed(make_tuple):
    """Return a function that makes a mixed tuple: every other tau is data, the others are fakes."""

    def make(name="mixed.root", contributions=OURS):
        ids = np.where(np.arange(200) % 2, 31, 0).astype(np.uint64)
        path = make_tuple(name, dataset_id=ids, tau_pt=np.full(200, 50, np.float32))
        write_manifest(path, step="mixing", settings={}, contributions=as_record(contributions))
        return path

    return make


def test_skim_and_drop_carry_them_on(mixed, make_targets_file, tmp_path):
    source, target = mixed(), make_targets_file(mt__EMB=np.ones(17))
    skim(source, tmp_path / "skimmed.root", SkimSettings(input_tree="taus", sel="tau_pt > 30"))
    drop_events(source, target, tmp_path / "dropped.root", EventDropSettings(target_histogram="mt/EMB"))
    for name in ("skimmed.root", "dropped.root"):
        assert read_manifest(tmp_path / name)["contributions"] == as_record(OURS)


@pytest.mark.parametrize("step", ["skim", "drop", "weights"])
def test_a_manifest_of_a_file_that_was_exchanged_is_not_carried_on(
    step, mixed, make_tuple, make_targets_file, tmp_path, nothing_written
):
    path, target = mixed(), make_targets_file(mt__EMB=np.ones(17))
    source = tmp_path / "skimmed.root"
    skim(path, source, SkimSettings(sel="tau_pt > 30"))
    shutil.copy(make_tuple("other.root", seed=2), source)
    region = ControlRegion(contributions=OURS, targets={"fakes": Target(fraction=0.5)})
    output = tmp_path / "out.root"
    steps = {
        "skim": lambda: skim(source, output, SkimSettings(sel="tau_pt > 30")),
        "drop": lambda: drop_events(source, target, output, EventDropSettings(target_histogram="mt/EMB")),
        "weights": lambda: make_pt_weights(source, output, PtWeightsSettings(control_region=region)),
    }
    with pytest.raises(InputError, match=r"skimmed\.root: is not the file that skimmed\.root\.manifest\.json describes"):
        steps[step]()
    nothing_written("out.root")


def test_mixed_tuples_of_two_regions_do_not_become_one_file(mixed, tmp_path, nothing_written):
    files = [mixed("a.root"), mixed("b.root", CONTRIBUTIONS)]
    with pytest.raises(InputError, match=r"a.root and of .*b.root differ .*:\n  dataset_id 0: name 'fakes' / 'data'"):
        skim(files, tmp_path / "both.root", SkimSettings(input_tree="taus", sel="tau_pt > 30"))
    nothing_written("both.root")


def test_data_are_what_the_region_calls_data(mixed, tmp_path):
    """Data with another dataset_id than 0, and simulation with 0."""
    region = ControlRegion(contributions=OURS, targets={"fakes": Target(fraction=0.5)})
    manifest = make_pt_weights(mixed(), tmp_path / "w.root", PtWeightsSettings(control_region=region))
    assert manifest["contributions"] == as_record(OURS)
    assert (read_th1(tmp_path / "w.root", "recorded").values(flow=True) == 1).all()
    weights = read_th1(tmp_path / "w.root", "fakes").values(flow=True)
    assert sorted(set(weights.tolist())) == [0, 1]  # 100 data over 100 fakes in the bin of 50 GeV
    assert read_manifest(tmp_path / "w.root")["counts"]["taus"] == {"fakes": 100, "recorded": 100}


@pytest.mark.parametrize("by", ["settings", "file"])
def test_weights_of_another_region_are_refused(mixed, tmp_path, nothing_written, by):
    source = mixed()
    settings, other = PtWeightsSettings(control_region=REGION), None
    if by == "file":
        settings = PtWeightsSettings(
            control_region=ControlRegion(contributions=OURS, targets={"fakes": Target(fraction=0.5)})
        )
        other = tmp_path / "other.yaml"
        other.write_text(
            "contributions:\n- {name: recorded, dataset_id: 31, label: '2018', color: black, data: true}\n"
            "- {name: W, dataset_id: 0, label: W, color: red}\n"
        )
    with pytest.raises(InputError, match="dataset_id 0: name "):
        make_pt_weights(source, tmp_path / "w.root", settings, contributions=other)
    nothing_written("w.root")
