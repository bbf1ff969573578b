import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from TauAdv.errors import InputError
from TauAdv.jets.schema import JetTable
from TauAdv.simulation.jets import validation
from TauAdv.simulation.jets.validation import column_comparisons, load_jets


@pytest.fixture(scope="module")
def sample(repository):
    return load_jets(repository / "tests" / "data" / "jets" / "jets.json.gz")


def test_sample_looks_like_the_dataset(sample, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(validation, "tagger_auc", lambda jets, signal, background: signal + background / 10)
        figures = {figure.name: figure.measured for figure in validation.quality_figures(sample)}
    assert figures["fraction of b jets"] == pytest.approx(0.393, abs=0.001)
    assert 0.65 < figures["secondary vertex in b jets"] < 0.82
    assert 0.17 < figures["secondary vertex in c jets"] < 0.33
    assert figures["secondary vertex in udsg jets"] < 0.06
    assert figures["AUC b against c, 16 variables"] == 5.4


def test_tagger(sample):
    with threadpool_limits(1):  # more threads than cores slow the trees down
        assert 0.91 < validation.tagger_auc(sample, 5, 0) < 0.98
    assert math.isnan(validation.tagger_auc(sample.take(slice(0, 100)), 5, 0))


def test_comparison_counts_absent_values(sample):
    table = {comparison.name: comparison for comparison in column_comparisons(sample)}
    assert len(table) == len(JetTable.load().inputs(1))
    mass = sample["vertex_mass"]
    assert table["vertex_mass"].absent == pytest.approx((mass == -1).mean())
    assert table["vertex_mass"].mean == pytest.approx(mass[mass != -1].mean(), rel=1e-5)
    assert table["jet_eta"].published_spread == pytest.approx(math.sqrt(1.85183688))
    assert all(comparison.spread > 0 for comparison in table.values())


def test_part_of_the_jets(repository, sample):
    part = load_jets(repository / "tests" / "data" / "jets" / "jets.json.gz", most=1000)
    assert len(part) == 1000
    assert len(np.unique(part.flavor)) == 3


def test_script(run_script, repository, capsys):
    run_script("Production/validate_jets.py", "--input", repository / "tests/data/jets/jets.json.gz", "--most", "600")
    assert "track_0_vertex_energy_fraction" in capsys.readouterr().out


def test_bad_files(tmp_path):
    path = tmp_path / "jets.json"
    path.write_text("[1]\n")
    with pytest.raises(InputError, match="line 1: expected 6 entries"):
        load_jets(path)
    path.write_text("")
    with pytest.raises(InputError, match="no jets"):
        load_jets(path)
