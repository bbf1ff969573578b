"""The official DeepTau 2018 v2p5 graphs: imported, executed, and written back node by node."""

import pytest
from tensorflow.core.framework.graph_pb2 import GraphDef

from TauAdv.models.cms.exporting import cell_graph, core_graph
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.deeptau.settings import load_network
from TauAdv.models.export.source import find_model
from TauAdv.models.layer_weights import layer_weights
from TauAdv.taggers.exporting import ExportSettings, export_model

pytestmark = pytest.mark.slow

VERSION = "deepTau_2018v2p5"


@pytest.fixture(scope="module")
def files(reference_data):
    folder = reference_data / "data" / VERSION
    return {part: folder / f"{VERSION}_{part}.pb" for part in ("inner", "outer", "core")}


@pytest.fixture(scope="module")
def imported(files):
    return import_cms_model(**files, name=VERSION, n_taus=200)


def official(path):
    graph = GraphDef()
    graph.ParseFromString(path.read_bytes())
    return graph


def test_all_constants_are_used_and_scores_are_equal(imported, files):
    resources = [node.name for path in files.values() for node in official(path).node if node.name.endswith("/resource")]
    assert imported.n_constants == len(resources)
    assert imported.dialect == "TF2-frozen"
    assert imported.comparison.largest_difference <= 2e-6


def test_network_is_the_shipped_one(imported):
    """Every width that follows from the rules of the specification is that of the official network."""
    found, shipped = imported.model.network, load_network("deeptau_v2p5")
    assert found.tau.widths == shipped.tau.layer_widths(shipped.dropout)
    assert list(found.components) == list(shipped.components)
    for name, component in found.components.items():
        assert component.n_features == shipped.components[name].n_features
        assert component.widths == shipped.component_widths(name)
    assert found.merge.widths == shipped.merge_widths()
    assert list(found.grids) == list(shipped.grids)
    for name, grid in found.grids.items():
        assert grid.n_cells == shipped.grids[name].n_cells
        assert grid.layers == shipped.grids[name].convolutions(shipped.merge_widths()[-1])
    assert (found.class_head, found.n_classes, found.normalisation) == (
        shipped.class_head,
        shipped.n_classes,
        shipped.normalisation,
    )


def test_written_graphs_are_the_official_ones_node_by_node(imported, files):
    network, weights = imported.model.network, layer_weights(imported.model, VERSION)
    written = {grid: cell_graph(weights, network, grid) for grid in network.grids}
    written["core"] = core_graph(weights, network)
    for part, path in files.items():
        expected = {node.name: node for node in official(path).node}
        received = {node.name: node for node in written[part].node}
        assert received.keys() == expected.keys()
        assert [name for name, node in received.items() if node != expected[name]] == []
        assert written[part].versions == official(path).versions


def test_onnx_gives_the_same_scores(imported, tmp_path):
    imported.model.save(tmp_path / "model.keras")
    settings = ExportSettings(format="onnx", features="deeptau_v2p5", n_taus=100)
    manifest = export_model(find_model(tmp_path / "model.keras"), tmp_path / "out", settings)
    for figures in manifest["comparison"].values():
        assert figures["relative_difference"] <= 1e-6
        assert figures["largest_difference"] <= 3e-6
