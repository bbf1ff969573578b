"""Preparations of bad inputs or settings: one message, nothing written."""

import pytest
from extracted_jets import extracted
from jet_sets import SETTINGS

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.shards.jet.preparation import prepare_jets
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


def test_class_absent_from_a_set(tmp_path):
    few = extracted(tmp_path / "few", 12)
    with pytest.raises(InputError, match=r"few: no .* jets in the set 'val' \(fraction 0.08 of 12 jets\); give"):
        prepare_jets([few], tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_shards_of_other_scalers_are_refused(folder, sets, tmp_path):
    prepare_jets([folder], tmp_path / "out", JetPreparationSettings(seed=4))
    other = ShardSet.open(tmp_path / "out" / "train")
    with pytest.raises(InputError, match=r"expected shards of the feature table 'jet_flavour'.*differing: .*track_"):
        other.require_table(sets["train"].table)


def test_shards_of_taus_are_not_of_jets(sets, class_folder):
    with pytest.raises(InputError, match="one is of taus, the other of jets"):
        ShardSet.open(class_folder).require_table(sets["train"].table)


def test_folder_of_the_sets_is_not_a_set(prepared):
    with pytest.raises(InputError, match=r"give one of its parts: .*train, .*val, .*test"):
        ShardSet.open(prepared)


def test_inputs_that_do_not_fit(folder, prepared, tmp_path):
    with pytest.raises(InputError, match=r"not by tauadv jets extract"):
        prepare_jets([prepared], tmp_path / "out", SETTINGS)
    with pytest.raises(InputError, match="made of two inputs"):
        prepare_jets([folder], tmp_path / "out", JetPreparationSettings(kind="adversarial", scalers_from=prepared))
    with pytest.raises(InputError, match="expected jets made with"):
        prepare_jets([folder], tmp_path / "out", JetPreparationSettings(scalers_from=folder))
    with pytest.raises(InputError, match="features of 6 tracks"):
        prepare_jets([folder], tmp_path / "out", JetPreparationSettings(scalers_from=prepared, n_tracks=3))
    with pytest.raises(InputError, match=r"nominal: jets without the columns track_6_D0.*n_tracks=9 tracks or more"):
        prepare_jets([folder], tmp_path / "out", JetPreparationSettings(n_tracks=9))
    with pytest.raises(ConfigError, match="n_tracks: expected 1 to 33, received 34"):
        prepare_jets([folder], tmp_path / "out", JetPreparationSettings(n_tracks=34))
    few = extracted(tmp_path / "few", 30, n_tracks=2)
    with pytest.raises(InputError, match="few: jets without the columns track_2_D0"):
        prepare_jets([folder, few], tmp_path / "out", JetPreparationSettings(scalers_from=prepared))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["fractions={train: 0.5, val: 0.2, test: 0.2}"], "add up to 1"),
        (["fractions={train: 0.5, vel: 0.5}"], "expected fractions of train, val, test; received one of vel"),
        (["fractions={test: 1}"], "leaves no jets to compute"),
        (["kind=adversarial"], "scalers_from: an adversarial set"),
        (["scalers_from=x", "scalers=published"], "scalers: published, or those of scalers_from"),
        (["weighting=flat"], "weighting"),
        (["jets=0"], "jets"),
    ],
)
def test_settings_that_are_not_accepted(overrides, text):
    with pytest.raises(ConfigError, match=text):
        load_settings(JetPreparationSettings, None, overrides)
