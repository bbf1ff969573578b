"""What an adversarial set is made of: from mixed tuples, or from the settings; carried on in its manifest."""

import numpy as np
import pytest
from shard_tuples import DATA, JET, write_tuple

from TauAdv.domain.contributions.agreement import Statement, as_record
from TauAdv.domain.contributions.contribution import Contribution
from TauAdv.domain.contributions.control_region import ControlRegion
from TauAdv.errors import InputError, InputWarning
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.contributions import check_kinds, contributions_in
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.tuples.histograms import write_histograms

OURS = [
    Contribution(name="recorded", dataset_id=31, label="2018", color="black", data=True),
    Contribution(name="fakes", dataset_id=7, label="jet fakes", color="red"),
]
OTHERS = [OURS[0], OURS[1].model_copy(update={"name": "TTT"})]
MORE = [*OURS, Contribution(name="other", dataset_id=8, label="other", color="blue")]


@pytest.fixture
def settings(table_file):
    return ShardSettings(kind="adversarial", features=str(table_file), chunk_size=16)


@pytest.fixture
def mixed(tmp_path):
    """Return a function that makes a mixed tuple with our own dataset ids."""

    def make(name="mixed.root", contributions=OURS, ids=(31, 7), **changed):
        kinds = np.array([DATA, JET] * 20)
        path = write_tuple(tmp_path / name, kinds, dataset_id=np.where(kinds == DATA, *ids).astype(np.uint64), **changed)
        if contributions is not None:
            write_manifest(path, step="mixing", settings={}, contributions=as_record(contributions))
        return path

    return make


def region(contributions):
    return ControlRegion(contributions=contributions)


def test_mixed_tuples_say_it(mixed, settings, tmp_path):
    manifest = write_shards(mixed(), tmp_path / "set", settings)
    assert manifest["contributions"] == as_record(OURS)
    assert manifest["counts"]["by_group"] == {"fakes": 20, "recorded": 20}
    shards = ShardSet.open(tmp_path / "set")
    assert contributions_in(shards.manifest, shards.folder).complete == OURS
    assert shards.columns(["y", "dataset_id"])["y"][:, 0].sum() == 20


def test_settings_say_it_where_there_is_no_manifest(mixed, settings, tmp_path):
    source = mixed(contributions=None)
    with pytest.raises(InputError, match=r"mixed.root: no manifest that says what its dataset ids stand for"):
        write_shards(source, tmp_path / "set", settings)
    assert not (tmp_path / "set").exists()
    by_hand = settings.model_copy(update={"control_region": region(OURS)})
    assert write_shards(source, tmp_path / "set", by_hand)["contributions"] == as_record(OURS)


@pytest.mark.parametrize(
    "given",
    [{"control_region": region(OTHERS)}, {"contributions": {31: "recorded", 7: "TTT"}}, {"control_region": region(MORE)}],
)
def test_settings_that_disagree_are_refused(mixed, settings, tmp_path, given):
    with pytest.raises(
        InputError, match=r"mixed.root differ .*:\n  dataset_id (7: name 'TTT' / 'fakes'|8: 'other' in the first)"
    ):
        write_shards(mixed(), tmp_path / "set", settings.model_copy(update=given))
    assert not (tmp_path / "set").exists()


def test_tuples_of_different_regions_are_refused(mixed, settings, tmp_path):
    with pytest.raises(InputError, match=r"a.root and of .*b.root differ .*:\n  dataset_id 7: name 'fakes' / 'TTT'"):
        write_shards([mixed("a.root"), mixed("b.root", OTHERS)], tmp_path / "set", settings)
    both = [mixed("a.root"), mixed("c.root", evt=np.arange(100, 140, dtype=np.uint64))]
    assert write_shards(both, tmp_path / "set", settings)["counts"]["taus"] == 80


