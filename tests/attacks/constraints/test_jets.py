import numpy as np
import pytest
import tensorflow as tf
from attack_inputs import bits
from jet_runs import prepared

from TauAdv.attacks.constraints.jets import covariance_positions, jet_columns, jet_constraints, track_resolutions
from TauAdv.attacks.fgsm import fgsm
from TauAdv.attacks.noise import gaussian_noise
from TauAdv.attacks.objectives import label_loss
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.settings import make_attack
from TauAdv.attacks.systematic import systematic
from TauAdv.errors import ConfigError
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.schema import DefaultRule, JetTable
from TauAdv.models.jet_flavour.losses import crossentropy
from TauAdv.models.jet_flavour.network import build_jet_classifier
from TauAdv.models.jet_flavour.settings import load_jet_network
from TauAdv.shards.store import ShardSet, iterate

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
    moved = (systematic(batch, jet_constraints(sample_features(), ranges=False), 0.01)["x"] - batch["x"]).numpy() / 0.01
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


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A batch of the committed jets, and its features."""
    jets = ShardSet.open(prepared(tmp_path_factory.mktemp("jets"), fractions={"train": 1.0}) / "train")
    inputs, _ = next(iter(iterate(jets, 6000)))
    return {name: tf.convert_to_tensor(values) for name, values in inputs.items()}, jets.table


def physical(features, x):
    values = np.asarray(x, np.float64) * features.std + features.mean
    return dict(zip(features.names, values.T, strict=True))


def ratios(values, default, parameter, names):
    """|value| / error of the six tracks [n, 6]; NaN where there is no track."""
    found = []
    for track in range(6):
        value, variance = f"track_{track}_{parameter}", f"track_{track}_{parameter}{parameter}"
        there = ~default[:, names.index(value)] & (values[variance] > 0)
        found.append(np.where(there, np.abs(values[value]) / np.sqrt(np.where(there, values[variance], 1)), np.nan))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("parameter", ["D0", "Z0"])
@pytest.mark.parametrize("rank", [2, 3])
def test_significances_follow_the_track_they_are_of(sample, rank, parameter):
    """In the dataset they are ranked by |d0| among all tracks, and the tracks stored by signed d0 / error."""
    batch, features = sample
    name, default = f"track_{rank}_{parameter.lower()}_significance", batch["x_default"].numpy()
    constraints = jet_constraints(features, recompute=True, ranges=False)
    after = physical(features, gaussian_noise(batch, constraints, 0.02, seed=3)["x"])
    before = physical(features, batch["x"])
    there = ~default[:, features.names.index(name)]
    clean, moved = (ratios(values, default, parameter, features.names)[there] for values in (before, after))
    significance = before[name][there]
    distance = np.abs(clean - significance[:, None]) / significance[:, None]
    of_one = (np.nan_to_num(distance, nan=1.0) < 1e-3).sum(axis=1) == 1
    of_none = (np.nan_to_num(distance, nan=1.0) > 0.02).all(axis=1)
    assert of_one.mean() > 0.6
    track = np.nanargmin(np.where(np.isnan(distance), 9.0, distance), axis=1)
    expected = moved[np.arange(len(track)), track]
    followed = of_one & np.isfinite(expected)  # a variance that noise makes negative has no root
    np.testing.assert_allclose(after[name][there][followed], expected[followed], rtol=2e-2, atol=2e-2)
    np.testing.assert_array_equal(after[name][there][of_none], significance[of_none])
    assert (track[of_one] != rank - 1).any()  # position in the jet is not the rank
    unfollowed = gaussian_noise(batch, jet_constraints(features, ranges=False), 0.02, seed=3)
    assert np.abs(physical(features, unfollowed["x"])[name][there][followed] - expected[followed]).max() > 0.1


def test_significance_stays_finite_where_a_variance_is_taken_to_its_limit(sample):
    batch, features = sample
    constraints = jet_constraints(features, recompute=True)
    before, after = (physical(features, x) for x in (batch["x"], gaussian_noise(batch, constraints, 0.1, seed=2)["x"]))
    taken = [np.isclose(after[f"track_{i}_D0D0"], 0, atol=1e-8) & (before[f"track_{i}_D0D0"] > 1e-7) for i in range(6)]
    assert np.sum(taken) > 10  # the noise does reach the limit
    for rank in (2, 3):
        name = f"track_{rank}_d0_significance"
        largest = np.stack([after[f"track_{i}_D0"] for i in range(6)], axis=1)
        error = np.stack([np.sqrt(np.maximum(before[f"track_{i}_D0D0"], 1e-12)) for i in range(6)], axis=1)
        there = ~batch["x_default"].numpy()[:, features.names.index(name)]
        bound = np.maximum(10 * (np.abs(largest) / error).max(axis=1), before[name])[there]
        assert (after[name][there] <= 1.01 * bound + 1e-3).all()
        assert not np.array_equal(after[name][there], before[name][there])


def test_jets_stay_within_what_the_table_allows(sample):
    batch, features = sample
    free = ~batch["x_default"].numpy() & jet_constraints(features).columns["x"].movable
    before = batch["x"].numpy() * features.std + features.mean
    outside = {}
    for ranges in (True, False):
        attacked = gaussian_noise(batch, jet_constraints(features, ranges=ranges), 0.5, seed=1)["x"].numpy()
        after = attacked * features.std + features.mean
        outside[ranges] = {}
        for i, column in enumerate(features.columns):
            lowest, highest = column.variable.allowed
            rule = column.variable.default
            if isinstance(rule, DefaultRule):  # just above the default
                lowest = features.default[i] + rule.below_minimum / 2
            lowest, highest = -np.inf if lowest is None else lowest, np.inf if highest is None else highest
            new = free[:, i] & (before[:, i] >= lowest) & (before[:, i] <= highest)
            slack = 1e-6 * features.std[i]
            outside[ranges][column.name] = ((after[:, i] < lowest - slack) | (after[:, i] > highest + slack))[new].sum()
    assert not any(outside[True].values())
    assert sum(count > 0 for count in outside[False].values()) > 50
    assert outside[False]["track_0_weight"] > 100


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
