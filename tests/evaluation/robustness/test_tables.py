"""Tables of a study: an efficiency at a mistag rate that hardly a background jet passes is no measurement."""

import numpy as np
import pandas as pd
import pytest

from TauAdv.domain.discriminators import choose_discriminators
from TauAdv.errors import ConfigError
from TauAdv.evaluation.measures.bootstrap import measure
from TauAdv.evaluation.robustness.report import as_text, write_robustness_report
from TauAdv.evaluation.robustness.settings import load_robustness_settings
from TauAdv.evaluation.robustness.study import RobustnessStudy
from TauAdv.evaluation.robustness.tables import FEWEST_PASSING, as_table, measure_all

CLASSES = ("b", "c", "udsg")
SETTINGS = ["bootstrap=4", "disturbances={}", "scanned=[]", "by_epoch=[]", "shapes=[]", "mistags=[0.1, 0.01, 0.001]"]


@pytest.fixture
def settings():
    return load_robustness_settings(None, SETTINGS)


def table_of(background, settings):
    """Performance of a score on 500 b and so many c jets."""
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], [500, background])
    probabilities = rng.dirichlet([1, 1, 1], len(label)).astype(np.float32)
    one = choose_discriminators(CLASSES, ["BvsC"])
    measured = measure_all({("run", "raw"): probabilities}, one, label, np.ones(len(label)), settings)
    return as_table(measured, ["run", "disturbance", "discriminator"], settings)


@pytest.mark.parametrize(
    ("overrides", "match"),
    [
        (["disturbances.FSGM.eps=0.2"], r"1 setting .*\n  disturbances: FSGM: no such .* \(did you mean .FGSM.\?\)"),
        (["disturbances.mine.eps=0.2"], r"mine: no such disturbance; .*disturbances\.mine\.kind=fgsm"),
    ],
)
def test_a_misspelt_disturbance_is_none(overrides, match):
    with pytest.raises(ConfigError, match=match):
        load_robustness_settings(None, overrides)


def test_a_disturbance_of_a_file_without_kind(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("disturbances: {FGSM: {eps: .1}}\n")
    with pytest.raises(ConfigError, match=r"FGSM: its kind is missing, such as disturbances\.FGSM\.kind=fgsm$"):
        load_robustness_settings(path)


def test_a_new_disturbance_with_its_kind():
    found = load_robustness_settings(None, ["disturbances.mine.eps=0.2", "disturbances.mine.kind=noise"]).disturbances
    assert (found["mine"].kind, found["mine"].eps) == ("noise", 0.2)
    assert {"FGSM", "PGD"} < set(found)


@pytest.mark.parametrize(("background", "known"), [(100, [0.1]), (1181, [0.1, 0.01]), (10_000, [0.1, 0.01, 0.001])])
def test_efficiencies_of_too_few_jets_are_absent(settings, background, known):
    (row,) = table_of(background, settings).to_dict(orient="records")
    for mistag in settings.mistags:
        expected = mistag in known
        assert np.isfinite(row[f"efficiency_at_{mistag:g}"]) == expected
        assert np.isfinite(row[f"efficiency_at_{mistag:g}_error"]) == expected


def test_weights_make_rows_fewer():
    scores, weights = np.linspace(0, 1, 200), np.r_[np.ones(100), np.repeat([1.0, 3.0], 50)]
    found = measure(scores, (np.arange(100), np.arange(100, 200)), weights, [0.1], samples=2, seed=1)
    assert found.background == pytest.approx(200**2 / 500)


def test_report_shows_them_as_dashes(settings, tmp_path):
    counts = {"b": 500, "c": 1181, "udsg": 0}
    study = RobustnessStudy(settings, {"run": "1"}, tmp_path, "jets", counts, [], performance=table_of(1181, settings))
    text = as_text(study)
    at_per_mille = text.partition("at 0.1 % mistag")[2]
    assert " ± " not in at_per_mille
    assert f"-: fewer than {FEWEST_PASSING} background jets are expected at this rate" in at_per_mille
    assert text.count("-: fewer than") == 1
    (tmp_path / "report").mkdir()
    write_robustness_report(study, tmp_path / "report")
    assert pd.read_csv(tmp_path / "report" / "performance.csv")["efficiency_at_0.001"].isna().all()
