"""A network written as CMS graphs and read back is the network, bit for bit."""

import numpy as np
import pytest
from cms_graphs import random_model, small_network, told_by_graphs, weights_of
from network_batches import random_inputs

from TauAdv.models.cms.exporting import write_graphs
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.deeptau.settings import load_network
from TauAdv.models.layer_weights import layer_weights

pytestmark = pytest.mark.slow

STRIDED = {
    "inner": {"n_cells": 5, "layers": [{"kernel": 3, "stride": 2, "width": 6}, {"kernel": 2, "width": 5}]},
    "outer": {"n_cells": 7, "layers": [{"kernel": 3, "stride": 2, "width": 4}, {"kernel": 3, "width": 5}]},
}
NETWORKS = {
    "deeptau_v2p5": lambda: load_network("deeptau_v2p5"),
    "deeptau_demo": lambda: load_network("deeptau_demo"),
    "strided, no dropout": lambda: small_network(dropout=0.0, grids=STRIDED),
    "dense": lambda: small_network(grid_mode="dense"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_import_of_the_export_is_the_model(name, tmp_path):
    network = NETWORKS[name]()
    model = random_model(network)
    files = write_graphs(layer_weights(model, name), network, tmp_path, "written")
    back = import_cms_model(**files, dropout=network.dropout, n_taus=10).model
    assert told_by_graphs(back.network) == told_by_graphs(network)
    assert back.network.dropout == network.dropout
    expected, received = weights_of(model), weights_of(back)
    assert received.keys() == expected.keys()
    for layer, values in expected.items():
        for role, value in values.items():
            np.testing.assert_array_equal(received[layer][role], value, err_msg=f"{layer} {role}")
    if network.grid_mode == back.network.grid_mode:
        inputs = random_inputs(network, 5)
        np.testing.assert_array_equal(back(inputs, training=False), model(inputs, training=False))
