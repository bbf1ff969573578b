"""Small sets of synthetic taus, a small network, and settings to train it in a few seconds."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from TauAdv.config import load_settings
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.outputs import write_manifest
from TauAdv.shards.files import PartWriter
from TauAdv.shards.packing import PackLayout, pack
from TauAdv.shards.store import STEP
from TauAdv.training.settings import AdversarialSettings, ClassifierSettings

NETWORK = """
name: test
dropout: {dropout}
normalisation: {{momentum: 0.9, epsilon: 0.001}}
tau: {{n_features: 43, widths: [{width}]}}
components:
  egamma: {{n_features: 86, widths: [4]}}
  muon: {{n_features: 64, widths: [3]}}
  hadrons: {{n_features: 38, widths: [4]}}
merge: {{widths: [5]}}
grids:
  inner: {{n_cells: 11, layers: [{{kernel: 11, width: 5}}]}}
  outer: {{n_cells: 21, layers: [{{kernel: 21, width: 5}}]}}
class_head: {{widths: [8]}}
adversarial_head: {{widths: [8]}}
grid_mode: sparse
n_empty_rows: 16
"""


def write_network(path: Path, dropout: float = 0.1, width: int = 6) -> Path:
    path.write_text(NETWORK.format(dropout=dropout, width=width))
    return path


def synthetic_taus(rng, label, layout: PackLayout, shift: float) -> SparseTaus:
    """Taus whose first features follow their label, and whose sixth the shift of data."""
    n = len(label)
    tau = rng.normal(size=(n, layout.layout.tau)).astype("f4")
    tau[np.arange(n), label] += 2
    tau[:, 5] += shift
    cells = {}
    start, stop = layout.objects[next(iter(layout.objects))]
    for grid, side in layout.layout.grids.items():
        index = np.argwhere(rng.random((n, side, side)) < 3 / side**2).astype("i4")
        values = np.zeros((len(index), layout.layout.cell), "f4")
        values[:, start:stop] = rng.normal(size=(len(index), stop - start))
        cells[grid] = CellBlock(index, values)
    return SparseTaus(tau, cells, layout.layout)


def write_shards(folder: Path, kind: str, n: int, seed: int, table: FeatureTable | None = None, data: float = 0.5) -> Path:
    """A set of ``n`` taus in two chunks."""
    table = table or FeatureTable.load("deeptau_v2p5")
    layout, rng = PackLayout.of(table), np.random.default_rng(seed)
    label = rng.integers(0, 4, n) if kind == "classification" else (rng.random(n) < data).astype(int)
    shift = 0.0 if kind == "classification" else 1.5 * label
    taus = synthetic_taus(rng, label if kind == "classification" else np.full(n, 2), layout, shift)
    number = np.arange(n)
    columns = {
        "run": number // 1000 + 1,
        "lumi": number // 100 + 1,
        "evt": number,
        "dataset_id": label,
        "tau_pt": rng.uniform(20, 100, n).astype("f4"),
        "tau_eta": rng.uniform(-2, 2, n).astype("f4"),
        "tau_decayMode": np.zeros(n, "i4"),
        "tauType": label,
        "label": label.astype("i1"),
        "weight": rng.uniform(0.5, 1.5, n).astype("f4"),
    }
    folder.mkdir()
    half = n // 2
    with PartWriter(folder, "0000", layout) as part:
        for rows in (np.arange(half), np.arange(half, n)):
            part.write(pack(taus.take(rows), layout), {name: values[rows] for name, values in columns.items()})
    write_manifest(
        folder,
        step=STEP,
        settings={"seed": seed},
        kind=kind,
        feature_table={"digest": table.digest, "text": table.dump()},
        parts=[{"name": "0000", "chunks": [half, n - half]}],
    )
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Folder with sets of shards and networks."""
    folder = tmp_path_factory.mktemp("training")
    write_shards(folder / "class", "classification", 160, 1)
    write_shards(folder / "class_val", "classification", 50, 2)
    write_shards(folder / "adv", "adversarial", 90, 3)
    write_shards(folder / "adv_val", "adversarial", 40, 4)
    write_network(folder / "network.yaml")
    write_network(folder / "still.yaml", dropout=0.0)
    return folder


def _settings(kind, data, mlruns, **changes):
    common = {"shards": data / "class", "network": str(data / "network.yaml"), "mlruns": mlruns, "n_tau": 32, "n_epochs": 2}
    if kind is AdversarialSettings:
        common |= {"adv_shards": data / "adv", "n_adv_tau": 20, "adv_parameter": [1, 2]}
    return load_settings(kind, None, {**common, **changes})


@pytest.fixture
def classifier_settings(data, tmp_path):
    """Return a function: changes -> settings of a classifier's training."""
    return partial(_settings, ClassifierSettings, data, tmp_path / "mlruns")


@pytest.fixture
def adversarial_settings(data, tmp_path):
    """Return a function: changes -> settings of an adversarial training."""
    return partial(_settings, AdversarialSettings, data, tmp_path / "mlruns")
