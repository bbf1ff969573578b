import numpy as np
import pytest
from cms_graphs import write_network
from network_batches import random_inputs

from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.parts import read_graphs


@pytest.mark.parametrize("filled", [None, {"inner": 0, "outer": 0}])
def test_empty_cells_share_one_output(model, filled, tmp_path):
    graphs, inputs = read_graphs(**write_network(model, tmp_path)), random_inputs(model.network, 20, filled=filled)
    scores = FrozenTagger(graphs, model.network)(inputs)
    np.testing.assert_allclose(scores, FrozenTagger(graphs, model.network, every_cell=True)(inputs), rtol=0, atol=2e-6)
    np.testing.assert_allclose(scores, model(inputs), rtol=0, atol=5e-6)
