import numpy as np
import pytest

from TauAdv.simulation.jets.variables import jet_probability, jet_quantities, track_probability
from TauAdv.simulation.jets.vertices import find_vertices, fit_secondary, primary_weights


@pytest.fixture(scope="module")
def quantities(jets_and_tracks):
    return jet_quantities(*jets_and_tracks)


def test_track_probability_falls():
    probability = track_probability(np.linspace(0, 50, 500))
    assert (np.diff(probability) <= 0).all()
    assert 0.3 < probability[0] < 0.45  # the dataset's jet probability ends at .434
    assert 0 <= probability[-1] < 0.01


def test_jet_probability_of_one_and_two_tracks():
    significance = np.array([[1.0, 0.0], [1.0, 2.0]])
    valid = np.array([[True, False], [True, True]])
    p1, p2 = track_probability(np.array([1.0, 2.0]))
    expected = [p1, p1 * p2 * (1 - np.log(p1 * p2))]
    np.testing.assert_allclose(jet_probability(significance, valid), expected)


def test_shapes_and_absent_values(quantities, jets_and_tracks):
    jets, _ = jets_and_tracks
    head, counts = quantities["jet"], quantities["n_tracks"]
    assert head.shape == (len(jets["pt"]), 17)
    assert quantities["track"].shape == (counts.sum(), 28)
    np.testing.assert_array_equal(head[:, 2], jets["flavour"])
    assert set(np.unique(head[:, 2])) <= {0, 4, 5}
    np.testing.assert_array_equal(np.isneginf(head[:, 3]), counts < 2)
    np.testing.assert_array_equal(np.isneginf(head[:, 6]), counts < 3)
    vertex = head[:, 12] > 0
    assert 0 < vertex.mean() < 1
    for column, absent in ((11, -1), (12, -1), (13, -1), (14, np.inf), (15, -1), (16, -np.inf)):
        np.testing.assert_array_equal(head[:, column] == absent, ~vertex)
    assert (head[vertex, 13] >= 2).all()
    assert (head[:, 7] <= counts).all()
    assert ((head[:, 8] >= 0) & (head[:, 8] <= 1)).all()


def test_tracks_in_order_with_their_vertex(quantities):
    track, counts = quantities["track"], quantities["n_tracks"]
    jet = np.repeat(np.arange(len(counts)), counts)
    significance = track[:, 0] / np.sqrt(track[:, 5])
    assert (np.diff(significance)[np.diff(jet) == 0] <= 0).all()
    primary = track[:, 22] == 0
    np.testing.assert_array_equal(np.isnan(track[:, 23]), primary)
    np.testing.assert_array_equal(track[:, 25] == 0, primary)
    assert (track[~primary, 26] >= 2).all()
    assert ((track[:, 20] >= 0) & (track[:, 20] <= 1)).all()
    assert (track[:, 27] <= 1 + 1e-9).all()


def test_covariance_is_the_lower_triangle(quantities):
    rows, columns = np.tril_indices(5)
    matrix = np.zeros((len(quantities["track"]), 5, 5))
    matrix[:, rows, columns] = matrix[:, columns, rows] = quantities["track"][:, 5:20]
    spread = np.sqrt(np.einsum("nii->ni", matrix))
    assert (np.linalg.eigvalsh(matrix / (spread[:, :, None] * spread[:, None, :])) > 0.01).all()


def test_vertices_one_by_one_share_no_track(jets_and_tracks):
    jets, tracks = jets_and_tracks
    secondary = tracks.valid & (primary_weights(tracks) < 0.5)
    inclusive, single = find_vertices(tracks, jets, secondary)
    members = np.sum([vertex.members for vertex in single], axis=0)
    assert members.max() == 1
    assert not (members[~secondary]).any()
    assert not (inclusive.members & ~secondary).any()
    assert inclusive.found[jets["flavour"] == 5].mean() > 3 * inclusive.found[jets["flavour"] == 0].mean()


def test_fit_finds_a_known_vertex(jets_and_tracks):
    jets, tracks = jets_and_tracks
    jets = {name: values[:1] for name, values in jets.items()}
    rng = np.random.default_rng(3)
    number, errors = 5, np.array([0.01, 0.03])
    phi, eta, vertex = (
        jets["phi"] + rng.normal(0, 0.2, number),
        jets["eta"] + rng.normal(0, 0.2, number),
        np.array([3.0, 2, 4]),
    )
    perigee = np.zeros((1, number, 5))
    perigee[0, :, 0] = -vertex[0] * np.sin(phi) + vertex[1] * np.cos(phi)
    perigee[0, :, 1] = vertex[2] - (vertex[0] * np.cos(phi) + vertex[1] * np.sin(phi)) * np.sinh(eta)
    matrices = np.zeros((1, number, 5, 5))
    matrices[..., 0, 0], matrices[..., 1, 1] = errors**2
    columns = {"phi": phi[None], "eta": eta[None], "perigee": perigee, "covariance": matrices}
    columns |= {"energy": np.full((1, number), 5.0), "momentum": np.ones((1, number, 3))}
    valid = np.ones((1, number), bool)
    found = fit_secondary(type(tracks)(valid, columns), jets, valid, 9.0)
    np.testing.assert_allclose(found.length, np.linalg.norm(vertex), rtol=1e-3)
    assert found.found.all()
    assert found.members.all()
