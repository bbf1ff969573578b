"""Sets and batches in which one side is missing: sets are refused, batches do no harm."""

import numpy as np
import pytest
from network_batches import paired_batch, tiny_network
from synthetic_shards import write_shards
from training_classes import load_adversarial

from TauAdv.errors import InputError
from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.training.run.balance import classes_of_loss
from TauAdv.training.run.inputs import open_inputs
from TauAdv.training.step.metrics import means
from TauAdv.training.step.trainer import Trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]


def relabel(**weights):
    """Change a set: weight zero for taus of some labels, or other labels."""

    def change(taus, columns):
        for label, weight in weights.items():
            columns["weight"][columns["label"] == int(label[1:])] = weight

    return change


@pytest.mark.parametrize(("share", "missing"), [(0.0, "data"), (1.0, "simulated")])
@pytest.mark.parametrize(("key", "role"), [("adv_shards", "training"), ("adv_validation_shards", "validation")])
def test_adversarial_set_with_one_domain_only(adversarial_settings, tmp_path, share, missing, key, role):
    write_shards(tmp_path / "one", "adversarial", 40, 1, data=share)
    with pytest.raises(InputError, match=f"adversarial {role} set .*one: no {missing} taus of non-zero weight among 40"):
        open_inputs(adversarial_settings(**{key: tmp_path / "one"}))


def test_domain_of_zero_weight_is_none(adversarial_settings, tmp_path):
    write_shards(tmp_path / "one", "adversarial", 40, 1, change=relabel(l0=0))
    with pytest.raises(InputError, match="no simulated taus"):
        open_inputs(adversarial_settings(adv_shards=tmp_path / "one"))


@pytest.mark.parametrize("key", ["shards", "validation_shards"])
def test_class_set_without_genuine_taus_or_without_background(classifier_settings, tmp_path, key):
    write_shards(tmp_path / "fakes", "classification", 60, 1, change=relabel(l2=0))
    write_shards(tmp_path / "taus", "classification", 60, 1, change=relabel(l0=0, l1=0, l3=0))
    for folder, missing in (("fakes", "no tau of"), ("taus", "no e or mu or jet of")):
        with pytest.raises(InputError, match=rf"set .*{folder}: {missing} non-zero weight among 60; the loss 'tau_cross"):
            open_inputs(classifier_settings(**{key: tmp_path / folder}))
    open_inputs(classifier_settings(**{key: tmp_path / "taus"}, loss="Htau"))  # looks at nothing else


def test_class_set_without_electrons_is_trained_and_said(classifier_settings, tmp_path):
    write_shards(tmp_path / "some", "classification", 60, 1, change=relabel(l0=0))
    lines = list(open_inputs(classifier_settings(shards=tmp_path / "some")).lines())
    assert "    no e: what tells them from the others is not learned here" in lines
    assert not any("no e" in line for line in open_inputs(classifier_settings()).lines())


@pytest.mark.parametrize(
    ("loss", "classes"),
    [("tau_crossentropy_v2", ("e", "mu", "tau", "jet")), ("Le", ("e", "tau")), ("Htau", ("tau",)), ("Fmu", ("mu",))],
)
def test_classes_that_a_loss_compares(loss, classes):
    assert classes_of_loss(loss) == classes


@pytest.fixture(scope="module")
def trainer():
    network = tiny_network(
        tau={"n_features": 6, "widths": [5]},
        components={"egamma": {"n_features": 5, "widths": [4]}},
        merge={"widths": [4]},
        grids={"inner": {"n_cells": 3}},
        class_head={"widths": [6]},
        adversarial_head={"widths": [6]},
    )
    changes = {"data.shards": "a", "data.adv_shards": "b", "data.n_tau": 9, "data.n_adv_tau": 5, "method.adv_head_steps": 2}
    return Trainer(build_adversarial(network), load_adversarial(None, changes))


def one_sided(batch, kind):
    changed = {name: value.numpy() for name, value in batch.items()}
    if kind in ("data", "simulation"):
        changed["y_adv"][9:] = float(kind == "data")
    elif kind == "no adversarial weight":
        changed["weight_adv"][:] = 0
    elif kind == "no class weight":
        changed["weight"][:] = 0
    else:
        changed["y"][:9] = np.eye(4)[2] if kind == "taus" else 0
    return changed


@pytest.mark.parametrize("kind", ["data", "simulation", "no adversarial weight", "no class weight", "taus", "unlabelled"])
def test_one_sided_batch_leaves_everything_finite(trainer, kind):
    knobs = {"learning_rate": 1e-3, "adv_learning_rate": 1e-2, "k1": 1.0, "k2": 3.0}
    batch = one_sided(paired_batch(trainer.model.network, 9, 5, seed=2), kind)
    before = trainer.model.get_weights()
    for measure in (False, True):
        trainer.train(batch, knobs, measure_gradients=measure)
        values = means(trainer.sums.names, trainer.sums.take())
        assert np.isfinite(list(values.values())).all()
        assert {"loss", "adv_loss"} <= set(values)
        assert ("adv_accuracy" in values) == (kind != "no adversarial weight")
    weights = [*trainer.model.get_weights(), *(v.numpy() for o in trainer.optimizers.values() for v in o.state().values())]
    assert all(np.isfinite(value).all() for value in weights)
    assert any((old != new).any() for old, new in zip(before, trainer.model.get_weights(), strict=True))
