from dataclasses import dataclass

import numpy as np
import pytest

from TauAdv.plotting.simulation import write_page

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Quantity:
    name: str
    label: str
    edges: np.ndarray
    logarithmic: bool


@dataclass(frozen=True)
class Histogram:
    quantity: Quantity
    name: str
    process: str
    nominal: np.ndarray
    shifted: np.ndarray | None


@dataclass(frozen=True)
class Figure:
    name: str
    measured: float
    error: float
    asked: str


@pytest.mark.parametrize("logarithmic", [True, False])
@pytest.mark.parametrize("with_shift", [True, False])
def test_page(tmp_path, logarithmic, with_shift):
    quantity = Quantity("pt", "tau $p_T$ [GeV]", np.linspace(20, 60, 5), logarithmic)
    shifted = np.array([55, 30, 0, 4]) if with_shift else None
    histograms = [Histogram(quantity, name, "DYtautau", np.array([50, 30, 10, 0]), shifted) for name in ("tau", "jet")]
    page = write_page(histograms, [Figure("a < b", 0.5, 0.01, "0.6")], tmp_path)
    text = page.read_text()
    assert "a &lt; b" in text
    assert "0.500 ± 0.010" in text
    assert text.count("data:image/png;base64,") == 1
    assert 'href="pt.pdf"' in text
    for name in ("pt.png", "pt.pdf"):
        assert (tmp_path / name).stat().st_size > 1000
