import numpy as np
import pytest

from TauAdv.jets.defaults import computed_defaults, fixed_defaults, published_defaults
from TauAdv.jets.published import published_columns
from TauAdv.jets.schema import DefaultRule, JetTable

TABLE = JetTable.load()
COLUMNS = TABLE.columns()


def test_published_defaults_follow_the_rules_of_the_table():
    """Fixed ones are equal; the others plus delta give back a smallest value, which the dataset holds with six digits."""
    published = published_columns()
    kinds = {"fixed": 0, "rule": 0}
    for column in COLUMNS:
        rule, default = column.variable.default, published[column.name].default
        if isinstance(rule, DefaultRule):
            minimum = default + rule.below_minimum
            assert minimum == pytest.approx(float(f"{minimum:.6g}"), rel=1e-9, abs=1e-20), column.name
            kinds["rule"] += 1
        else:
            assert default == rule, column.name
            kinds["fixed"] += 1
    assert min(kinds.values()) > 0


def test_published_defaults_come_back_from_their_minima():
    published = published_defaults(COLUMNS)
    rules = [column.variable.default for column in COLUMNS]
    minimum = [
        default + rule.below_minimum if isinstance(rule, DefaultRule) else 0.0
        for rule, default in zip(rules, published.tolist(), strict=True)
    ]
    np.testing.assert_allclose(computed_defaults(COLUMNS, minimum), published, rtol=1e-7)


def test_computed_defaults_are_below_the_minimum_in_float32():
    """-393.904 - 1e-3 is another float32, but -1e6 - 1e-3 would not be: the next one below is taken."""
    columns = [TABLE.column("track_0_Z0"), TABLE.column("track_0_THETAPHI"), TABLE.column("track_0_D0D0")]
    minimum = np.float32([-1e6, 1.0, 0.5])
    default = computed_defaults(columns, minimum).astype(np.float32)
    assert (default[:2] < minimum[:2]).all()
    assert default[0] == np.nextafter(np.float32(-1e6), np.float32(-np.inf))
    assert default[2] == 0


def test_column_without_any_value():
    columns = [TABLE.column("track_5_D0")]
    np.testing.assert_allclose(computed_defaults(columns, [np.inf]), [-1e-3], rtol=1e-6)


def test_fixed_defaults_leave_rules_open():
    fixed = fixed_defaults([TABLE.column("jet_eta"), TABLE.column("track_0_D0")])
    assert fixed[0] == -3
    assert np.isnan(fixed[1])
