import csv

import numpy as np
import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.jets.published import published_columns
from TauAdv.jets.schema import TARGET, JetTable

TABLE = JetTable.load()


def test_columns_are_those_of_the_published_table():
    published = published_columns()
    assert [column.name for column in TABLE.columns()] == list(published)
    assert [column.full_index for column in TABLE.columns()] == list(range(TABLE.num_columns))


def test_published_table_is_the_specification(reference_data):
    with (reference_data / "specs" / "jet_flavour_scalers.csv").open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    for name, column in published_columns().items():
        assert column.default == float(rows[name]["default"])
        assert column.mean == float(rows[name]["mean"])


def test_fixed_defaults_are_the_published_ones():
    published = published_columns()
    fixed = [column for column in TABLE.columns() if isinstance(column.variable.default, float)]
    assert {column.name: column.variable.default for column in fixed} == {c.name: published[c.name].default for c in fixed}
    assert len(fixed) < TABLE.num_columns


def test_defaults_below_the_minimum_of_real_values():
    published = published_columns()
    for column in TABLE.columns():
        rule = column.variable.default
        if not isinstance(rule, float):
            minimum = published[column.name].default + rule.below_minimum
            assert rule.value(minimum) == pytest.approx(published[column.name].default, abs=1e-15)
            assert rule.value(minimum) < minimum


def test_inputs_of_the_network():
    inputs = TABLE.inputs()
    jet, track = len(TABLE.jet) - 1, len(TABLE.track)
    expected = [*range(jet), *(jet + v * TABLE.max_tracks + t for v in range(track) for t in range(TABLE.input_tracks))]
    assert [column.input_index for column in inputs] == expected
    assert len(inputs) == jet + track * TABLE.input_tracks


def test_integers_and_the_target_are_not_perturbed():
    integers = [column.full_index for column in TABLE.columns() if column.variable.integer]
    n_tracks = len(TABLE.jet) + [v.name for v in TABLE.track].index("vertex_n_tracks") * TABLE.max_tracks
    assert integers == [2, 7, 12, 13, *range(n_tracks, n_tracks + TABLE.max_tracks)]
    for column in TABLE.columns():
        assert (column.variable.perturbation == 0) == column.variable.integer
    assert TABLE.columns()[TARGET].input_index == -1


def test_labels():
    np.testing.assert_array_equal(TABLE.labels(np.array([5, 4, 0, 7])), [0, 1, 2, -1])
    assert TABLE.class_names == ["b", "c", "udsg"]


def test_column_by_name():
    assert TABLE.column("track_3_Z0").track == 3
    with pytest.raises(InputError, match="did you mean 'jet_pt'"):
        TABLE.column("jet_pd")


def test_text_round_trip_and_digest():
    again = JetTable.from_text(TABLE.dump())
    assert again.digest == TABLE.digest
    assert again.dump() == TABLE.dump()
    relabelled = JetTable.from_text(TABLE.dump().replace('label: "jet $p_T$"', 'label: "pt"'))
    assert relabelled.digest == TABLE.digest
    other = JetTable.from_text(TABLE.dump().replace("{below_minimum: 1.0e-11}", "{below_minimum: 1.0e-12}"))
    assert other.digest != TABLE.digest


@pytest.mark.parametrize("n_tracks", [0, 34])
def test_wrong_number_of_tracks(n_tracks):
    with pytest.raises(ConfigError, match="expected 1 to 33"):
        TABLE.columns(n_tracks)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("systematic: 2.5", "systematics: 2.5", "did you mean 'systematic'"),
        ("name: jet_flavour", "name: [", "not valid YAML"),
        ("  flavor:", "  flavour:", "expected 'flavor'"),
        ("track:\n", "tracks:\n", "track: expected variables"),
    ],
)
def test_wrong_table(before, after, message):
    with pytest.raises(ConfigError, match=message):
        JetTable.from_text(TABLE.dump().replace(before, after, 1))


def test_missing_table(tmp_path):
    with pytest.raises(ConfigError, match="no such table"):
        JetTable.load(tmp_path / "none.yaml")
