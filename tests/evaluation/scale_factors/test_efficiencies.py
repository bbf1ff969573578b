"""Scale factor of one bin: by hand, and over toys with a known efficiency."""

import re

import numpy as np
import pytest

from TauAdv.evaluation.scale_factors.efficiencies import Sums, measure_bin

NAMES = ("data", "DYT", "TTT", "QCD")
GENUINE = np.array([False, True, True, False])
HOW = {"normalise": False, "min_expected": 0}


def sums(values, variances=None):
    values = np.array(values, float)
    return Sums(NAMES, GENUINE, values, values if variances is None else np.array(variances, float))


BY_HAND = sums([[70, 40, 0], [60, 20, 0], [0, 0, 0], [10, 20, 0]])


def test_subtraction_by_hand():
    """Data without QCD: 60 pass, 20 fail, as in simulation."""
    found = measure_bin(BY_HAND, "subtraction", **HOW)
    assert (found.data.value, found.simulation.value, found.factor.value) == (0.75, 0.75, 1.0)
    assert found.simulation.error == pytest.approx(np.sqrt(0.75 * 0.25 / 80))
    # e = p / (p + f): de = ((1 - e) dp - e df) / (p + f), with variances of data and of QCD
    error = np.sqrt(0.25**2 * (70 + 10) + 0.75**2 * (40 + 20)) / 80
    assert found.data.error == pytest.approx(error)
    assert found.factor.error == pytest.approx(np.hypot(error, found.simulation.error) / 0.75)
    assert found.expected == 80
    assert found.purity == pytest.approx(60 / 70)


def test_template_counts_the_taus_before_the_working_point_in_simulation():
    """Twice as many fail in data: the efficiency of a template knows only what passes."""
    more = sums([[70, 80, 0], [60, 20, 0], [0, 0, 0], [10, 20, 0]])
    assert measure_bin(more, "template", **HOW).factor.value == pytest.approx(1)
    assert measure_bin(more, "subtraction", **HOW).data.value == pytest.approx(60 / 120)


def test_normalisation_scales_all_simulation_together():
    half = sums([[70, 40, 1000], [30, 10, 450], [0, 0, 0], [5, 10, 50]])
    assert measure_bin(half, "subtraction", normalise=True, min_expected=0).factor.value == pytest.approx(1)
    assert measure_bin(half, "template", normalise=True, min_expected=0).factor.value == pytest.approx(1)
    assert measure_bin(half, "template", **HOW).factor.value == pytest.approx(65 / 30)


def test_uncertainty_of_a_contribution_is_half_the_change():
    """QCD, 10 that pass and 20 that fail, is 13 and 26, or 7 and 14."""
    found = measure_bin(BY_HAND, "subtraction", **HOW, uncertainties={"QCD": 0.3})
    up, down = (70 - 13) / (110 - 39), (70 - 7) / (110 - 21)
    assert found.systematics == {"QCD": pytest.approx(abs(up - down) / 0.75 / 2)}
    assert found.error == pytest.approx(np.hypot(found.factor.error, found.systematic))


def test_bins_where_all_pass_have_an_error():
    """No tau fails, in data nor in simulation: the error is that of one tau of each."""
    found = measure_bin(
        sums([[20, 0, 80], [40, 0, 160], [0] * 3, [0] * 3], [[20, 0, 80], [80, 0, 320], [0] * 3, [0] * 3]),
        "subtraction",
        **HOW,
    )
    assert found.factor.value == 1
    assert found.data.error == pytest.approx(1 / 20)
    assert found.simulation.error == pytest.approx(2 / 40)  # weights of 2


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[0, 0, 9], [60, 20, 0], [0, 0, 0], [10, 20, 0]], "no data"),
        ([[5, 5, 0], [0, 0, 9], [0, 0, 0], [1, 2, 0]], "0 genuine taus expected, fewer than 5"),
        ([[5, 5, 0], [2, 2, 9], [0, 0, 0], [1, 2, 0]], "4 genuine taus expected, fewer than 5"),
        ([[5, 5, 0], [0, 9, 9], [0, 0, 0], [1, 2, 0]], "no genuine taus of simulation pass"),
        ([[5, 90, 0], [9, 9, 9], [0, 0, 0], [6, 2, 0]], r"not positive above the working point \(-1\)"),
        ([[9, 5, 0], [9, 9, 9], [0, 0, 0], [6, 20, 0]], r"not positive in the bin \(-12\)"),
        ([[9, 5, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], "data or simulation have no total"),
    ],
)
def test_bins_without_a_number_say_why(values, reason):
    found = measure_bin(sums(values), "subtraction", normalise=reason.startswith("data or"), min_expected=5)
    assert isinstance(found, str)
    assert re.search(reason, found)


def weighted(rng, expected, spread):
    """Return sums of weights and of their squares: as many taus as Poisson gives, each of its own weight around 0.5."""
    number = rng.poisson(np.asarray(expected) / 0.5)
    weights = [rng.uniform(0.5 - spread, 0.5 + spread, count) for count in number.ravel()]
    return (np.array([(w**power).sum() for w in weights]).reshape(number.shape) for power in (1, 2))


@pytest.mark.parametrize("method", ["subtraction", "template"])
def test_planted_efficiency_is_recovered_within_its_error(method):
    """Pulls over toys have mean 0 and width 1: weighted simulation, pass and fail of the same taus, a common scale."""
    rng = np.random.default_rng(5)
    genuine, others = np.array([700.0, 300.0, 4000.0]), np.array([60.0, 140.0, 300.0])
    true = np.array([0.63 / 0.7 * 700, 370.0, 4000.0]) + others  # efficiency 0.63 in data, 0.7 in simulation
    pulls = []
    for _ in range(400):
        data = rng.poisson(true).astype(float)
        mc = np.array([genuine, 0 * genuine, others])
        values, variances = weighted(rng, mc, 0.3)
        toy = Sums(NAMES, GENUINE, np.vstack([data, values]), np.vstack([data, variances]))
        found = measure_bin(toy, method, normalise=True, min_expected=10)
        pulls.append((found.factor.value - 0.9) / found.factor.error)
    assert np.mean(pulls) == pytest.approx(0, abs=4 / np.sqrt(400))
    assert np.std(pulls) == pytest.approx(1, abs=4 / np.sqrt(2 * 400))


def test_an_uncertainty_beyond_what_can_be_subtracted_gives_no_number():
    """10 data pass, 8 of them QCD: moved by 30 % nothing is left."""
    nearly = sums([[10, 20, 0], [5, 5, 0], [0, 0, 0], [8, 2, 0]])
    small = measure_bin(nearly, "subtraction", **HOW, uncertainties={"QCD": 0.1})
    assert small.systematics["QCD"] > 0
    found = measure_bin(nearly, "subtraction", **HOW, uncertainties={"QCD": 0.3})
    assert "with QCD moved by its uncertainty of 30 %: data minus other contributions is not positive above" in found
