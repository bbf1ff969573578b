import numpy as np
import pytest
from evaluation_inputs import write_set

from TauAdv.errors import InputError
from TauAdv.evaluation.input_distributions import input_distributions, ranking
from TauAdv.shards.store import ShardSet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Flat features of data are two standard deviations higher; those of cells agree."""
    return ShardSet.open(write_set(tmp_path_factory.mktemp("set") / "control", "adversarial", 400, data_shift=2.0))


def test_what_disagrees_comes_first(shifted):
    found = input_distributions(shifted, bins=20)
    of_cells = [each.name.startswith(("inner ", "outer ")) for each in found]
    first = of_cells.index(True)
    assert not any(of_cells[:30])  # 43 flat features, some of which are clipped
    assert first > 30
    # two unit gaussians whose means are two widths apart: the area that they do not share is erf(1 / sqrt 2) = 0.683
    linear = [each.distance for each in found[:first] if len(each.histogram.axes[1]) == 20]
    assert np.median(linear) == pytest.approx(0.683, abs=0.08)
    agreeing = [each for each in found if each.name.startswith("outer ")]
    assert np.mean([each.distance for each in agreeing]) < 2 * np.mean([each.by_chance for each in agreeing])


def test_histograms_are_of_physical_values_and_hold_all_data(shifted):
    (pt,) = [each for each in input_distributions(shifted) if each.name == "TauFlat/tau_pt"]
    taus, columns = shifted.take(slice(None))
    feature = next(each for each in shifted.table.features("tau") if each.name == "tau_pt")
    constants = feature.scaling["inner"]
    values = taus.tau[columns["label"] == 1, shifted.table.features("tau").index(feature)] * constants.std + constants.mean
    whole = pt.histogram["data", :].values(flow=True)
    assert whole.sum() == len(values)
    assert whole[1:-1] == pytest.approx(np.histogram(values, pt.histogram.axes[1].edges)[0], abs=1)
    assert pt.histogram["MC", :].values(flow=True).sum() == pytest.approx(len(values))


def test_ranking_has_the_same_order(shifted):
    found = input_distributions(shifted, most_rows=200)
    table = ranking(found)
    assert table["feature"].tolist() == [each.name for each in found]
    assert (table["values of data"] >= 20).all()
    assert (np.diff(table["distance"] - table["by chance"]) <= 1e-12).all()


def test_other_sets_are_refused(sets, tmp_path):
    with pytest.raises(InputError, match="adversarial"):
        input_distributions(ShardSet.open(sets.test))
    data = ShardSet.open(sets.control)
    with pytest.raises(InputError, match="both are needed"):
        input_distributions(data, most_rows=0)
