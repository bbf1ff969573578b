"""Types of rows, by name and by table."""

import pytest

from TauAdv.errors import InputError
from TauAdv.features.table import FeatureTable
from TauAdv.shards.row_types import INPUT_NAMES, ROW_TYPES, differing_features, read_table, row_type


class _Jets(ROW_TYPES["jets"].table):
    """A table of jets without content."""

    def __init__(self) -> None:
        pass


def test_rows_of_a_newer_version_are_an_error():
    for ask in (lambda: row_type("hits", "set/manifest.json"), lambda: read_table("hits", "", "set/manifest.json")):
        with pytest.raises(InputError, match=r"^set/manifest\.json: rows of an unknown kind 'hits'; expected taus or jets"):
            ask()


def test_inputs_of_all_networks_are_known_and_of_one_type():
    assert sorted(INPUT_NAMES) == ["inner_cells", "inner_index", "outer_cells", "outer_index", "tau", "x"]
    assert {rows.singular for rows in ROW_TYPES.values()} == {"tau", "jet"}


def test_tables_of_different_rows_have_nothing_in_common():
    taus = FeatureTable.load("deeptau_v2p5")
    assert differing_features(taus, _Jets()) == "everything: one is of taus, the other of jets"
    assert differing_features(_Jets(), taus) == "everything: one is of jets, the other of taus"
