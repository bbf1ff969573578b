"""Working points against hand calculations and a search written independently."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.evaluation.measures.working_points import PUBLISHED, SHIPPED, WorkingPointSettings, derive_working_points

ALONE = {"targets": {"jet": {"Loose": 0.7, "Tight": 0.4}}, "others": {}}
THREE = {
    "targets": {"e": {"Loose": 0.9, "Tight": 0.6}, "mu": {"Loose": 0.95}, "jet": {"Loose": 0.8, "Tight": 0.3}},
    "others": {"e": "Loose", "mu": "Loose", "jet": "Loose"},
}


def settings_of(content, **more):
    return WorkingPointSettings(**content, **more)


def some_scores(n=400, seed=3):
    """Scores that depend on each other, as those of one network do."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    return {name: 1 / (1 + np.exp(-common - rng.normal(size=n))) for name in ("e", "mu", "jet")}, rng.uniform(0.2, 2, n)


def test_ten_taus_by_hand():
    """Of the scores 0.1 ... 1.0, seven are above 0.3 and four above 0.6."""
    found = derive_working_points({"jet": np.arange(1, 11) / 10}, None, settings_of(ALONE))
    assert found.thresholds == {"jet": {"Loose": 0.3, "Tight": 0.6}}
    assert [point.reached.value for point in found.points] == [pytest.approx(0.7), pytest.approx(0.4)]
    assert found.taus == 10
    assert found.warnings == []


def test_weights_of_two_equal_rows_twice():
    """A weight of 2 is the row twice: five taus of weights 1, 1, 2, 4, 2 are ten."""
    scores, weights = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([1.0, 1, 2, 4, 2])
    weighted = derive_working_points({"jet": scores}, weights, settings_of(ALONE))
    rows = derive_working_points({"jet": np.repeat(scores, weights.astype(int))}, None, settings_of(ALONE))
    assert weighted.thresholds == rows.thresholds == {"jet": {"Loose": 0.3, "Tight": 0.4}}
    # above 0.3 are weights 4 + 2 of 10, above 0.4 only 2: a tie of four rows cannot be divided
    assert [point.reached.value for point in weighted.points] == [pytest.approx(0.6), pytest.approx(0.2)]
    assert "60 % of the taus are above 0.3, wanted 70 %" in weighted.warnings[0]


def test_requirement_against_the_others_by_hand():
    """The taus with low scores against e have the high ones against jets: what is required moves the threshold."""
    jet = np.arange(1, 11) / 10
    e = np.where(jet > 0.8, 0.05, 0.9) - jet / 1000
    content = {"targets": {"e": {"Loose": 0.8}, "jet": {"Half": 0.5}}, "others": {"e": "Loose"}}
    found = derive_working_points({"e": e, "jet": jet}, None, settings_of(content))
    # eight of ten taus are above 0.049 against e: without those at 0.9 and 1.0, half of the rest is above 0.4
    assert found.thresholds["jet"] == {"Half": 0.4}
    assert found.thresholds["e"]["Loose"] == pytest.approx(0.0491, abs=1e-9)
    alone = derive_working_points({"e": e, "jet": jet}, None, settings_of(content | {"others": {}}))
    assert alone.thresholds["jet"] == {"Half": 0.5}


def brute_force(scores, weights, content, rounds=200):
    """Search with sorted lists and sums, one tau after the other."""
    thresholds = {}
    for _ in range(rounds):
        found = {}
        for name, targets in content["targets"].items():
            rows = [
                row
                for row in range(len(weights))
                if all(
                    other == name or not thresholds or scores[other][row] > thresholds[other][key]
                    for other, key in content["others"].items()
                )
            ]
            total = sum(weights[row] for row in rows)
            found[name] = {}
            for key, target in targets.items():
                below = 0.0
                for row in sorted(rows, key=lambda row: scores[name][row]):
                    below += weights[row]
                    if below >= (1 - target) * total - 1e-9:
                        found[name][key] = scores[name][row]
                        break
        if found == thresholds:
            return found
        thresholds = found
    raise AssertionError


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_same_as_a_search_one_tau_after_the_other(seed):
    scores, weights = some_scores(60, seed)
    try:
        expected = brute_force(scores, weights, THREE)
    except AssertionError:
        with pytest.raises(InputError, match="still moves"):
            derive_working_points(scores, weights, settings_of(THREE, tolerance=1e-12))
        return
    found = derive_working_points(scores, weights, settings_of(THREE, tolerance=1e-12, decimals=16))
    for name, points in expected.items():
        assert found.thresholds[name] == pytest.approx(points, abs=1e-15)


def test_each_efficiency_is_that_of_taus_that_pass_the_others():
    scores, weights = some_scores(50_000)
    found = derive_working_points(scores, weights)
    assert found.warnings == []
    for point in found.points:
        rows = np.ones(len(weights), bool)
        for other, key in {"e": "VVVLoose", "mu": "VLoose", "jet": "VVVLoose"}.items():
            if other != point.background:
                rows &= scores[other] > found.thresholds[other][key]
        passed = weights[rows & (scores[point.background] > point.threshold)].sum() / weights[rows].sum()
        assert passed == pytest.approx(point.target, abs=3e-4)  # four decimals of the threshold
        assert point.reached.value == pytest.approx(passed)
        assert point.threshold == round(point.exact, 4)


