"""Histograms and curves to draw."""

from types import SimpleNamespace

import hist
import matplotlib
import numpy as np
import pytest
from figure_checks import looked_at

matplotlib.use("Agg")


@pytest.fixture(scope="session")
def contributions():
    return [
        SimpleNamespace(name="data", label="Data", color="black", data=True),
        SimpleNamespace(name="WJ", label="W+jets", color="tab:red", data=False),
        SimpleNamespace(name="DYT", label="genuine", color="tab:orange", data=False),
    ]


@pytest.fixture
def histogram(contributions):
    rng = np.random.default_rng(1)
    names = hist.axis.StrCategory([entry.name for entry in contributions], name="contribution")
    filled = hist.Hist(names, hist.axis.Regular(10, 0, 1, name="value", label="$D_{jet}$"), storage=hist.storage.Weight())
    filled.fill("data", rng.beta(3, 1, 300))
    filled.fill("WJ", rng.random(100), weight=0.5)
    filled.fill("DYT", rng.beta(3, 1, 250), weight=1.0)
    return filled


@pytest.fixture
def curve():
    def make(factor=1.0):
        efficiency = np.linspace(0.1, 0.99, 50)
        mis_id = factor * 0.1 * efficiency**3
        return SimpleNamespace(efficiency=efficiency, mis_id=mis_id, low=0.9 * mis_id, high=1.1 * mis_id)

    return make


@pytest.fixture(autouse=True)
def every_figure_is_looked_at():
    """No text overlaps another, leaves its panel or is too small, and no legend covers what is drawn."""
    with looked_at():
        yield
