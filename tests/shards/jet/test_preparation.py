"""Prepared jets: which jet is in which set, with which features and weights."""

import json

import numpy as np
import pytest
from extracted_jets import extracted
from jet_sets import SETS, SETTINGS

from TauAdv.errors import InputError, InputWarning
from TauAdv.jets.cleaning import clean
from TauAdv.jets.sample_weights import Spectra, binning
from TauAdv.shards.batching import PairedBatches
from TauAdv.shards.jet.packing import JET_IDENTITY
from TauAdv.shards.jet.preparation import prepare_jets, read_features
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


def test_every_jet_is_in_one_set_with_its_identity(sets, jets):
    columns = {name: shards.columns() for name, shards in sets.items()}
    lines = np.concatenate([each["line"] for each in columns.values()])
    np.testing.assert_array_equal(np.sort(lines), jets.line)
    for name, each in columns.items():
        rows = each["line"] - 1
        for column in ("jet_pt", "jet_eta"):
            np.testing.assert_array_equal(each[column], jets[column][rows])
        np.testing.assert_array_equal(each["flavor"], jets.flavor[rows])
        np.testing.assert_array_equal(np.array([5, 4, 0])[each["label"]], each["flavor"])
        np.testing.assert_array_equal(each["y"], np.eye(3)[each["label"]])
        assert set(JET_IDENTITY) <= set(sets[name].column_names)


def test_features_follow_from_training_jets_alone(sets, jets, prepared):
    """Defaults, mean and spread in plain numpy, and the stored inputs of all sets from them."""
    features = read_features(prepared)
    training = np.isin(jets.line, sets["train"].columns(["line"])["line"])
    values = features.select(jets)
    for name in ("track_0_D0", "track_3_Z0", "jet_width_eta", "track_1_D0D0"):
        k = features.names.index(name)
        column = values[training, k].astype(np.float64)
        rule = features.columns[k].variable.default
        minimum = np.nanmin(column)
        expected = rule if isinstance(rule, float) else minimum - rule.below_minimum
        assert features.default[k] == pytest.approx(expected, rel=1e-6)
        present = column[np.isfinite(column) & (column > expected)]
        assert features.mean[k] == pytest.approx(present.mean(), rel=1e-9)
        assert features.std[k] == pytest.approx(present.std(), rel=1e-9)
    cleaned, absent = clean(values, features.default)
    scaled = (cleaned - features.mean) / features.std
    for shards in sets.values():
        rows, columns = shards.take(slice(None))
        np.testing.assert_array_equal(rows.x_default, absent[columns["line"] - 1])
        np.testing.assert_allclose(rows.x, scaled[columns["line"] - 1], rtol=1e-5, atol=1e-6)
    assert features.frozen[features.names.index("jet_pt")]  # all test jets have the same
    assert not features.frozen[features.names.index("track_0_D0")]


def test_weights_follow_from_training_jets(sets):
    bins = binning("ptetaflavloss")
    train = sets["train"].columns()
    spectra = Spectra.of(bins, 3, train["label"], train["jet_eta"], train["jet_pt"])
    for shards in sets.values():
        columns = shards.columns()
        expected = spectra.weights()[columns["label"], bins.find(columns["jet_eta"], columns["jet_pt"])]
        np.testing.assert_allclose(columns["weight"], expected, rtol=1e-6)


def test_manifest_reports_the_split(prepared, jets):
    manifest = json.loads((prepared / "manifest.json").read_text())
    counts = manifest["counts"]
    assert counts["jets"] == len(jets)
    for label, flavour in (("b", 5), ("c", 4), ("udsg", 0)):
        assert sum(counts["by_label"][label].values()) == (jets.flavor == flavour).sum()
        assert all(abs(pull) < 3 for pull in counts["standard_deviations_off"][label].values())
    assert manifest["absent_fraction"]["vertex_mass"] == 1
    assert manifest["absent_fraction"]["track_0_D0"] == 0
    assert 0 < manifest["absent_fraction"]["track_3_D0"] < 1


def test_files_of_the_input_do_not_matter_for_the_split(tmp_path, sets):
    other = extracted(tmp_path / "one_file", 700, part_lines=100_000)
    prepare_jets([other], tmp_path / "out", SETTINGS)
    for name, shards in sets.items():
        again = ShardSet.open(tmp_path / "out" / name)
        np.testing.assert_array_equal(np.sort(again.columns(["line"])["line"]), np.sort(shards.columns(["line"])["line"]))
        assert set(again.table.differences(shards.table)) <= set(shards.table.names)
        np.testing.assert_allclose(again.table.mean, shards.table.mean, rtol=1e-9, atol=1e-12)


