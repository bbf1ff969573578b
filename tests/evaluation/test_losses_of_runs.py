"""Loss history and loss surface of runs."""

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.evaluation.epochs import epoch_models
from TauAdv.evaluation.loss_history import loss_history
from TauAdv.evaluation.loss_surface import loss_surface
from TauAdv.evaluation.predictions import load_run_model
from TauAdv.shards.store import ShardSet
from TauAdv.tracking import start_run


def test_history_is_what_was_logged(jets):
    table = loss_history({"one": jets.one, "two": jets.two})
    assert set(table["metric"]) == {"loss", "val_loss"}  # not those of steps
    rows = table[(table["run"] == "two") & (table["metric"] == "val_loss")]
    assert list(zip(rows["epoch"], rows["value"], strict=True)) == jets.two.metric_history("val_loss")
    with pytest.raises(InputError, match="did you mean 'val_loss'"):
        loss_history({"one": jets.one}, ["vall_loss"])


@pytest.mark.parametrize(
    ("settings", "attacked"),
    [
        ({}, False),
        ({"method": "adversarial", "attack": {"kind": "fgsm"}}, True),
        ({"method": "nominal", "attack": {"kind": "fgsm"}}, False),
        ({"attack": {"kind": "none"}}, False),
        ({"attack": None}, False),
    ],
)
def test_history_says_whether_the_run_was_trained_on_attacked_inputs(settings, attacked, tmp_path):
    with start_run(tmp_path / "mlruns", "jets", "one") as run:
        run.log_params(settings)
        run.log_metrics({"loss": 1.0}, 1)
    assert loss_history({"one": run})["attacked"].tolist() == [attacked]


def test_at_most_so_many_epochs_with_the_last(jets, tmp_path):
    folder = jets.one.artifacts / "model_checkpoints"
    assert list(epoch_models(jets.one)) == [1, 2]
    assert epoch_models(jets.one, 1) == {2: folder / "epoch_0002.keras"}


@pytest.fixture(scope="module")
def jet(jets):
    """A model, its test set, and a row whose first track is no default."""
    shards = ShardSet.open(jets.test)
    rows, columns = shards.take(slice(0, 50))
    names = shards.table.names
    row = int(np.flatnonzero(~rows.x_default[:, names.index("track_1_D0")])[0])
    return load_run_model(jets.one, shards), shards, row, rows, columns


def test_surface_is_the_cross_entropy_of_moved_inputs(jet):
    model, shards, row, rows, columns = jet
    found = loss_surface(model, shards, ("track_1_D0", "jet_pt"), row=row, width=2.0, points=5, eps=0.1)
    assert found.loss.shape == (5, 5)
    assert found.loss[2, 2] == pytest.approx(found.here, abs=1e-6)
    x = rows.x[row].copy()
    names, features = shards.table.names, shards.table
    x[names.index("track_1_D0")] += 1.0
    x[names.index("jet_pt")] -= 2.0
    expected = -np.log(model({"x": x[None]}, training=False).numpy()[0, columns["label"][row]])
    assert found.loss[0, 3] == pytest.approx(expected, rel=1e-4)
    assert found.y.value == pytest.approx(columns["jet_pt"][row], rel=1e-4)
    assert np.diff(found.y.values) == pytest.approx(np.full(4, features.std[names.index("jet_pt")]))
    assert found.y.eps == pytest.approx(0.1 * features.std[names.index("jet_pt")])
    assert found.y.label.endswith("[GeV]")
    assert found.x.label == "$d_0$, 2nd track [mm]"


def test_surface_ends_where_values_can_lie(jet):
    model, shards, row, _, columns = jet
    found = loss_surface(model, shards, ("track_1_D0", "jet_pt"), row=row, width=50.0, points=41)
    assert found.loss.shape == (len(found.y.values), 41)
    assert len(found.y.values) < 41  # 50 deviations below any pt is negative
    assert found.y.values.min() >= 0
    pt = columns["jet_pt"][row]
    assert np.abs(found.y.values - pt).min() == pytest.approx(0, abs=1e-3)  # the jet itself is on the grid
    step = found.y.values[1] - found.y.values[0]
    assert found.y.values.min() < step
    center = int(np.abs(found.y.values - pt).argmin())
    assert found.loss[center, 20] == pytest.approx(found.here, abs=1e-6)


def test_integers_may_not_move(jet):
    model, shards, row, rows, _ = jet
    names = shards.table.names
    row = int(np.flatnonzero(~rows.x_default[:, names.index("n_tracks_over_d0_threshold")])[0])
    found = loss_surface(model, shards, ("n_tracks_over_d0_threshold", "jet_eta"), row=row, points=3)
    assert (found.x.eps, found.y.eps > 0) == (0.0, True)


def test_bad_questions(jet, sets):
    model, shards, _, rows, _ = jet
    with pytest.raises(InputError, match="did you mean 'jet_pt'"):
        loss_surface(model, shards, ("jet_pp", "jet_eta"))
    with pytest.raises(InputError, match="two different inputs"):
        loss_surface(model, shards, ("jet_pt", "jet_pt"))
    with pytest.raises(InputError, match="0 <= row <"):
        loss_surface(model, shards, ("jet_pt", "jet_eta"), row=shards.num_rows)
    with pytest.raises(InputError, match="points >= 2"):
        loss_surface(model, shards, ("jet_pt", "jet_eta"), points=1)
    absent, number = (int(found[0]) for found in np.nonzero(rows.x_default))
    with pytest.raises(InputError, match="is a default of this jet"):
        loss_surface(model, shards, (shards.table.names[number], "jet_pt"), row=absent)
    with pytest.raises(InputError, match="expected jets"):
        loss_surface(model, ShardSet.open(sets.test), ("jet_pt", "jet_eta"))
