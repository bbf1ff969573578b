"""Starting from a trained model: what is copied, what is reported, what is refused."""

import keras
import numpy as np
import pytest
from synthetic_shards import changed_table, write_network, write_shards

from TauAdv.errors import ConfigError, InputError
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.jet_flavour.settings import load_jet_network
from TauAdv.models.loading import load_model
from TauAdv.runs import start_run
from TauAdv.training.run.checkpoints import latest_checkpoint, stored_optimizer
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.run.pretrained import Pretrained, find_pretrained, freeze_statistics, network_of, start_from
from TauAdv.training.step.trainer import Trainer

pytestmark = pytest.mark.slow


def prepare(settings):
    inputs = open_inputs(settings)
    pretrained = find_pretrained(settings, inputs)
    model = build_adversarial(network_of(settings, inputs, pretrained), seed=9)
    return pretrained, Trainer(model, settings)


@pytest.fixture
def from_run(adversarial_settings, classifier_run):
    """Return a function: changes -> adversarial settings that start from the run."""
    _, run = classifier_run
    return lambda **changes: adversarial_settings(
        **{"model.pretrained": {"run_id": run.id, "mlpath": run.mlpath}, **changes}
    )


def test_weights_go_by_layer_name_and_the_rest_is_reported(from_run, classifier_run):
    pretrained, trainer = prepare(from_run())
    report, missing = start_from(pretrained, trainer, with_optimizer=False)
    expected = load_model(classifier_run[1].artifacts / "model" / "model.keras")
    for layer in expected.layers:
        for old, new in zip(layer.get_weights(), trainer.model.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(new, old)
    heads = {"final_adv_dense_1", "final_adv_norm_1", "final_adv_activation_1", "final_dense_adv"}
    assert set(report.missing) == heads
    assert not report.mismatched
    assert missing == []
    assert trainer.optimizers["optimizer"].state()["iterations"] == 0


def test_optimizer_state_of_the_previous_run(from_run, classifier_run):
    pretrained, trainer = prepare(from_run(use_previous_opt=True))
    _, missing = start_from(pretrained, trainer, with_optimizer=True)
    assert missing == ["adv_optimizer"]
    stored = stored_optimizer(latest_checkpoint(classifier_run[1].artifacts / "model_checkpoints"), "optimizer")
    state = trainer.optimizers["optimizer"].state()
    assert state["iterations"] == 15
    for name, value in state.items():
        np.testing.assert_array_equal(value.numpy(), stored[name])
    assert trainer.optimizers["adv_optimizer"].state()["iterations"] == 0


def test_file_instead_of_a_run(adversarial_settings, classifier_run):
    file = classifier_run[1].artifacts / "model" / "model.keras"
    pretrained, trainer = prepare(adversarial_settings(pretrained={"file": file}, network=None))
    assert trainer.model.name == "test"  # the network of the pretrained model
    assert len(start_from(pretrained, trainer, with_optimizer=False)[0].copied) > 10
    assert str(file) in pretrained.title


def test_unknown_run(from_run, classifier_run):
    _, run = classifier_run
    with pytest.raises(InputError, match=f"no run 'abc'(.|\n)*{run.id}  classifier"):
        prepare(from_run(pretrained={"run_id": "abc", "mlpath": run.mlpath}))


def test_run_without_a_model(adversarial_settings):
    settings = adversarial_settings()
    with start_run(settings.output.mlruns, "some") as run:
        pass
    with pytest.raises(InputError, match=r"has no model/model\.keras: .*; it has no files at all"):
        prepare(adversarial_settings(pretrained={"run_id": run.id}))
    run.log_text("", "model_checkpoints/epoch_0001.keras")
    run.log_text("", "input_cfg/training.yaml")
    with pytest.raises(InputError, match=r"it has input_cfg/training\.yaml, model_checkpoints/epoch_0001\.keras$"):
        prepare(adversarial_settings(pretrained={"run_id": run.id}))


def test_missing_file(adversarial_settings, tmp_path):
    with pytest.raises(InputError, match="no such model file"):
        prepare(adversarial_settings(pretrained={"file": tmp_path / "model.keras"}))


def test_other_widths_are_listed(from_run, tmp_path):
    pretrained, trainer = prepare(from_run(network=str(write_network(tmp_path / "wide.yaml", width=7))))
    before = trainer.model.get_weights()
    with pytest.raises(
        InputError, match=r"do not fit(.|\n)*tau_dense_1: expected kernel \(43, 7\)(.|\n)*final_dense_1"
    ) as caught:
        start_from(pretrained, trainer, with_optimizer=False)
    first, *_, way_out = str(caught.value).splitlines()
    assert "layers differ:" in first
    assert way_out == f"leave out model.network ({tmp_path / 'wide.yaml'}): the pretrained model's own is taken"
    for old, new in zip(before, trainer.model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_other_depth_is_listed(from_run, data, tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text((data / "network.yaml").read_text().replace("widths: [6]", "widths: [6, 6]").replace("[5]", "[5, 5]"))
    pretrained, trainer = prepare(from_run(network=str(path)))
    with pytest.raises(InputError) as caught:
        start_from(pretrained, trainer, with_optimizer=False)
    for layer in ("tau_dense_2", "inner_all_conv_2", "outer_all_norm_2"):
        assert f"  {layer}: expected " in str(caught.value)
    assert "tau_dense_2: expected kernel (6, 6), bias (6,), received no such layer" in str(caught.value)
    assert "final_adv" not in str(caught.value)
    back = str(data / "network.yaml")  # and the other way round
    deep = Pretrained(trainer.model, path, None)
    with pytest.raises(InputError, match=r"tau_dense_2: expected no such layer, received kernel \(6, 6\)"):
        start_from(deep, prepare(from_run(network=back))[1], with_optimizer=False)


def test_other_feature_table(from_run, tmp_path):
    for kind in ("classification", "adversarial"):
        write_shards(tmp_path / kind, kind, 40, 1, table=changed_table())
    with pytest.raises(InputError, match="of the feature table"):
        prepare(from_run(shards=tmp_path / "classification", adv_shards=tmp_path / "adversarial"))


def test_network_for_other_inputs(adversarial_settings, tmp_path):
    path = write_network(tmp_path / "network.yaml")
    path.write_text(path.read_text().replace("n_features: 43", "n_features: 42"))
    with pytest.raises(InputError, match=r"takes .*\(42, 188.*has \(43, 188"):
        prepare(adversarial_settings(network=str(path)))


def test_frozen_statistics(adversarial_settings):
    settings = adversarial_settings()
    model = build_adversarial(network_of(settings, open_inputs(settings), None), seed=2)
    trainable = len(model.trainable_variables)
    frozen = freeze_statistics(model)
    assert len(model.trainable_variables) == trainable - 2 * frozen
    before = {layer.name: layer.get_weights() for layer in model.layers if "_norm_" in layer.name}
    batch = next(iter(open_inputs(settings).training(0)))
    model({name: batch[name] for name in model.input}, training=True)
    changed = {
        name for name, old in before.items() if any(map(np.any, map(np.not_equal, old, model.get_layer(name).get_weights())))
    }
    assert changed == {"final_adv_norm_1"}
    assert frozen == len(before) - 1


def test_evaluation_of_the_grids_can_be_chosen_for_a_training(from_run):
    for changes, expected in (
        ({}, ("sparse", 16)),
        ({"model.n_empty_rows": 700}, ("sparse", 700)),
        ({"model.grid_mode": "dense"}, ("dense", 16)),
        ({"model.grid_mode": "dense", "model.network": None}, ("dense", 16)),
    ):
        settings = from_run(**changes)
        inputs = open_inputs(settings)
        network = network_of(settings, inputs, find_pretrained(settings, inputs))
        assert (network.grid_mode, network.n_empty_rows) == expected
        assert build_adversarial(network).get_layer("outer_scatter").mode == expected[0]


def test_nothing_to_freeze_is_an_error():
    x = keras.Input((3,))
    model = keras.Model(x, keras.layers.Dense(2)(x), name="plain")
    with pytest.raises(ConfigError, match=r"batch_norm: network 'plain' has no batch normalisation to freeze"):
        freeze_statistics(model)


def test_ways_to_evaluate_grids_are_for_networks_that_have_them(adversarial_settings):
    network = load_jet_network("jet_flavour")
    assert adversarial_settings().model.adapted(network) == network
    with pytest.raises(
        ConfigError, match=r"model\.grid_mode, model\.n_empty_rows: network 'jet_flavour' has no such setting"
    ):
        adversarial_settings(grid_mode="dense", n_empty_rows=3).model.adapted(network)
