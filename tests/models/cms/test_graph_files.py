import numpy as np
import pytest
import tensorflow as tf
from cms_graphs import TF2, network_graphs, write_graphs
from tensorflow.core.framework.graph_pb2 import GraphDef

from TauAdv.errors import InputError
from TauAdv.models.cms.graph_files import read_graph
from TauAdv.models.cms.parts import read_graphs


def edited(model, change, part="core"):
    """The graphs of a model after ``change(nodes by name of one part)``."""
    graphs = network_graphs(model, TF2)
    change({node.name: node for node in graphs[part].node})
    return graphs


def set_value(node, value):
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum


def test_inputs_and_weights(graph_files, model, dialect):
    graph = read_graph(graph_files["core"])
    assert graph.placeholders == {"input_tau": (-1, 7), "input_inner": (-1, 5, 5, 8), "input_outer": (-1, 7, 7, 8)}
    biases = [value for name, value in graph.weights.items() if name.startswith("final_dense_last/") and value.ndim == 1]
    np.testing.assert_array_equal(biases, [model.get_layer("final_dense_last").bias.numpy()])


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_graph(tmp_path / "absent.pb")


@pytest.mark.parametrize("content", [b"", b"not a graph\n", b"PK\x03\x04" + bytes(200)])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "other.pb"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.pb"):
        read_graph(path)


def test_saved_model_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(InputError, match=r"saved_model\.pb"):
        read_graph(tmp_path / "saved_model.pb")


@pytest.mark.parametrize("part", ["inner", "core"])
@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated_files_are_refused(fraction, part, graph_files, tmp_path):
    files = dict(graph_files)
    content = files[part].read_bytes()
    files[part] = tmp_path / f"test_{part}.pb"
    files[part].write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(InputError, match=f"test_{part}.pb"):
        read_graphs(**files)


def test_file_cut_between_nodes_is_refused(model, tmp_path):
    graph = network_graphs(model, TF2)["core"]
    nodes = sorted(graph.node, key=lambda node: node.name)[10:]  # some are inputs of others
    write_graphs({"core": GraphDef(node=nodes)}, tmp_path)
    with pytest.raises(InputError, match=r"test_core.pb: \d+ nodes are missing"):
        read_graph(tmp_path / "test_core.pb")


def test_graph_with_variables_is_refused(model, tmp_path):
    def thaw(nodes):
        node = nodes["tau_dense_1/BiasAdd/ReadVariableOp/resource"]
        node.op = "VarHandleOp"
        node.attr.clear()

    files = write_graphs(edited(model, thaw), tmp_path)
    with pytest.raises(InputError, match="is a variable without a value; expected a frozen graph"):
        read_graph(files["core"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            np.array([1, np.nan, 3, np.inf], "f4"),
            "'final_dense_last/BiasAdd/ReadVariableOp/resource' has 2 values that are not",
        ),
        (np.zeros(4, "f2"), "is float16, expected float32"),
    ],
)
def test_bad_weights_are_refused(value, message, model, tmp_path):
    name = "final_dense_last/BiasAdd/ReadVariableOp/resource"
    files = write_graphs(edited(model, lambda nodes: set_value(nodes[name], value)), tmp_path)
    with pytest.raises(InputError, match=message):
        _ = read_graph(files["core"]).weights


def test_swapped_graphs_are_named(graph_files):
    swapped = {**graph_files, "inner": graph_files["outer"], "outer": graph_files["inner"]}
    with pytest.raises(InputError, match=r"given as the inner graph, but .* it is the outer graph"):
        read_graphs(**swapped)
    with pytest.raises(InputError, match=r"given as the core graph, but .* it is the inner graph"):
        read_graphs(**{**graph_files, "core": graph_files["inner"]})


def test_graph_of_another_network_is_refused(graph_files, tmp_path):
    graph = GraphDef()
    node = graph.node.add(op="Placeholder", name="jet_features")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    files = {**graph_files, **write_graphs({"core": graph}, tmp_path)}
    with pytest.raises(InputError, match=r"by its inputs \(jet_features\) it is of another network"):
        read_graphs(**files)


def test_versions_in_file_names_must_agree(graph_files, tmp_path):
    other = tmp_path / "deepTau_2017v2p6_core.pb"
    other.write_bytes(graph_files["core"].read_bytes())
    with pytest.raises(InputError, match="graphs of the versions deepTau_2017v2p6, test"):
        read_graphs(**{**graph_files, "core": other})
    unnamed = other.rename(tmp_path / "graph.pb")
    assert read_graphs(**{**graph_files, "core": unnamed}).core.path == unnamed
