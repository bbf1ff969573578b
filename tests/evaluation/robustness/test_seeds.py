"""Mean and spread over seeds, against numpy on made-up tables."""

import numpy as np
import pandas as pd
import pytest

from TauAdv.errors import InputError
from TauAdv.evaluation.robustness.seeds import mean_and_spread, over_seeds, read_performance, recovered_over_seeds, seed_text

TRAININGS = {"nominal": ["n1", "n2", "n3"], "robust": ["r1", "r2", "r3"]}
DISTURBANCES, SCORES = ("raw", "FGSM", "noise"), ("BvsL", "BvsC")


@pytest.fixture
def performance():
    rng = np.random.default_rng(5)
    rows = []
    for run in ("r3", "n1", "r1", "n2", "n3", "r2"):
        for disturbance in DISTURBANCES:
            for score in SCORES:
                low = {"raw": 0.9, "FGSM": 0.7 if run[0] == "n" else 0.8, "noise": 0.89}[disturbance]
                auc = low + rng.uniform(0, 0.01)
                rows.append({"run": run, "disturbance": disturbance, "discriminator": score, "auc": auc, "auc_error": 0.003})
    return pd.DataFrame(rows)


def auc(performance, run, disturbance, score):
    return performance.set_index(["run", "disturbance", "discriminator"]).loc[(run, disturbance, score), "auc"]


def test_means_and_spreads(performance):
    table = over_seeds(performance, TRAININGS).set_index(["training", "disturbance", "discriminator"])
    assert len(table) == 2 * 3 * 2
    for (training, disturbance, score), row in table.iterrows():
        values = [auc(performance, run, disturbance, score) for run in TRAININGS[training]]
        assert row["auc"] == pytest.approx(np.mean(values), rel=1e-12)
        assert row["auc_spread"] == pytest.approx(np.std(values, ddof=1), rel=1e-9)
        assert row["auc_error"] == pytest.approx(0.003)
        assert row["seeds"] == 3


def test_recovered_fractions_are_paired(performance):
    table = recovered_over_seeds(performance, TRAININGS).set_index(["disturbance", "discriminator"])
    assert set(table["training"]) == {"robust"}
    for score in SCORES:
        pairs = []
        for nominal, robust in zip(TRAININGS["nominal"], TRAININGS["robust"], strict=True):
            attacked, clean = (auc(performance, nominal, key, score) for key in ("FGSM", "raw"))
            pairs.append((auc(performance, robust, "FGSM", score) - attacked) / (clean - attacked))
        row = table.loc[("FGSM", score)]
        assert row["recovered"] == pytest.approx(np.mean(pairs), rel=1e-9)
        assert row["recovered_spread"] == pytest.approx(np.std(pairs, ddof=1), rel=1e-9)
        changes = [
            auc(performance, robust, "raw", score) - auc(performance, nominal, "raw", score)
            for nominal, robust in zip(TRAININGS["nominal"], TRAININGS["robust"], strict=True)
        ]
        assert row["clean_change"] == pytest.approx(np.mean(changes), abs=1e-12)


def test_nothing_lost_nothing_recovered(performance):
    gained = performance["run"].isin(TRAININGS["nominal"]) & (performance["disturbance"] == "noise")
    performance.loc[gained, "auc"] = 0.95
    table = recovered_over_seeds(performance, TRAININGS).set_index("disturbance")
    assert table.loc["noise", "recovered"].isna().all()
    assert table.loc["FGSM", "recovered"].notna().all()


def test_one_seed_has_no_spread(performance):
    assert np.isnan(mean_and_spread([0.5])[1])
    text = seed_text(performance, {"nominal": ["n1"]}, ["BvsL"])
    assert "± 0.0030" in text
    assert "bootstrap" in text


def test_text_names_what_the_error_is(performance):
    text = seed_text(performance, TRAININGS, SCORES)
    assert "spread of 3 trainings" in text
    assert text.splitlines()[0].split() == ["AUC", "training", *DISTURBANCES]
    assert len(text.splitlines()) == 2 + 4 + 1


def test_unknown_runs_and_unequal_numbers(performance, tmp_path):
    with pytest.raises(InputError, match="'x' is not in the table"):
        over_seeds(performance, {"nominal": ["n1", "x"]})
    with pytest.raises(InputError, match="'nominal': 2, 'robust': 1"):
        recovered_over_seeds(performance, {"nominal": ["n1", "n2"], "robust": ["r1"]})
    with pytest.raises(InputError, match="tauadv robustness"):
        read_performance(tmp_path)
