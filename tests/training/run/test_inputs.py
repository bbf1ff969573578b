"""Inputs of a training: checked before anything is trained."""

import numpy as np
import pytest
from synthetic_shards import changed_table, write_shards

from TauAdv.errors import InputError
from TauAdv.training.run.inputs import open_inputs


def test_counts_of_steps(classifier_settings):
    assert open_inputs(classifier_settings()).n_steps == 2 * (160 // 32)
    assert open_inputs(classifier_settings(n_batches=100)).n_steps == 200


def test_validation_part_is_not_trained_on(classifier_settings):
    inputs = open_inputs(classifier_settings(validation_fraction=0.3))
    events = [set(inputs.sets[role].columns(["evt"])["evt"].tolist()) for role in ("training", "validation")]
    assert not events[0] & events[1]
    assert len(events[0] | events[1]) == 160
    read = np.concatenate([batch["weight"].numpy() for batch in inputs.validation("validation")])
    assert len(read) == len(events[1])
    assert (
        sum(1 for _ in open_inputs(classifier_settings(validation_fraction=0.3, n_batches_val=1)).validation("validation"))
        == 1
    )


def test_training_goes_on_where_it_was(adversarial_settings):
    inputs = open_inputs(adversarial_settings())
    whole, rest = list(inputs.training(0)), list(inputs.training(7))
    assert len(whole) == 10
    for expected, found in zip(whole[7:], rest, strict=True):
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name].numpy(), value.numpy())


def test_lines_name_the_contributions(adversarial_settings):
    inputs = open_inputs(adversarial_settings())
    lines = list(inputs.lines())
    columns = inputs.sets["adversarial training"].columns(["label", "weight"])
    is_data = columns["label"] == 1
    (data,) = [line.split() for line in lines if line.split()[0] == "data"]
    assert data[1:] == [str(is_data.sum()), "taus,", "sum", "of", "weights", f"{columns['weight'][is_data].sum():.1f}"]
    assert [line.split()[0] for line in lines[1:5]] == ["e", "mu", "tau", "jet"]


def test_sets_of_the_wrong_kind(adversarial_settings, data):
    with pytest.raises(InputError, match="expected a set of kind 'adversarial', received 'classification'"):
        open_inputs(adversarial_settings(adv_shards=data / "class"))
    with pytest.raises(InputError, match="expected a set of kind 'classification'"):
        open_inputs(adversarial_settings(shards=data / "adv"))


def test_missing_folder(classifier_settings, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        open_inputs(classifier_settings(shards=tmp_path / "nowhere"))


def test_batch_larger_than_the_set(classifier_settings):
    with pytest.raises(InputError, match=r"160 taus do not fill one batch of data\.n_tau = 500"):
        open_inputs(classifier_settings(n_tau=500))


def test_sets_with_different_feature_tables(adversarial_settings, tmp_path):
    write_shards(tmp_path / "other", "adversarial", 40, 1, table=changed_table())
    with pytest.raises(InputError, match=r"of the feature table .deeptau_v2p5.*received those of .changed"):
        open_inputs(adversarial_settings(adv_shards=tmp_path / "other"))


def test_feature_table_that_the_settings_ask_for(classifier_settings, tmp_path):
    open_inputs(classifier_settings(features="deeptau_v2p5"))
    path = tmp_path / "table.yaml"
    path.write_text(changed_table().dump())
    with pytest.raises(InputError, match="of the feature table"):
        open_inputs(classifier_settings(features=str(path)))


def test_training_rows_in_the_validation_set_are_told(
    adversarial_settings, classifier_settings, settings_of_jets, data, jets
):
    same = adversarial_settings(validation_shards=data / "class", adv_validation_shards=data / "adv")
    of_class, of_adversary = open_inputs(same).overlaps()
    assert f"160 of the 160 taus of data.validation_shards ({data / 'class'}) are in the training set" in of_class
    assert "90 of the 90 taus of data.adv_validation_shards" in of_adversary
    assert of_class in list(open_inputs(same).lines())
    settings = settings_of_jets(validation_shards=jets / "jets/train", n_jets=100)
    (line,) = open_inputs(settings).overlaps()
    assert line.startswith("WARNING: 100 of the ")
    for settings in (
        classifier_settings(validation_shards=data / "class_val"),
        classifier_settings(validation_fraction=0.3),
        settings_of_jets(),
    ):
        assert list(open_inputs(settings).overlaps()) == []
