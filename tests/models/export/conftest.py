import pytest
from cms_graphs import random_model, small_network


@pytest.fixture(scope="session")
def model():
    """A small classifier with random weights."""
    return random_model(small_network())


@pytest.fixture(scope="session")
def model_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    model.save(path)
    return path
