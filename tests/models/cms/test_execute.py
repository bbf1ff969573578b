import numpy as np
from cms_graphs import write_network
from network_batches import random_inputs

from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.parts import read_graphs


def test_empty_cells_share_one_output(model, tmp_path):
    graphs = read_graphs(**write_network(model, tmp_path))
    sparse, dense = (FrozenTagger(graphs, model.network, every_cell=every_cell) for every_cell in (False, True))
    for filled in (None, {"inner": 0, "outer": 0}):
        inputs = random_inputs(model.network, 20, filled=filled)
        np.testing.assert_allclose(sparse(inputs), dense(inputs), rtol=0, atol=2e-6)
        np.testing.assert_allclose(sparse(inputs), model(inputs), rtol=0, atol=5e-6)
