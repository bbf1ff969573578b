"""``ta.tagger``: the scores of the commands, bit for bit, and of tuples and arrays."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import TauAdv as ta
from TauAdv.errors import ConfigError, InputError
from TauAdv.evaluation.adaptation.comparison import compare_runs
from TauAdv.evaluation.predictions.tables import PREDICTION_FILES, apply_run, load_run_model
from TauAdv.evaluation.robustness.attacked import probabilities_of
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def adversarial(taus):
    return ta.tagger(taus.adversarial)


def test_scores_are_those_of_apply_bit_for_bit(taus, adversarial):
    apply_run(taus.adversarial.mlpath, taus.adversarial.id, taus.control, batch_size=100)
    path = taus.adversarial.artifacts / "predictions" / PREDICTION_FILES[0]
    received = adversarial.predict(ta.shards(taus.control))
    header, *lines = (line.split(",")[1:] for line in path.read_text().splitlines())
    assert list(received) == header
    for name, texts in zip(header, zip(*lines, strict=True), strict=True):
        written = [received[name].dtype.type(text) for text in texts]  # numpy reads every digit, pandas does not
        assert np.array_equal(received[name].to_numpy(), written), name


def test_tuples_have_the_scores_of_their_shards(taus, adversarial, tmp_path):
    settings = ShardSettings(shuffle=False, include_mismatched=True)
    write_shards(taus.tuples, tmp_path / "shards", settings)
    of_shards = adversarial.predict(ta.shards(tmp_path / "shards"))
    tuples = ta.tuples(taus.tuples)
    received = adversarial.predict(tuples)
    assert len(received) == tuples.num_entries
    key = ["run", "lumi", "evt", "tau_pt"]
    both = of_shards.merge(received, on=key, suffixes=("", "_tuples"), validate="one_to_one")
    assert len(both) == len(of_shards) > 20
    for name in ("Djet", "y_pred_adv", "p_e", "p_mu", "p_tau", "p_jet"):
        assert both[f"{name}_tuples"].to_numpy() == pytest.approx(both[name].to_numpy(), abs=2e-6)
    pieces = list(adversarial.predict_in_pieces(tuples, rows_at_once=40))
    assert max(map(len, pieces)) <= 40
    joined = pd.concat(pieces, ignore_index=True)
    assert joined[key].equals(received[key])
    assert joined["Djet"].to_numpy() == pytest.approx(received["Djet"].to_numpy(), abs=2e-6)


def test_arrays_and_inputs_have_the_scores_of_their_tuples(taus, adversarial):
    tuples = ta.tuples(taus.tuples)
    (arrays,) = tuples.iterate(adversarial.table.branches, entry_stop=40)
    expected = adversarial.predict(tuples).iloc[:40]
    by_branch = {name: arrays[name] for name in arrays.fields} | {"tau_pt": arrays["tau_pt"].to_numpy().astype("f8")}
    rows = ta.features(arrays, adversarial.table)
    for given in (arrays, by_branch, rows, rows.inputs()):
        scores = adversarial.predict(given)
        assert list(scores) == ["Djet", "y_pred_adv", "p_e", "p_mu", "p_tau", "p_jet"]
        assert scores["p_tau"].to_numpy() == pytest.approx(expected["p_tau"].to_numpy(), abs=2e-6)
    shuffled = dict(rows.inputs())
    order = np.random.default_rng(0).permutation(len(shuffled["inner_index"]))
    shuffled |= {name: shuffled[name][order] for name in ("inner_index", "inner_cells")}
    assert adversarial.predict(shuffled).equals(adversarial.predict(rows))


def test_classifiers_have_no_adversarial_column(taus):
    tagger = ta.tagger(taus.mlruns, taus.classifier.id)
    assert "y_pred_adv" not in tagger.predict(ta.shards(taus.test))
    file = taus.classifier.artifacts / "model" / "model.keras"
    assert ta.tagger(file).predict(ta.shards(taus.test)).equals(tagger.predict(ta.shards(taus.test)))


def test_jets_have_the_probabilities_of_the_report(jets):
    tagger, shards = ta.tagger(jets.run), ta.shards(jets.test)
    table = tagger.predict(shards)
    inputs, columns = shards.take(slice(0, 100))
    model = load_run_model(jets.run, shards)
    assert np.array_equal(table.iloc[:100][["p_b", "p_c", "p_udsg"]].to_numpy(), probabilities_of(model)(inputs.as_inputs()))
    assert table.iloc[:100]["y"].tolist() == columns["label"].tolist()
    assert "Djet" not in table


def test_jets_of_own_arrays_are_cleaned_and_scaled(jets):
    tagger, shards = ta.tagger(jets.run), ta.shards(jets.test)
    scaled, _ = shards.take(slice(0, 100))
    physical = shards.table.unscale(scaled.x)
    physical[scaled.x_default] = np.nan
    expected = tagger.predict(shards).iloc[:100][["p_b", "p_c", "p_udsg"]].to_numpy()
    by_name = pd.DataFrame(physical, columns=shards.table.names).iloc[:, ::-1]
    for given in (physical, by_name, scaled.as_inputs(), {"x": scaled.x}):
        received = tagger.predict(given)
        assert list(received) == ["p_b", "p_c", "p_udsg"]
        assert received.to_numpy() == pytest.approx(expected, abs=1e-5)


def test_settings_of_features_are_those_of_the_training(taus, tmp_path):
    (arrays,) = ta.tuples(taus.tuples).iterate(ta.tagger(taus.classifier).table.branches, entry_stop=30)
    shutil.copytree(taus.classifier.artifacts, tmp_path / "artifacts")
    copies = tmp_path / "artifacts" / "input_cfg" / "shards"
    copies.mkdir()
    (copies / "training.json").write_text(json.dumps({"settings": {"rm_inner_from_outer": True, "era": None}}))
    file = tmp_path / "artifacts" / "model" / "model.keras"
    as_trained, without = ta.tagger(file), ta.tagger(taus.classifier)
    expected = ta.tagger(taus.classifier, rm_inner_from_outer=True).predict(arrays)
    assert as_trained.predict(arrays).equals(expected)
    assert not without.predict(arrays).equals(expected)
    (copies / "validation.json").write_text(json.dumps({"settings": {"rm_inner_from_outer": False}}))
    with pytest.raises(InputError, match="rm_inner_from_outer: True and False; say which"):
        ta.tagger(file).predict(arrays)
    assert ta.tagger(file, rm_inner_from_outer=True).predict(arrays).equals(expected)
    with pytest.raises(ConfigError, match=r"unknown setting 'eras' \(did you mean 'era'\?\)"):
        ta.tagger(file, eras="x")


def test_own_files_need_a_feature_table(taus, tmp_path):
    file = tmp_path / "own.keras"
    shutil.copyfile(taus.classifier.artifacts / "model" / "model.keras", file)
    with pytest.raises(InputError, match="no feature table is recorded"):
        ta.tagger(file)
    tagger = ta.tagger(file, features="deeptau_v2p5")
    assert tagger.predict(ta.shards(taus.test)).equals(ta.tagger(taus.classifier).predict(ta.shards(taus.test)))


def test_what_is_no_tagger(taus, tmp_path):
    with pytest.raises(InputError, match="no such model file"):
        ta.tagger(tmp_path / "nothing.keras")
    with pytest.raises(InputError, match="holds many runs"):
        ta.tagger(taus.mlruns)
    with pytest.raises(InputError, match="0000"):
        ta.tagger(taus.mlruns, "0" * 32)


def test_wrong_rows_are_named(taus, jets, adversarial):
    tau_set, jet_set = ta.shards(taus.test), ta.shards(jets.test)
    with pytest.raises(InputError, match=r"holds jets; run .* reads taus"):
        adversarial.predict(jet_set)
    with pytest.raises(InputError, match="tuples of taus; expected jets"):
        ta.tagger(jets.run).predict(ta.tuples(taus.tuples))
    with pytest.raises(InputError, match=r"ta\.tuples\('taus\.root'\)"):
        adversarial.predict("taus.root")
    with pytest.raises(InputError, match=r"received a ndarray of shape \[3, 43\]"):
        adversarial.predict(np.zeros((3, 43)))
    with pytest.raises(InputError, match="branches of feature table deeptau_v2p5 are missing"):
        adversarial.predict({"tau_pt": np.ones(3)})
    with pytest.raises(InputError, match="missing inner_index, inner_cells"):
        adversarial.predict({"tau": np.zeros((3, 43))})
    rows, _ = tau_set.take(slice(0, 3))
    with pytest.raises(InputError, match=r"input tau: expected the shape \[n, \d+\], received \[3, 5\]"):
        adversarial.predict(rows.as_inputs() | {"tau": np.zeros((3, 5))})
    with pytest.raises(InputError, match="inner_index: expected a row"):
        adversarial.predict(rows.as_inputs() | {"tau": rows.tau[:2]})
    with pytest.raises(InputError, match="batch_size: expected more than 0; received 0"):
        adversarial.predict(rows.as_inputs(), batch_size=0)
    jet_tagger = ta.tagger(jets.run)
    n_features = len(jet_tagger.table)
    for given, message in (
        (np.zeros((4, 3)), rf"\[n, {n_features}\].*received the shape \[4, 3\]"),
        (np.zeros(n_features), "received the shape"),
        (np.full((2, n_features), "x"), "expected numbers"),
        ({"jet_pt": np.ones(2)}, "columns are missing"),
        ({name: np.ones(2 + (name == "jet_eta")) for name in jet_tagger.table.names}, "expected one value per jet"),
    ):
        with pytest.raises(InputError, match=message):
            jet_tagger.predict(given)


def test_no_rows_have_no_scores(adversarial, taus):
    (arrays,) = ta.tuples(taus.tuples).iterate(adversarial.table.branches, entry_stop=2)
    assert len(adversarial.predict(arrays[:0])) == 0


def test_lists_of_python_have_the_scores_of_arrays(taus, adversarial):
    arrays = next(ta.tuples(taus.tuples).iterate(adversarial.table.branches, step_size=5))
    lists = {name: arrays[name].to_list() for name in arrays.fields}
    assert adversarial.predict(lists).equals(adversarial.predict({name: arrays[name] for name in arrays.fields}))
    for name, values in (("tau_pt", [None, *lists["tau_pt"][1:]]), ("pfCand_pt", [None, *lists["pfCand_pt"][1:]])):
        with pytest.raises(InputError, match=f"branch {name}: "):
            adversarial.predict({**lists, name: values})


def test_masked_jets_are_refused(jets):
    tagger = ta.tagger(jets.run)
    values = np.zeros((2, len(tagger.table)))
    masked = np.ma.array(values, mask=values == 0)
    with pytest.raises(InputError, match=f"{values.size} of {values.size} values are absent"):
        tagger.predict(masked)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rm_inner_from_outer": "maybe"}, "rm_inner_from_outer: expected true or false; received 'maybe'"),
        ({"era": 2018}, "era: expected text; received 2018"),
    ],
)
def test_settings_of_features_have_types(taus, setting, message):
    with pytest.raises(InputError, match=message):
        ta.tagger(taus.classifier, **setting)
    with pytest.raises(InputError, match=message):
        ta.features(ta.tuples(taus.tuples), **setting)


def test_no_rows_and_no_tables(taus, adversarial):
    with pytest.raises(InputError, match="rows: expected a TupleSource; received a str"):
        adversarial.predict_in_pieces("taus.root")
    with pytest.raises(InputError, match="expected a feature table, its name or its YAML file; received a int"):
        ta.features(ta.tuples(taus.tuples), 5)
    with pytest.raises(InputError, match="shards: folder: empty"):
        ta.shards("")
    with pytest.raises(InputError, match="run_id: goes with a folder mlruns"):
        ta.tagger(taus.classifier, taus.classifier.id)
    with pytest.raises(InputError, match=r"mlflow\.db: is a file, expected the folder mlruns"):
        ta.runs(taus.mlruns / "mlflow.db")


def test_jets_where_taus_are_evaluated(taus, jets):
    run = taus.classifier
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"test: holds jets; run .* reads taus"):
            apply_run(run.mlpath, run.id, jets.test, batch_size=100, not_adversarial=True, overwrite=overwrite)
    with pytest.raises(InputError, match=r"is a training of jets, expected one of taus; .* evaluates jets"):
        compare_runs(jets.mlruns, {"nominal": jets.run.id}, taus.control, taus.test)
