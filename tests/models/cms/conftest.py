import pytest
from cms_graphs import TF1, TF2, random_model, small_network, write_network


@pytest.fixture(scope="session")
def model():
    """A small classifier with random weights."""
    return random_model(small_network())


@pytest.fixture(scope="session", params=[TF2, TF1])
def dialect(request):
    return request.param


@pytest.fixture(scope="session")
def graph_files(model, dialect, tmp_path_factory):
    """Its graphs in one of the dialects."""
    return write_network(model, tmp_path_factory.mktemp("graphs"), dialect)
