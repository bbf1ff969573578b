import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits

from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.jets import covariance_positions, jet_columns, jet_constraints, track_resolutions
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.settings import make_attack
from TauAdv.attacks.systematic import systematic
from TauAdv.errors import ConfigError
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import JetTable
from TauAdv.models.jet_flavour import build_jet_classifier
from TauAdv.models.jet_losses import crossentropy
from TauAdv.models.jet_settings import load_jet_network

INPUTS = JetTable.load().inputs()
NAMES = [column.name for column in INPUTS]


def batch_of(n_jets=6, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "x": tf.constant(generator.normal(size=(n_jets, len(INPUTS))).astype("f4")),
        "x_default": tf.constant(generator.random((n_jets, len(INPUTS))) < 0.3),
        "y": tf.constant(np.eye(3, dtype="f4")[generator.integers(0, 3, n_jets)]),
    }


def test_facts_come_from_the_table():
    columns = jet_columns(INPUTS, mean=np.arange(184), std=np.arange(1, 185), constant=np.arange(184) == 20)
    assert len(columns) == load_jet_network().n_features
    integers = {"n_tracks_over_d0_threshold", "n_secondary_vertices", "n_secondary_vertex_tracks"}
    integers |= {f"track_{track}_vertex_n_tracks" for track in range(6)}
    assert {name for name, integer in zip(NAMES, columns.integer, strict=True) if integer} == integers
    assert not columns.movable[20]
    assert columns.factor[NAMES.index("track_3_D0")] == 3
    assert columns.factor[NAMES.index("track_5_vertex_displacement_significance")] == 4
    assert (columns.mean[7], columns.std[7]) == (7, 8)


def sample_features(n_tracks=6, mean=0.0, std=1.0, frozen=()):
    table = JetTable.load()
    n_features = len(table.inputs(n_tracks))
    arrays = {"mean": np.full(n_features, mean), "std": np.full(n_features, std)}
    constant = np.isin(np.arange(n_features), frozen)
    return JetFeatures(table, n_tracks, default=np.zeros(n_features), frozen=constant, **arrays)


def test_constraints_of_the_features_of_a_sample():
    features = sample_features(2, mean=1.0, std=2.0, frozen=[20])
    columns = jet_constraints(features, relative_cap=0.1, low=-3.0).columns["x"]
    assert columns.names == tuple(features.names)
    assert (columns.movable[20], columns.movable[21], columns.mask) == (False, True, "x_default")
    assert (columns.mean[0], columns.std[0], columns.low[0]) == (1, 2, -3)


def test_factors_are_aligned_variable_by_variable():
    """Column 16 + 6 v + t of the inputs belongs to variable v of track t."""
    batch = batch_of() | {"x_default": tf.zeros((6, 184), tf.bool)}
    moved = (systematic(batch, jet_constraints(sample_features()), 0.01)["x"] - batch["x"]).numpy() / 0.01
    tracks = JetTable.load().track
    expected = np.repeat([0 if variable.integer else variable.systematic for variable in tracks], 6)
    np.testing.assert_allclose(moved[:, 16:], np.broadcast_to(expected, (6, 168)), atol=1e-3)


def test_covariance_entries_are_found():
    positions = covariance_positions(NAMES)
    assert positions.shape == (6, 5, 5)
    np.testing.assert_array_equal(positions, positions.transpose(0, 2, 1))
    assert [NAMES[i] for i in positions[2][4]] == [
        "track_2_QOVERPD0", "track_2_QOVERPZ0", "track_2_QOVERPPHI", "track_2_QOVERPTHETA", "track_2_QOVERPQOVERP",
    ]  # fmt: skip
    assert len(set(positions[0][np.tril_indices(5)])) == 15
    assert len(covariance_positions(["jet_pt", "track_0_D0D0"])) == 0


def test_significances_follow_their_tracks():
    constraints = jet_constraints(sample_features(), recompute=True)
    followers = {NAMES[f.column]: (NAMES[f.value], NAMES[f.variance]) for f in constraints.columns["x"].followers}
    assert followers["track_2_d0_significance"] == ("track_1_D0", "track_1_D0D0")
    assert followers["track_3_z0_significance"] == ("track_2_Z0", "track_2_Z0Z0")
    assert not constraints.columns["x"].movable[NAMES.index("track_2_d0_significance")]


@pytest.mark.parametrize("options", [{}, {"relative_cap": 0.2}, {"recompute": True}, {"covariance": "project"}])
def test_jet_network_is_attacked_within_the_rules(options):
    model, batch = build_jet_classifier(load_jet_network()), batch_of()
    objective = label_loss(model, crossentropy)
    constraints = jet_constraints(sample_features(mean=3.0, std=0.5, frozen=[30]), **options)
    attacked = fgsm(objective, batch, constraints, 0.05)
    protected = batch["x_default"].numpy() | constraints.columns["x"].integer | constraints.columns["x"].frozen
    np.testing.assert_array_equal(bits(attacked["x"])[protected], bits(batch["x"])[protected])
    assert (objective(attacked) > objective(batch)).numpy().all()


def test_resolution_of_track_parameters_is_that_of_their_variance():
    features = sample_features(3, mean=0.04, std=2.0)
    found = dict(zip(features.names, track_resolutions(features), strict=True))
    mean = dict(zip(features.names, features.mean, strict=True))
    for parameter in ("D0", "Z0", "PHI", "THETA", "QOVERP"):
        assert found[f"track_1_{parameter}"] == pytest.approx(np.sqrt(mean[f"track_1_{parameter}{parameter}"]))
    assert np.isnan([found["jet_pt"], found["track_1_D0D0"], found["track_1_weight"]]).all()


def test_eps_in_resolutions_needs_those_of_what_moves_only():
    features = sample_features(3, mean=0.04, std=2.0)
    of = jet_constraints(features)
    settings = AttackSettings(kind="systematic", eps={"track_*_D0": 0.5}, unit="resolution")
    batch = {"x": tf.zeros((2, len(features))), "x_default": tf.zeros((2, len(features)), tf.bool)}
    moved = make_attack(settings, of)(None, batch)["x"].numpy()[0]
    expected = 0.5 * track_resolutions(features) / features.std * of.columns["x"].factor
    chosen = np.array([name.startswith("track_") and name.endswith("_D0") for name in features.names])
    np.testing.assert_allclose(moved[chosen], expected[chosen], rtol=1e-5)
    assert not moved[~chosen].any()
    with pytest.raises(ConfigError, match="give their resolution"):
        make_attack(AttackSettings(eps=0.5, unit="resolution"), of)
