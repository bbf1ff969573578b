import pytest

from TauAdv.models.deeptau.network import build_adversarial
from TauAdv.models.deeptau.settings import load_network


@pytest.fixture(scope="session")
def v2p5_adversarial():
    return build_adversarial(load_network("deeptau_v2p5"))
