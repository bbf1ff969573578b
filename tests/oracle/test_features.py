"""Feature table, grids and extraction against the reference: every tensor bit for bit."""

import csv
import json
from itertools import pairwise

import awkward as ak
import numpy as np
import pytest

from TauAdv.features.extract import extract
from TauAdv.features.grids import cell_index
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.tuples.reader import read

RUNS = {"dataloader_root": {}, "dataloader_var": {"rm_inner_from_outer": True}, "dataloader_adv": {}}
# the reference calls the hadron tensor "hadron"
TENSORS = {"egamma": "egamma", "muon": "muon", "hadrons": "hadron"}


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    return FeatureTable.load("deeptau_v2p5")


@pytest.fixture(scope="module", params=RUNS)
def run(request, oracle, table) -> tuple[dict[str, np.ndarray], SparseTaus, ak.Array]:
    """The reference's arrays, ours, and the tuple rows they were made of."""
    settings = json.loads((oracle / "settings.json").read_text())[request.param]
    options = {key: settings[key] for key in ("rm_inner_from_outer",) if key in settings}
    assert options == RUNS[request.param]
    expected = dict(np.load(oracle / "expected" / f"{request.param}.npz"))
    rows = read(oracle / settings["file"], [*table.branches, "evt"])[expected["uncompress_index"]]
    return expected, extract(rows, table, **options), rows


def assert_same_bits(received: np.ndarray, expected: np.ndarray) -> None:
    """Compare bit patterns; what is not finite in the reference must be 0 here."""
    expected = np.where(np.isfinite(expected), expected, np.float32(0))
    assert received.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(received.view(np.uint32), expected.view(np.uint32))


def test_rows_are_the_reference_rows(run):
    expected, _, rows = run
    np.testing.assert_array_equal(np.asarray(rows.evt), expected["evt"])


def test_flat_features_bit_for_bit(run):
    expected, received, _ = run
    assert_same_bits(received.tau, expected["x_TauFlat"])


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("grid", ["inner", "outer"])
def test_cells_and_values_bit_for_bit(run, table, grid, tensor):
    expected, received, _ = run
    prefix = f"{grid}_{TENSORS[tensor]}"
    start, stop = table.layout.tensors[tensor]
    np.testing.assert_array_equal(received.cells[grid].index, expected[f"{prefix}_cells"])
    assert_same_bits(np.ascontiguousarray(received.cells[grid].values[:, start:stop]), expected[f"{prefix}_values"])
    shape = tuple(expected[f"{prefix}_shape"])
    assert shape == (len(received), *table.layout.shapes()[f"{grid}_{tensor}"])


def test_dense_tensor_bit_for_bit(run, table):
    expected, received, _ = run
    dense = np.zeros(expected["outer_hadron_shape"], np.float32)
    dense[tuple(expected["outer_hadron_cells"].astype(int).T)] = expected["outer_hadron_values"]
    assert_same_bits(received.dense("outer_hadrons"), dense)


def test_nothing_was_replaced(run):
    expected, received, _ = run
    names = [f"{grid}_{tensor}_values" for grid in ("inner", "outer") for tensor in TENSORS.values()]
    finite = all(np.isfinite(expected[name]).all() for name in ["x_TauFlat", *names])
    assert (not received.nonfinite) == finite


def test_chunks_give_the_same(run, table, request):
    _, received, rows = run
    options = RUNS[request.node.callspec.params["run"]]
    edges = [0, 1, len(rows) // 3, len(rows)]
    parts = [extract(rows[start:stop], table, **options) for start, stop in pairwise(edges)]
    together = SparseTaus.concatenate(parts)
    assert_same_bits(together.tau, received.tau)
    for grid, block in received.cells.items():
        assert isinstance(block, CellBlock)
        np.testing.assert_array_equal(together.cells[grid].index, block.index)
        assert_same_bits(together.cells[grid].values, block.values)


def test_cell_index_table(oracle, table):
    reference = np.load(oracle / "expected" / "cell_index_table.npz")
    grids = sorted({key.split("__")[0] for key in reference})
    geometries = set()
    for grid in grids:
        cells, size = grid.split("_")[1].split("x")
        geometries.add((int(cells), float(size)))
        eta_on, eta_index = cell_index(reference[f"{grid}__deta"], int(cells), float(size))
        phi_on, phi_index = cell_index(reference[f"{grid}__dphi"], int(cells), float(size))
        on_grid = eta_on & phi_on
        received = np.stack([on_grid, np.where(on_grid, eta_index, 0), np.where(on_grid, phi_index, 0)], axis=1)
        np.testing.assert_array_equal(received, reference[f"{grid}__ok_ieta_iphi"])
    assert {(grid.cells, grid.cell_size) for grid in table.grids.values()} <= geometries


def test_grids_are_those_of_the_reference(oracle, table):
    common = json.loads((oracle / "settings.json").read_text())["common (values of training_v1.yaml)"]
    for name, grid in table.grids.items():
        assert (grid.cells, grid.cell_size) == (common[f"n_{name}_cells"], common[f"{name}_cell_size"])
    assert table.grids["outer"].cone.evaluate(lambda name: pytest.fail(name), np.float64) == common["iso_cone"]


def test_feature_order(oracle, table):
    order = json.loads((oracle / "feature_order.json").read_text())
    assert [feature.name for feature in table.features("tau")] == order["TauFlat"]
    for block, names in order["cell_object_types"].items():
        assert [feature.name for feature in table.blocks[block].features] == names
    for tensor, name in TENSORS.items():
        assert [feature.path for feature in table.features(tensor)] == order["blocks"][name]


def test_scaling_constants(reference_data, table):
    with (reference_data / "specs" / "deeptau_v2p5_features.csv").open() as file:
        rows = list(csv.DictReader(file))
    features = {feature.path: feature for block in table.blocks.values() for feature in block.features}
    assert set(features) == {f"{row['block']}/{row['name']}" for row in rows}
    for row in rows:
        feature = features[f"{row['block']}/{row['name']}"]
        assert feature == table.blocks[row["block"]].features[int(row["index"])]
        assert feature.kind == row["kind"]
        for grid, scaling in feature.scaling.items():
            expected = [float(row[f"{grid}_{name}"]) for name in ("mean", "std", "min", "max")]
            assert [scaling.mean, scaling.std, scaling.low, scaling.high] == expected
