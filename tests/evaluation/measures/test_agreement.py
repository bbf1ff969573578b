import numpy as np
import pytest
from scipy.stats import chi2_contingency

from TauAdv.evaluation.measures.agreement import Agreement, Binned, agreement

pytestmark = pytest.mark.slow

FRACTIONS = np.array([0.5, *[0.05] * 10])
INSIDE = np.arange(11) > 0


def toy(rng, n_data, n_mc, weight=np.ones, rate=1.0):
    """Return one experiment: multinomial data with a rate in the region, and weighted simulation."""
    inside = rate * FRACTIONS[1:]
    data = rng.multinomial(n_data, [1 - inside.sum(), *inside])
    bins, weights = rng.choice(11, n_mc, p=FRACTIONS), weight(n_mc)
    return Binned(data.astype(float), *(np.bincount(bins, weights**power, 11) for power in (1, 2)))


def test_unit_weights_give_the_test_of_homogeneity():
    data, mc = np.array([30.0, 40, 25, 60]), np.array([200.0, 310, 150, 500])
    expected = chi2_contingency([data, mc], correction=False)
    assert Binned(data, mc, mc).p_value() == pytest.approx(expected.pvalue)
    # a common factor changes nothing
    assert Binned(data, mc * 0.1, mc * 0.01).p_value() == pytest.approx(expected.pvalue)


def test_rate_by_hand():
    """One bin against the rest: z = difference of fractions over its error."""
    data, mc, squares = np.array([40.0, 60]), np.array([500.0, 500]), np.array([1000.0, 500])
    effective = 1000**2 / 1500
    common = (40 + effective * 0.5) / (100 + effective)
    first, second = 2 * common * 1000, 1 * (1 - common) * 1000  # squared weights expected
    variance = common * (1 - common) / 100 + ((1 - common) ** 2 * first + common**2 * second) / 1000**2
    expected = 2 * (1 - normal_cdf(0.1 / np.sqrt(variance)))
    assert Binned(data, mc, squares).p_value() == pytest.approx(expected)


def normal_cdf(z):
    from math import erf

    return (1 + erf(z / 2**0.5)) / 2


@pytest.mark.parametrize("kind", ["unit", "uniform", "log-normal", "signed"])
def test_p_values_are_what_they_say(kind):
    rng = np.random.default_rng(3)
    weight = {
        "unit": np.ones,
        "uniform": lambda n: rng.uniform(0.2, 1.8, n),
        "log-normal": lambda n: rng.lognormal(0, 0.8, n),
        "signed": lambda n: np.where(rng.random(n) < 0.1, -1.0, 1.0),
    }[kind]
    found = [agreement(toy(rng, 600, 2500, weight), INSIDE) for _ in range(800)]
    for level in (0.05, 0.2):
        scatter = 3.5 * np.sqrt(level * (1 - level) / 800)
        for name in ("p_bins", "p_rate"):
            share = np.mean([getattr(each, name) < level for each in found])
            assert share == pytest.approx(level, abs=scatter), (name, level)
        assert np.mean([each.p_value < level for each in found]) < level + scatter


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("n_data", "n_mc"), [(500, 2500), (2000, 1000)])
def test_the_stated_shift_is_seen_as_often_as_stated(side, n_data, n_mc):
    rng = np.random.default_rng(4)
    weight = lambda n: rng.uniform(0.2, 1.8, n)  # noqa: E731
    rate = np.mean([agreement(toy(rng, n_data, n_mc, weight), INSIDE).seen[side] for _ in range(30)])
    seen = [agreement(toy(rng, n_data, n_mc, weight, rate), INSIDE).verdict == "disagree" for _ in range(600)]
    assert np.mean(seen) == pytest.approx(0.9, abs=0.05)  # 3.5 standard deviations, and bins help a little


def test_more_taus_see_smaller_shifts():
    rng = np.random.default_rng(5)
    shifts = [agreement(toy(rng, n, 10 * n), INSIDE).smallest_shift for n in (200, 800, 3200)]
    assert shifts[0] / shifts[1] == pytest.approx(2, rel=0.2)
    assert shifts[1] / shifts[2] == pytest.approx(2, rel=0.2)


def test_three_answers():
    same = np.array([500.0, 500])
    inside = np.array([False, True])
    assert agreement(Binned(same * 40, same * 40, same * 40), inside).verdict == "agree"
    assert agreement(Binned(same / 10, same, same), inside).verdict == "too few taus"
    # data/MC .725 with 1000 taus
    assert agreement(Binned(np.array([637.5, 362.5]), same * 3, same * 3), inside).verdict == "disagree"


@pytest.mark.parametrize(
    ("data", "mc", "squares"),
    [
        ([3.0, 3], [100.0, 100], [100.0, 100]),  # few data
        ([300.0, 300], [100.0, 100], [5000.0, 100]),  # few effective taus of simulation
        ([300.0, 300], [200.0, -1], [200.0, 30]),  # weights that sum below 0
        ([300.0, 0], [200.0, 0], [200.0, 0]),
    ],
)
def test_no_test_with_too_few_taus(data, mc, squares):
    found = agreement(Binned(*map(np.array, (data, mc, squares))), np.array([False, True]))
    assert (found.p_value, found.p_bins, found.p_rate, found.seen) == (None, None, None, (None, None))
    assert found.verdict == "too few taus"
    assert str(found).startswith("no test is possible; no data/MC rate, however far from 1, would have been seen")


def test_bins_are_joined_by_what_simulation_expects():
    mc = np.array([100.0, 2, 3, 5, 40, 1])
    found = Binned(np.array([0.0, 90, 0, 0, 1, 60]), mc, mc).enough()
    assert found.mc.tolist() == [100, 10, 41]  # 2 + 3 + 5 are 10 effective taus, the last one joins its neighbour
    assert found.data.tolist() == [0, 90, 61]


def test_in_words():
    text = str(Agreement(0.031, 0.02, 0.4, 11, (0.81, None), significance=0.05, power=0.9))
    assert text == "p = 0.031; a data/MC rate below 0.810 would have been seen (5 % significance, 90 % power)"
    assert Agreement(0.2, 0.1, 0.4, 11, (0.81, None)).smallest_shift == np.inf
    assert Agreement(0.2, 0.1, 0.4, 11, (0.95, 1.06)).smallest_shift == pytest.approx(0.06)


@pytest.mark.parametrize("mc", [np.zeros(11), np.array([-1.0, 1.0, *[0.0] * 9]), -np.ones(11)])
def test_simulation_that_sums_to_nothing(mc):
    """No test is possible, whatever data are; a division by 0 would be a warning, and so an error here."""
    for data in (np.zeros(11), np.full(11, 100.0)):
        bins = Binned(data, mc, mc**2)
        found = agreement(bins, INSIDE)
        assert not bins.is_enough
        assert (found.p_value, found.seen, found.verdict) == (None, (None, None), "too few taus")