def test_copies_of_a_jet_are_in_one_set(tmp_path):
    twice = extracted(tmp_path / "twice", 200, repeat=2)
    with pytest.warns(InputWarning, match="200 of 400 jets"):
        prepare_jets([twice], tmp_path / "out", SETTINGS)
    ids = [set(ShardSet.open(tmp_path / "out" / name).columns(["jet_id"])["jet_id"].tolist()) for name in SETS]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    assert sum(map(len, ids)) == 200


def test_adversarial_set_of_two_domains(domains, sets, prepared):
    adversarial = ShardSet.open(domains / "train")
    adversarial.require_table(sets["train"].table)
    columns = adversarial.columns()
    np.testing.assert_array_equal(columns["label"], columns["dataset_id"])
    assert set(columns["dataset_id"]) == {0, 1}
    assert adversarial.manifest["settings"]["contributions"] == {"0": "nominal", "1": "shifted"}
    weight = np.bincount(columns["label"], columns["weight"])
    assert weight[0] == pytest.approx(weight[1], rel=0.2)  # bins that one domain does not reach differ
    batch = PairedBatches(sets["train"], adversarial, 40, 30, seed=1)(3)
    assert {name: value.shape for name, value in batch.items()} == {
        "x": (70, 184),
        "x_default": (70, 184),
        "y": (70, 3),
        "weight": (70,),
        "y_adv": (70, 1),
        "weight_adv": (70,),
    }
    assert (batch["weight"][40:] == 0).all()
    assert (batch["weight_adv"][:40] == 0).all()
    assert 0 < batch["y_adv"][40:].mean() < 1


def test_jets_of_the_training_set_are_never_in_another_set_of_the_domains(domains, sets):
    training = set(sets["train"].columns(["jet_id"])["jet_id"].tolist())
    for name in ("val", "test"):
        columns = ShardSet.open(domains / name).columns(["jet_id", "dataset_id"])
        assert not training & set(columns["jet_id"][columns["dataset_id"] == 0].tolist())


def test_number_of_jets_is_exact_and_mixed(folder, tmp_path):
    manifest = prepare_jets(
        [folder], tmp_path / "some", JetPreparationSettings(jets=300, fractions={"train": 0.5, "test": 0.5})
    )
    assert manifest["counts"]["jets"] == 300
    assert set(manifest["sets"]) == {"train", "test"}
    assert not (tmp_path / "some" / "val").exists()
    lines = np.concatenate([ShardSet.open(tmp_path / "some" / name).columns(["line"])["line"] for name in ("train", "test")])
    assert len(set(lines.tolist())) == 300
    assert lines.min() < 50
    assert lines.max() > 650
    with pytest.raises(InputError, match="jets=5000 wanted, but there are 700"):
        prepare_jets([folder], tmp_path / "more", JetPreparationSettings(jets=5000))


@pytest.mark.parametrize(
    "options", [{"weighting": "noweighting"}, {"weighting": "altptetaflavloss"}, {"compression_level": 1}]
)
def test_options(folder, tmp_path, options, sets):
    prepare_jets([folder], tmp_path / "out", JetPreparationSettings(seed=3, chunk_size=32, **options))
    shards = ShardSet.open(tmp_path / "out" / "train")
    np.testing.assert_array_equal(shards.take(slice(None))[0].x, sets["train"].take(slice(None))[0].x)
    assert (shards.columns(["weight"])["weight"] == 1).all() == (options.get("weighting") == "noweighting")


def test_published_defaults_and_scalers(folder, tmp_path):
    prepare_jets([folder], tmp_path / "out", JetPreparationSettings(defaults="published", scalers="published"))
    features = read_features(tmp_path / "out")
    assert features.mean[0] == 33.82514418
    assert features.default[1] == -3


def test_only_test_jets_with_the_scalers_of_others(folder, prepared, tmp_path, sets):
    fractions = {"test": 1.0}
    settings = JetPreparationSettings(scalers_from=prepared / "train", weighting="noweighting", fractions=fractions)
    prepare_jets([folder], tmp_path / "out", settings)
    test = ShardSet.open(tmp_path / "out" / "test")
    test.require_table(sets["train"].table)
    assert test.num_rows == 700


def test_script(run_script, repository, folder, tmp_path, capsys):
    config = repository / "TauAdv/configs/prepare_jets.yaml"
    output = tmp_path / "jets"
    run_script("Production/prepare_jets.py", "--config", config, "--input", folder, "--output", output, "--seed", 3)
    assert "b: train 0." in capsys.readouterr().out
    shifted = extracted(tmp_path / "shifted", 300, seed=9)
    run_script(
        *("Production/prepare_jets.py", "--input", folder, "--shifted", shifted, "--output", tmp_path / "adv"),
        *("--scalers_from", output, "--weighting", "noweighting"),
    )
    assert ShardSet.open(tmp_path / "adv" / "val").kind == "adversarial"
    with pytest.raises(SystemExit, match="2"):
        run_script("Production/prepare_jets.py", "--input", tmp_path / "absent", "--output", tmp_path / "none")
    assert "absent" in capsys.readouterr().err
