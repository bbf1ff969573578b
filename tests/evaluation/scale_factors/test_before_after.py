"""Scale factors of a comparison, of tables whose answer is known."""

import numpy as np
import pytest
from control_region_inputs import control_table
from specification_region import CONTRIBUTIONS

from TauAdv.config import load_settings
from TauAdv.evaluation.measures.working_points import SHIPPED
from TauAdv.evaluation.performance.working_points import RunWorkingPointSettings
from TauAdv.evaluation.scale_factors.before_after import improvements, run_scale_factors, summaries
from TauAdv.evaluation.scale_factors.settings import ScaleFactorSettings

SETTINGS = ScaleFactorSettings(pt_edges=(20.0, 60.0, 1000.0))


def labelled_taus(seed=1):
    """Return the genuine taus of simulation in the control region of 4000, with the pT that the selection wants."""
    control = control_table(4000, seed=seed)
    taus = control[control["dataset_id"].isin([1, 2])].reset_index(drop=True)
    leptons = np.random.default_rng(3).uniform(0, 1e-3, (2, len(taus)))
    return taus.assign(y=2, tau_pt=40.0, tau_dz=0.0, p_e=leptons[0], p_mu=leptons[1])


def scale_factors(shift, seed=1, test=None):
    control = control_table(4000, seed=seed, shift=shift)
    return run_scale_factors(control, labelled_taus() if test is None else test, CONTRIBUTIONS, SETTINGS, name="run")


@pytest.fixture(scope="module")
def found():
    return {"nominal": [scale_factors(-0.6)], "adapted": [scale_factors(0.0, seed) for seed in (1, 2)]}


def test_working_points_have_their_efficiency_in_simulation(found):
    """Both are the same taus; at most 2 % fail what is required of e and mu when the points against jets are derived."""
    targets = load_settings(RunWorkingPointSettings, SHIPPED).targets["jet"]
    table = found["nominal"][0].table
    inclusive = table[table["inclusive"]].set_index("working_point")
    assert list(inclusive.index) == list(targets)
    for name, target in targets.items():
        assert inclusive.loc[name, "efficiency_simulation"] == pytest.approx(target, abs=0.02)
        assert inclusive.loc[name, "scale_factor"] < 1 - inclusive.loc[name, "error"] / 2


def test_numbers_before_and_after_are_those_of_the_tables(found):
    table = improvements(found)
    assert set(table["entry"]) == {"adapted"}
    assert set(table["runs"]) == {2}
    before, *after = [each.table for each in (*found["nominal"], *found["adapted"])]
    row = table.set_index("working_point").loc["Tight"]
    chosen = [each[(each["working_point"] == "Tight")] for each in (before, *after)]
    distances = [(each.loc[~each["inclusive"], "scale_factor"] - 1).abs().mean() for each in chosen]
    inclusive = [each.loc[each["inclusive"], "scale_factor"].iloc[0] for each in chosen]
    assert row["bins"] == 8
    assert row["distance_before"] == pytest.approx(distances[0])
    assert row["distance_after"] == pytest.approx(sum(distances[1:]) / 2)
    assert row["distance_after_spread"] == pytest.approx(abs(distances[1] - distances[2]) / 2**0.5)
    assert (row["inclusive_before"], row["inclusive_after"]) == pytest.approx((inclusive[0], sum(inclusive[1:]) / 2))
    assert abs(row["inclusive_after"] - 1) < 3 * row["inclusive_error_after"]


def test_what_got_nearer_and_what_got_worse(found):
    table = improvements(found)
    (nearer,) = summaries(table)
    assert nearer["distance_after"] == pytest.approx(table["distance_after"].mean())
    assert nearer["nearer"] == pytest.approx(1 - table["distance_after"].mean() / table["distance_before"].mean())
    assert nearer["nearer"] > 0.2
    (worse,) = summaries(improvements({"adapted": found["adapted"][:1], "nominal": found["nominal"]}))
    assert worse["nearer"] < 0
    assert "Tight" in worse["farther"]


def test_a_single_entry_is_before_and_after(found):
    table = improvements({"nominal": found["nominal"]})
    assert table["distance_before"].equals(table["distance_after"].rename("distance_before"))
    assert table["distance_after_spread"].isna().all()


def test_without_working_points_or_taus_the_reason_is_said(found):
    nothing = labelled_taus().assign(y=3)
    few = labelled_taus().assign(tau_pt=500.0)
    for test, words in ((nothing, "test set: no genuine taus"), (few, "genuine taus passes the selection")):
        result = scale_factors(0.0, test=test)
        assert words in result.reason
        assert result.table.empty
        assert improvements({"nominal": found["nominal"], "adapted": [result]}).empty
        assert summaries(improvements({"nominal": [result], "adapted": [result]})) == []
    rare = ScaleFactorSettings(min_expected=1e6)
    empty = run_scale_factors(control_table(200), labelled_taus(), CONTRIBUTIONS, rare, name="run")
    assert empty.reason.startswith("no bin gives a number; vs jet VVVLoose, decay mode 0")