def test_defaults_are_those_of_the_specification():
    known = load_settings(WorkingPointSettings, SHIPPED)
    assert known.others == {"e": "VVVLoose", "mu": "VLoose", "jet": "VVVLoose"}
    assert list(known.targets["jet"].values()) == [0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert list(known.targets["e"].values()) == [0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6]
    assert known.targets["mu"] == {"VLoose": 0.9995, "Loose": 0.999, "Medium": 0.998, "Tight": 0.995}
    for name, points in PUBLISHED["2018v2p5"].items():
        assert list(points) == list(known.targets[name])
        assert all(low < high for low, high in itertools.pairwise(points.values()))
    assert PUBLISHED["2018v2p5"]["jet"]["Medium"] == 0.96


def test_equal_scores_are_an_error_that_says_so():
    scores = {"e": np.full(50, 0.5), "mu": np.linspace(0, 1, 50), "jet": np.linspace(0, 1, 50)}
    with pytest.raises(InputError, match=r"none of 50 taus passes VVVLoose against e, .*all equal"):
        derive_working_points(scores)
    alone = derive_working_points({"jet": np.full(50, 0.5)}, None, settings_of(ALONE))
    assert [point.reached.value for point in alone.points] == [0, 0]
    assert len(alone.warnings) == 2


def test_scores_too_near_to_1_for_the_decimals_are_reported():
    scores = 1 - np.arange(1, 101) / 1e7
    found = derive_working_points({"jet": scores}, None, settings_of(ALONE))
    assert found.thresholds["jet"]["Tight"] == 1.0
    assert "more decimals are needed (exact: 0.9999959)" in found.warnings[1]
    fine = derive_working_points({"jet": scores}, None, settings_of(ALONE, decimals=8))
    assert fine.warnings == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jet": [0.5, np.nan, 0.7]}, "scores against jet: 1 of 3 are not finite, in rows 1"),
        ({"jet": [0.5, 1.2, -0.7]}, "scores against jet: 2 of 3 are not between 0 and 1, in rows 1, 2"),
        ({"jet": [0.5, 0.6]}, "expected scores of the same taus"),
        ({"e": [], "mu": [], "jet": []}, "expected scores of the same taus"),
    ],
)
def test_bad_scores(change, message):
    scores = {name: [0.1, 0.2, 0.3] for name in ("e", "mu", "jet")} | change
    with pytest.raises(InputError, match=message):
        derive_working_points(scores)
    with pytest.raises(InputError, match="no scores against mu; there are those against jet"):
        derive_working_points({"jet": [0.1]}, None, settings_of({"targets": {"mu": {"Loose": 0.9}}, "others": {}}))


@pytest.mark.parametrize("weights", [[1, 1, -1, 1], [0, 0, 0, 0], [1, np.nan, 1, 1], [1, 1]])
def test_bad_weights(weights):
    with pytest.raises(InputError, match="weights"):
        derive_working_points({"jet": [0.1, 0.2, 0.3, 0.4]}, weights, settings_of(ALONE))


def test_a_search_that_finds_no_end_is_an_error():
    """Two taus with high scores against one and low ones against the other: each requirement takes the other's tau away."""
    content = {"targets": {"e": {"Loose": 0.6}, "jet": {"Loose": 0.6}}, "others": {"e": "Loose", "jet": "Loose"}}
    rng = np.random.default_rng(0)
    for _ in range(200):
        e, jet = rng.random(7), rng.random(7)
        try:
            brute_force({"e": e, "jet": jet}, np.ones(7), content)
        except AssertionError:
            break
    with pytest.raises(InputError, match=r"after 100 rounds the threshold of Loose against \w+ still moves by 0\.\d+"):
        derive_working_points({"e": e, "jet": jet}, None, settings_of(content))


def test_settings_are_checked(tmp_path):
    with pytest.raises(ConfigError, match=r"no working point 'Losse' \(did you mean 'Loose'\?\)"):
        load_settings(WorkingPointSettings, SHIPPED, ["others.jet=Losse"])
    with pytest.raises(ConfigError, match=r"targets\.jet\.Loose"):
        load_settings(WorkingPointSettings, SHIPPED, ["targets.jet.Loose=80"])
    file = tmp_path / "points.yaml"
    file.write_text("targets: {jet: {Loose: 0.8}}\nothers: {}\n")
    assert load_settings(WorkingPointSettings, file).targets == {"jet": {"Loose": 0.8}}


def test_a_requirement_without_targets_is_named():
    with pytest.raises(ValueError, match=r"others\.muon: no targets against 'muon'.*did you mean 'mu'"):
        settings_of({"targets": {"mu": {"Loose": 0.9}, "jet": {"Loose": 0.7}}, "others": {"muon": "Loose"}})
