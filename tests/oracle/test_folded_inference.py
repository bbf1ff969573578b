"""The official DeepTau 2018 v2p5 network: fast inference against the dense reference and against the frozen graphs."""

import numpy as np
import pytest

from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.parts import read_graphs
from TauAdv.models.comparison import random_taus
from TauAdv.models.conversion import with_grid_mode
from TauAdv.models.folded.inference import folded_inference
from TauAdv.models.tagger import inference_function

pytestmark = pytest.mark.slow

VERSION = "deepTau_2018v2p5"


@pytest.fixture(scope="module")
def files(reference_data):
    folder = reference_data / "data" / VERSION
    return {part: folder / f"{VERSION}_{part}.pb" for part in ("inner", "outer", "core")}


def test_scores(official_network, files):
    model = official_network
    inputs = random_taus(model.network, 150, seed=11)
    dense = inference_function(with_grid_mode(model, "dense"))(inputs).numpy()
    assert (inference_function(model)(inputs).numpy() == dense).all()
    folded = folded_inference(model)(inputs)["main_output"].numpy()
    assert np.abs(folded - dense).max() <= 2e-6
    frozen = FrozenTagger(read_graphs(**files), model.network)(inputs)
    assert np.abs(folded - frozen).max() <= 1e-5
