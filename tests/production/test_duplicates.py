"""Every step with tuples as input refuses a file that is given twice, and takes it on request."""

import pytest
from specification_region import REGION

from TauAdv.errors import InputError
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.mixing.mix import mix_events
from TauAdv.production.mixing.settings import MixingSettings
from TauAdv.production.pt_weights.weights import PtWeightsSettings, make_pt_weights
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.simulation.validation import load_candidates


@pytest.fixture
def folder(make_tuple, tmp_path):
    """A folder with a tuple and a link to it."""
    path = make_tuple("x.root")
    (tmp_path / "in").mkdir()
    path.rename(tmp_path / "in" / "x.root")
    (tmp_path / "in" / "y.root").symlink_to("x.root")
    return tmp_path / "in"


def drop(folder, output, **options):
    targets = folder / "targets.root"
    drop_events(folder, targets, output, EventDropSettings(target_histogram="h", **options))


def mix(folder, output, **options):
    contributions = [{"name": "data", "files": "*.root", "dataset_id": 0, "per_batch": 1}]
    outputs = {"mixed": {"file": output.name, "batches": 1}}
    mix_events(MixingSettings(contributions=contributions, outputs=outputs, **options), folder, output.parent)


STEPS = {
    "skim": lambda folder, output, **options: skim(folder, output, SkimSettings(**options)),
    "event drop": drop,
    "spectra": lambda folder, output, **options: make_eta_pt_spectra(folder, output, EtaPtSettings(**options)),
    "targets": lambda folder, output, **options: make_targets({"a/b": folder}, output, TargetSettings(**options)),
    "pT weights": lambda folder, output, **options: make_pt_weights(
        folder, output, PtWeightsSettings(control_region=REGION, **options)
    ),
    "mixing": mix,
    "shards": lambda folder, output, **options: write_shards(folder, output, ShardSettings(**options)),
    "validation": lambda folder, output, **options: load_candidates(folder, **options),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_file_given_twice(folder, tmp_path, step):
    with pytest.raises(InputError, match=r"x\.root and .*y\.root are the same: entries would count twice"):
        STEPS[step](folder, tmp_path / "out.root")
    assert not (tmp_path / "out.root").exists()
    try:
        STEPS[step](folder, tmp_path / "out.root", allow_duplicates=True)
    except ValueError as error:  # some need more branches or histograms than this tuple has
        assert "count twice" not in str(error)  # noqa: PT017


def test_a_file_in_two_contributions(make_tuple, tmp_path):
    path = make_tuple("x.root")
    contributions = [
        {"name": name, "files": path.name, "dataset_id": number, "per_batch": 1}
        for number, name in enumerate(("data", "DYT"))
    ]
    settings = MixingSettings(contributions=contributions, outputs={"mixed": {"file": "mixed.root", "batches": 1}})
    with pytest.raises(InputError, match="entries would count twice"):
        mix_events(settings, tmp_path, tmp_path)


def test_contributions_of_other_types(make_tuple, tmp_path):
    """The branches that the schema does not know become wide enough for all contributions, or are refused."""
    import numpy as np

    from TauAdv.tuples.reader import read

    values = {"one": np.full(200, 0.1, np.float32), "two": np.full(200, 0.1)}
    for seed, (name, mine) in enumerate(values.items()):
        make_tuple(f"{name}.root", seed=seed + 1, mine=mine)
    contributions = [
        {"name": name, "files": f"{name}.root", "dataset_id": number, "per_batch": 2} for number, name in enumerate(values)
    ]
    settings = MixingSettings(contributions=contributions, outputs={"mixed": {"file": "mixed.root", "batches": 3}})
    mix_events(settings, tmp_path, tmp_path)
    found = read(tmp_path / "mixed.root", ["dataset_id", "mine"])
    assert set(found["mine"][found["dataset_id"] == 1]) == {0.1}
    assert set(found["mine"][found["dataset_id"] == 0]) == {float(np.float32(0.1))}
    make_tuple("two.root", seed=2, mine=np.full(200, 2**60))
    with pytest.raises(InputError, match=r"no common type holds without loss:\n  mine: float in one, int64_t in two"):
        mix_events(settings, tmp_path, tmp_path, overwrite=True)
