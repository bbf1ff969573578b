"""Types of rows, by name and by table."""

import awkward as ak
import numpy as np
import pytest

import TauAdv as ta
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


def test_dz_of_taus_is_read_back_from_their_features(repository):
    """What prediction tables carry of the tuples, although shards have no column of it."""
    table = FeatureTable.load("deeptau_v2p5")
    arrays = next(iter(ta.tuples(repository / "tests/data/sample").iterate(table.branches, step_size=300)))
    inputs = ROW_TYPES["taus"].from_arrays(table, arrays).as_inputs()
    found = ROW_TYPES["taus"].physical(table, inputs)
    assert list(found) == ["tau_dz"]
    true = ak.to_numpy(arrays["tau_dz"])
    np.testing.assert_allclose(found["tau_dz"], true, rtol=0, atol=2e-7)
    assert len(np.unique(true)) > 100


def test_a_table_without_dz_gives_no_physical_values(tmp_path):
    text = FeatureTable.load("deeptau_v2p5").dump()
    without = FeatureTable.from_text(text.replace("tau_dz: {kind", "tau_dz: {value: 2 * tau_dz, kind"), "own")
    assert ROW_TYPES["taus"].physical(without, {"tau": np.zeros((3, 43), np.float32)}) == {}
    jets = ROW_TYPES["jets"]
    assert jets.physical(None, {"x": np.zeros((3, 2))}) == {}