def test_weights_of_another_region_are_refused(mixed, settings, tmp_path):
    weights = tmp_path / "weights.root"
    write_histograms(weights, {name: ([1, 1, 1], [20, 100]) for name in ("recorded", "fakes", "TTT")})
    weighted = settings.model_copy(update={"adversarial_weights": str(weights)})
    write_manifest(weights, step="pt_weights", settings={}, contributions=as_record(OTHERS))
    with pytest.raises(InputError, match=r"weights.root differ .*:\n  dataset_id 7: name 'fakes' / 'TTT'"):
        write_shards(mixed(), tmp_path / "set", weighted)
    write_manifest(weights, step="pt_weights", settings={}, contributions=as_record(OURS))
    assert write_shards(mixed(), tmp_path / "set", weighted)["weights"] == {"pt": {"31": "recorded", "7": "fakes"}}


def test_unknown_dataset_ids_are_refused(mixed, settings, tmp_path):
    with pytest.raises(InputError, match=r"expected one of 7 \(fakes\), 31 \(recorded\); received \{9: "):
        write_shards(mixed(ids=(31, 9)), tmp_path / "set", settings)


def test_data_and_simulation_are_what_they_are_called(mixed, settings, tmp_path):
    with pytest.raises(InputError, match="20 taus have the dataset_id of data, but none has tauType 8"):
        write_shards(mixed(ids=(7, 31)), tmp_path / "set", settings)
    swapped = [entry.model_copy(update={"dataset_id": number}) for entry, number in zip(OURS, (7, 31), strict=True)]
    with pytest.raises(InputError, match="20 taus have the dataset_id of data"):
        write_shards(mixed("b.root", swapped), tmp_path / "set", settings)
    with pytest.raises(InputError, match=r"fakes: all taus are data \(tauType 8\)"):
        write_shards(mixed("c.root", ids=(7, 7), tauType=np.full(40, 8, np.int32)), tmp_path / "set", settings)


def test_a_label_that_changed_makes_another_set(mixed, settings, tmp_path):
    source = mixed()
    write_shards(source, tmp_path / "set", settings)
    relabelled = [OURS[0], OURS[1].model_copy(update={"label": "fake taus"})]
    write_manifest(source, step="mixing", settings={}, contributions=as_record(relabelled))
    with pytest.raises(FileExistsError, match=r'dataset_id 7: .*"jet fakes", .* before, .*"fake taus", .* now'):
        write_shards(source, tmp_path / "set", settings)
    recoloured = [OURS[0], OURS[1].model_copy(update={"color": "green"})]
    write_manifest(source, step="mixing", settings={}, contributions=as_record(recoloured))
    assert write_shards(source, tmp_path / "set", settings)["counts"]["taus"] == 40


@pytest.mark.parametrize(
    ("genuine", "kinds", "warning"),
    [
        (True, [2] * 10, None),
        (True, [2] * 8 + [3] * 2, "80.0% of its 10"),
        (False, [2] * 10, "100.0%"),
        (False, [3, 2], None),
    ],
)
def test_genuine_is_compared_with_the_tau_types(genuine, kinds, warning):
    entries = [OURS[0], OURS[1].model_copy(update={"genuine": genuine})]
    ids = np.full(len(kinds), 7)
    if warning is None:
        check_kinds(Statement("mixed", entries), ids, kinds)
    else:
        with pytest.warns(InputWarning, match=rf"fakes \(dataset_id 7\): {warning} taus are|fakes .*: {warning}"):
            check_kinds(Statement("mixed", entries), ids, kinds)


def test_jets_that_are_called_genuine_are_refused():
    entries = [OURS[0], OURS[1].model_copy(update={"genuine": True})]
    with pytest.raises(
        InputError, match=r"fakes \(dataset_id 7\): 0.0% of its 2 taus are genuine .*, but mixed calls it genuine"
    ):
        check_kinds(Statement("mixed", entries), [7, 7, 31], [3, 3, 2])
    check_kinds(Statement("mixed", entries), [31], [8])  # none of it: nothing to say
