import keras
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.inference import FIRST_COLUMNS, IDENTITY_COLUMNS, PROBABILITY_COLUMNS, predict
from TauAdv.models.folded.inference import folded_inference
from TauAdv.models.loading import load_model
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(runs):
    return load_model(runs.adversarial.artifacts / "model" / "model.keras")


@pytest.fixture(scope="module")
def control(sets):
    return ShardSet.open(sets.control)


@pytest.fixture(scope="module")
def predictions(model, control):
    return predict(model, control, batch_size=250, with_features=True)


def test_every_tau_once_in_stored_order(predictions, control):
    # 620 taus in batches of 250: the last batch is partial
    table, stored = predictions.table, control.columns()
    assert len(table) == control.num_taus == 620
    for name in IDENTITY_COLUMNS:
        assert table[name].tolist() == stored[name].tolist()
    assert table["y"].tolist() == stored["label"].tolist()
    assert table["weights"].tolist() == stored["weight"].tolist()


def test_columns_begin_as_in_the_original(predictions):
    assert list(predictions.table) == [*FIRST_COLUMNS, *IDENTITY_COLUMNS, *PROBABILITY_COLUMNS, "tau_dz"]
    assert FIRST_COLUMNS == ("Djet", "y", "weights", "y_pred_adv")


def test_outputs_are_those_of_the_model(predictions, model, control):
    taus, _ = control.take([0, 300, 619])
    outputs = model(taus.as_inputs(), training=False)
    probabilities = outputs["main_output"].numpy()
    rows = predictions.table.iloc[[0, 300, 619]]
    assert rows[list(PROBABILITY_COLUMNS)].to_numpy() == pytest.approx(probabilities, abs=2e-6)
    assert rows["y_pred_adv"].to_numpy() == pytest.approx(outputs["adv_output"].numpy()[:, 0], abs=2e-6)
    assert rows["Djet"].to_numpy() == pytest.approx(
        probabilities[:, 2] / (probabilities[:, 2] + probabilities[:, 3]), rel=1e-4
    )


def test_features_are_what_the_heads_see(predictions, model, control):
    assert predictions.features.shape == (620, model.get_layer("features_concat").output.shape[1])
    taus, _ = control.take(range(20))
    head = folded_inference(model, with_features=True)(taus.as_inputs())["features"]
    np.testing.assert_allclose(predictions.features[:20], head, rtol=1e-5, atol=1e-5)
    layers = keras.Model(model.input, model.get_layer("features_concat").output)
    np.testing.assert_allclose(predictions.features[:20], layers(taus.as_inputs()), rtol=1e-4, atol=1e-5)


def test_same_numbers_again(predictions, model, control):
    again = predict(model, control, batch_size=250, with_features=True)
    assert again.table.equals(predictions.table)
    np.testing.assert_array_equal(again.features, predictions.features)


def test_batch_size_does_not_matter(predictions, model, control):
    other = predict(model, control, batch_size=1000).table
    assert other["Djet"].to_numpy() == pytest.approx(predictions.table["Djet"].to_numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("batch_size", "max_batches", "expected"), [(100, 2, 200), (100, 7, 620), (100, 99, 620), (619, 1, 619)]
)
def test_limits(model, control, batch_size, max_batches, expected):
    table = predict(model, control, batch_size=batch_size, max_batches=max_batches).table
    assert len(table) == expected
    assert table["lumi"].tolist() == list(range(expected))


def test_without_adversarial_head(model, control):
    table = predict(model, control, max_batches=1, use_adversarial_head=False).table
    assert "y_pred_adv" not in table
    assert list(table)[:3] == ["Djet", "y", "weights"]


def test_classification_sets_have_the_class_as_y(model, sets):
    test = ShardSet.open(sets.test)
    assert predict(model, test).table["y"].tolist() == test.columns(["label"])["label"].tolist()


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"max_batches": 0}, {"max_batches": -3}])
def test_limits_must_be_positive(model, control, options):
    with pytest.raises(InputError, match="expected 1 or more"):
        predict(model, control, **options)


def test_a_set_without_taus(model, control):
    with pytest.raises(InputError, match="no taus"):
        predict(model, control.head(0))


def test_a_model_that_gives_nan(runs, control):
    broken = load_model(runs.adversarial.artifacts / "model" / "model.keras")
    layer = broken.get_layer("final_dense_last")
    layer.set_weights([np.full_like(values, np.nan) for values in layer.get_weights()])
    with pytest.raises(InputError, match="main_output is not finite for 620 of 620"):
        predict(broken, control)
