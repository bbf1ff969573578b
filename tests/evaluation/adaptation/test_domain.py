import numpy as np
import pytest
from scipy.stats import binom, kstest

from TauAdv.errors import InputError
from TauAdv.evaluation.adaptation.domain import dense_head, head_auc, trees, two_sample_auc, two_sample_p_value

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(2)


def test_identical_distributions_give_one_half():
    rng = np.random.default_rng(4)
    pulls = []
    for seed in range(5):
        found = two_sample_auc(rng.normal(size=800), rng.normal(size=600), rng.uniform(0, 2, 800), folds=3, seed=seed)
        pulls.append((found.value - 0.5) / found.error)
    assert abs(np.mean(pulls)) < 3 / np.sqrt(len(pulls))
    assert np.max(np.abs(pulls)) < 4


def test_a_known_separation_is_found():
    rng = np.random.default_rng(6)
    found = two_sample_auc(rng.normal(0, 1, 3000), rng.normal(1, 1, 3000))
    expected = 0.7602  # Phi(1/sqrt 2), the AUC of the best test
    assert found.value == pytest.approx(expected, abs=4 * found.error + 0.01)
    assert found.error < 0.01


def test_weights_of_simulation_count():
    rng = np.random.default_rng(8)
    simulation, data = rng.uniform(0, 1, 4000), rng.beta(2, 1, 4000)
    apart = two_sample_auc(simulation, data)
    reweighted = two_sample_auc(simulation, data, 2 * simulation)
    assert apart.value - 0.5 > 10 * apart.error
    assert abs(reweighted.value - 0.5) < 4 * reweighted.error


def test_head_on_features_sees_a_direction_and_nothing_else():
    rng = np.random.default_rng(10)
    simulation, data = rng.normal(size=(1200, 20)), rng.normal(size=(1200, 20))
    same = head_auc(simulation, data)
    assert abs(same.value - 0.5) < 4 * same.error
    data[:, 3] += 1.0
    assert head_auc(simulation, data).value > 0.68


def first_column(x, y, weights):
    """A classifier that needs no training."""
    return lambda values: values[:, 0]


@pytest.mark.parametrize("weighted", [False, True])
def test_p_values_of_identical_distributions_are_uniform(weighted):
    p_values = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        data, simulation = rng.normal(size=200), rng.normal(size=(500, 1))
        weights = None
        if weighted:  # simulation twice as wide, brought to the shape of data
            simulation = 2 * simulation
            weights = np.exp(-(simulation[:, 0] ** 2) * (1 / 2 - 1 / 8))
        found = two_sample_p_value(simulation[:, 0], data, weights, first_column, permutations=100, seed=seed)
        p_values.append(found)
    assert kstest(p_values, "uniform").pvalue > 1e-3


def test_a_shift_is_found_by_trained_classifiers():
    rng = np.random.default_rng(11)
    simulation, data = rng.normal(size=(600, 3)), rng.normal(size=(600, 3))
    data[:, 1] += 0.5
    for fit in (trees(1), dense_head(1)):
        assert two_sample_p_value(simulation, data, None, fit, permutations=199) == pytest.approx(1 / 200)


def test_overtraining_gives_no_small_p_values():
    small = 0
    for seed in range(15):
        rng = np.random.default_rng(100 + seed)
        small += two_sample_p_value(rng.normal(size=120), rng.normal(size=120), None, trees(1), permutations=99) < 0.1
    assert binom.sf(small - 1, 15, 0.1) > 1e-3


def test_same_seed_same_number(rng):
    simulation, data = rng.normal(size=(300, 5)), rng.normal(size=(300, 5))
    assert head_auc(simulation, data, seed=3) == head_auc(simulation, data, seed=3)


@pytest.mark.parametrize(
    ("simulation", "data", "options", "message"),
    [
        (np.zeros((30, 2)), np.zeros((30, 3)), {}, r"\[30, 2\] and \[30, 3\]"),
        (np.zeros(30), np.zeros(5), {}, "30 .simulation., 5 .data."),
        (np.zeros(30), np.zeros(30), {"folds": 1}, "1 folds"),
        (np.full(30, np.nan), np.zeros(30), {}, "30 rows"),
        (np.zeros(30), np.zeros(30), {"simulation_weights": np.ones(3)}, "expected 30 values"),
    ],
)
def test_bad_input(simulation, data, options, message):
    with pytest.raises(InputError, match=message):
        two_sample_auc(simulation, data, **options)
