import json
import shutil

import numpy as np
import pytest
from extracted_jets import extracted

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError, InputWarning, OutputExistsError, OutputLockedError
from TauAdv.io.locks import output_lock
from TauAdv.jets.cleaning import clean
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.sample_weights import Spectra, binning
from TauAdv.shards.batching import Batches, PairedBatches, batches
from TauAdv.shards.jet import preparation as jet_preparation
from TauAdv.shards.jet.packing import JET_IDENTITY
from TauAdv.shards.jet.preparation import prepare_jets, read_features
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.shuffle import Dealer
from TauAdv.shards.store import ShardSet, iterate

pytestmark = pytest.mark.slow

SETS = ("train", "val", "test")
SETTINGS = JetPreparationSettings(chunk_size=32, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return extracted(tmp_path_factory.mktemp("jets") / "nominal", 700)


@pytest.fixture(scope="module")
def jets(folder):
    return ExtractedJets.open(folder).read()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, folder):
    output = tmp_path_factory.mktemp("prepared") / "jets"
    prepare_jets([folder], output, SETTINGS)
    return output


@pytest.fixture(scope="module")
def sets(prepared):
    return {name: ShardSet.open(prepared / name) for name in SETS}


@pytest.fixture(scope="module")
def domains(tmp_path_factory, folder, prepared):
    base = tmp_path_factory.mktemp("domains")
    shifted = extracted(base / "shifted", 300, seed=9)
    settings = JetPreparationSettings(kind="adversarial", scalers_from=prepared, seed=3, chunk_size=32)
    prepare_jets([folder, shifted], base / "adv", settings)
    return base / "adv"


def contents(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    arrow = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.arrow"))}
    return arrow, {key: manifest[key] for key in ("settings", "counts", "sets", "feature_table")}


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


def test_batches(sets):
    shards = sets["train"]
    source = Batches(shards, 100, seed=1)
    epoch = [source(step) for step in range(source.steps_per_epoch)]
    assert set(epoch[0]) == {"x", "x_default", "y", "weight"}
    everything = np.concatenate([batch["x"] for batch in epoch])
    stored = shards.take(slice(None))[0].x
    np.testing.assert_array_equal(np.sort(everything, axis=0), np.sort(stored, axis=0))
    assert not np.array_equal(everything, stored)
    for step in (0, 7):
        rows, columns = shards.take(source.rows(step))
        np.testing.assert_array_equal(source(step)["x"], rows.x)
        np.testing.assert_array_equal(source(step)["x_default"], rows.x_default)
        np.testing.assert_array_equal(source(step)["y"], columns["y"])
    labels = np.stack([batch["y"].mean(axis=0) for batch in epoch if len(batch["y"]) == 100])
    assert (labels > 0.1).all()  # the input is ordered by flavour, batches are not


def test_dataset_goes_on_exactly(sets):
    whole = [batch["x"].numpy() for batch in batches(sets["train"], 64, seed=2, num_steps=12)]
    rest = list(batches(sets["train"], 64, seed=2, start_step=5, num_steps=7))
    for expected, batch in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(batch["x"].numpy(), expected)
        assert batch["x_default"].dtype == bool
    assert [tuple(spec.shape) for spec in batches(sets["train"], 64).element_spec.values()] == [
        (None, 184),
        (None, 184),
        (None, 3),
        (None,),
    ]


def test_iterate_in_stored_order(sets):
    found = list(iterate(sets["test"], 50))
    stored = sets["test"].take(slice(None))[0]
    np.testing.assert_array_equal(np.concatenate([inputs["x"] for inputs, _ in found]), stored.x)


def test_validation_split_of_a_set_keeps_copies_together(sets):
    first, second = sets["train"].split(0.3, seed=1)
    assert first.num_rows + second.num_rows == sets["train"].num_rows
    ids = [set(part.columns(["jet_id"])["jet_id"].tolist()) for part in (first, second)]
    assert not ids[0] & ids[1]


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


def test_killed_run_goes_on_to_the_same_bytes(folder, prepared, tmp_path, monkeypatch):
    made = {"write_piece": 0, "_write": 0}
    for stage, allowed in (("write_piece", 5), ("_write", 2)):
        work = getattr(Dealer, stage)

        def killed(self, *arguments, work=work, stage=stage, allowed=allowed):
            made[stage] += 1
            if made[stage] > allowed:
                raise KeyboardInterrupt
            return work(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Dealer, stage, killed)
            with pytest.raises(KeyboardInterrupt):
                prepare_jets([folder], tmp_path / "jets", SETTINGS)
        assert not (tmp_path / "jets").exists()
    prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert contents(tmp_path / "jets") == contents(prepared)
    assert [path.name for path in tmp_path.iterdir()] == ["jets"]
    names = {"features": 0, "jets": 0, "manifest": 0}
    assert {path.name.split("-")[0].split(".")[0] for path in tmp_path.rglob("*") if path.is_file()} == set(names)


def damaged(path, damage):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"flipped": bytes(content), "empty": b"", "cut": bytes(content[:-9])}[damage])


