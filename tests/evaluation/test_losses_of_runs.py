"""Loss history and loss surface of runs."""

import numpy as np
import pytest
import yaml

from TauAdv.attacks.constraints.jets import jet_constraints
from TauAdv.errors import InputError
from TauAdv.evaluation.losses.history import loss_history
from TauAdv.evaluation.losses.of_runs import history_of_runs
from TauAdv.evaluation.losses.surface import loss_surface
from TauAdv.evaluation.predictions.tables import load_run_model
from TauAdv.evaluation.robustness.epochs import epoch_models
from TauAdv.runs import start_run
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


def test_history_is_what_was_logged(jets):
    table = loss_history({"one": jets.one, "two": jets.two})
    assert set(table["metric"]) == {"loss", "val_loss"}  # not those of steps
    rows = table[(table["run"] == "two") & (table["metric"] == "val_loss")]
    assert list(zip(rows["epoch"], rows["value"], strict=True)) == jets.two.metric_history("val_loss")
    with pytest.raises(InputError, match="did you mean 'val_loss'"):
        loss_history({"one": jets.one}, ["vall_loss"])


def test_a_run_given_twice_is_refused(tmp_path):
    with start_run(tmp_path / "mlruns", "jets", "one") as run:
        run.log_metrics({"loss": 1.0}, 1)
    assert history_of_runs(run.mlpath, [run.id])["value"].tolist() == [1.0]
    with pytest.raises(InputError, match=f"run {run.id} is given twice: .*; give each run once"):
        history_of_runs(run.mlpath, [run.id, run.id])


@pytest.mark.parametrize(
    ("settings", "attacked"),
    [
        ({}, False),
        ({"method": "adversarial", "attack": {"kind": "fgsm"}}, True),
        ({"method": "nominal", "attack": {"kind": "fgsm"}}, False),
        ({"attack": {"kind": "none"}}, False),
        ({"method": "adversarial", "attack": {"kind": "fgsm", "eps": 0}}, False),
        ({"method": "adversarial", "attack": {"kind": "fgsm", "eps": {"track_*": 0.0, "jet_pt": 0}}}, False),
        ({"method": "adversarial", "attack": {"kind": "fgsm", "eps": {"*": 0.0, "track_*": 0.1}}}, True),
        ({"method": "domain", "attack": {"kind": "pgd", "eps": 0.1, "trades_beta": 2.0}}, True),
        ({"attack": None}, False),
    ],
)
def test_history_says_whether_the_run_was_trained_on_attacked_inputs(settings, attacked, tmp_path):
    with start_run(tmp_path / "mlruns", "jets", "one") as run:
        run.log_params(settings)
        run.log_text(yaml.safe_dump(settings), "input_cfg/training.yaml")
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
    reach = 0.1 * features.std[names.index("jet_pt")]
    assert found.y.box == pytest.approx((found.y.value - reach, found.y.value + reach))
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
    assert found.x.box == (found.x.value, found.x.value)
    assert found.y.box[0] < found.y.value < found.y.box[1]


@pytest.mark.parametrize(
    ("name", "eps"), [("jet_prob", 9.0), ("jet_width_eta", 9.0), ("track_0_D0D0", 9.0), ("track_0_D0", 99.0)]
)
def test_box_is_what_an_attack_may_use(jet, name, eps):
    model, shards, _, rows, _ = jet
    position = shards.table.names.index(name)
    row = int(np.flatnonzero(~rows.x_default[:, position])[0])
    found = loss_surface(model, shards, (name, "jet_pt"), row=row, points=201, eps=eps).x
    constraints = jet_constraints(shards.table)
    batch = constraints.checked({"x": rows.x[[row]], "x_default": rows.x_default[[row]]})
    boxes = constraints.boxes(batch, constraints.amplitudes(eps, batch))
    std, mean = shards.table.std[position], shards.table.mean[position]
    for edge, direction in zip(found.box, (-1.0, 1.0), strict=True):
        corner = {"x": boxes["x"].corner(direction * np.ones_like(rows.x[[row]]))}
        attacked = constraints.place(batch, corner, boxes)["x"].numpy()[0, position]
        assert edge == pytest.approx(attacked * std + mean, abs=1e-4 * std)
    assert found.box[0] > found.value - 0.9 * eps * std  # a limit is in reach


@pytest.mark.parametrize(("name", "width", "points"), [("jet_prob", 60.0, 3), ("jet_eta", 60.0, 2)])
def test_too_few_points_where_values_can_lie(jet, name, width, points):
    model, shards, _, rows, _ = jet
    row = int(np.flatnonzero(~rows.x_default[:, shards.table.names.index(name)])[0])
    expected = f"'{name}', received {points - 2} of {points} .*; smaller --width or more --points"
    with pytest.raises(InputError, match=expected):
        loss_surface(model, shards, (name, "jet_pt"), row=row, width=width, points=points)


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