@pytest.mark.parametrize("damage", ["flipped", "empty", "cut"])
def test_unfinished_work_that_is_damaged_is_made_again(folder, prepared, tmp_path, monkeypatch, damage):
    """A note that a full disk left empty does not mean that a file has no jets."""

    def killed(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(jet_preparation, "_summary", killed)
        prepare_jets([folder], tmp_path / "jets", SETTINGS)
    work = tmp_path / ".jets.unfinished"
    kinds = (
        "file-*.json",
        "survey.npz",
        "train/piece-*.json",
        "train/features-piece-*",
        "val/jets-piece-*",
        "train/*0.arrow",
    )
    for kind in kinds:
        found = sorted(work.glob(kind))
        assert found, kind
        damaged(found[-1], damage)
    prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert contents(tmp_path / "jets") == contents(prepared)


def test_jets_that_are_lost_are_an_error(folder, tmp_path, monkeypatch):
    rows_of_set = jet_preparation.rows_of_set

    def losing(made, number, layout):
        packed, columns = rows_of_set(made, number, layout)
        rows = np.arange(len(packed) - 1)
        return packed.take(rows), {name: values[rows] for name, values in columns.items()}

    monkeypatch.setattr(jet_preparation, "rows_of_set", losing)
    with pytest.raises(InputError, match=r"train: \d+ jets went in and \d+ came out"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_extracted_jets_that_are_not_all_there(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ExtractedJets, "__len__", lambda self: 701)
    with pytest.raises(InputError, match="701 jets are listed, 700 were found; extract the jets again"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)


def test_only_one_process_writes(folder, tmp_path):
    with output_lock(tmp_path / "jets"), pytest.raises(OutputLockedError, match="jets: is being written by process"):
        prepare_jets([folder], tmp_path / "jets", SETTINGS)


@pytest.fixture
def copy(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "copy")


def everything(folder):
    found = []
    for name in SETS:
        rows, columns = ShardSet.open(folder / name).take(slice(None))
        found += [rows.x.tobytes(), rows.x_default.tobytes(), *(values.tobytes() for values in columns.values())]
    features = read_features(folder)
    return [*found, features.dump()]


def test_every_flipped_bit_is_noticed_or_changes_nothing(copy):
    """A slice of the campaign: bits at random in all files of prepared jets."""
    whole, rng, noticed = everything(copy), np.random.default_rng(3), 0
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for position in rng.integers(len(content), size=4):
            changed = bytearray(content)
            changed[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                assert everything(copy) == whole
            except InputError:
                noticed += 1
        path.write_bytes(content)
    assert noticed > 0
    assert everything(copy) == whole


@pytest.mark.parametrize("name", ["train/features-00000.arrow", "test/manifest.json"])
def test_damaged_sets_are_not_kept(folder, copy, name):
    damaged(copy / name, "flipped")
    with pytest.raises(OutputExistsError, match=rf"{name}: is damaged: .*--overwrite makes it again"):
        prepare_jets([folder], copy, SETTINGS)


def test_prepared_jets_of_another_seed(folder, copy, tmp_path):
    prepare_jets([folder], tmp_path / "other", JetPreparationSettings(chunk_size=32, seed=8))
    shutil.copy(tmp_path / "other/train/features-00000.arrow", copy / "train")
    with pytest.raises(InputError, match=r"belongs to another set .*tauadv jets prepare --overwrite"):
        ShardSet.open(copy / "train")
    shutil.copy(tmp_path / "other/manifest.json", copy)
    with pytest.raises(InputError, match=r"manifest\.json: is .*tauadv jets prepare --overwrite"):
        read_features(copy)
    shutil.copy(copy / "val/features-00000.arrow", copy / "train")
    with pytest.raises(InputError, match=r"train/features-00000\.arrow: belongs to another set"):
        ShardSet.open(copy / "train")


def test_finished_work_is_kept_and_other_settings_refused(folder, prepared, monkeypatch, capsys):
    monkeypatch.setattr(jet_preparation, "Dealer", None)
    prepare_jets([folder], prepared, SETTINGS)
    assert "kept" in capsys.readouterr().out
    with pytest.raises(OutputExistsError, match=r"made with other settings \(seed: 3 before, 4 now\)"):
        prepare_jets([folder], prepared, JetPreparationSettings(chunk_size=32, seed=4))


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
