"""Small sets of synthetic taus and a small network with the inputs of DeepTau."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.shards.files import new_part
from TauAdv.shards.store import STEP
from TauAdv.shards.tau.packing import PackLayout, pack

NETWORK = """
name: test
dropout: {dropout}
normalisation: {{momentum: 0.9, epsilon: 0.001}}
tau: {{n_features: 43, widths: [{width}]}}
components:
  all_objects: {{n_features: 188, widths: [4]}}
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


def write_shards(
    folder: Path,
    kind: str,
    n: int,
    seed: int,
    table: FeatureTable | None = None,
    data: float = 0.5,
    change: Callable[[SparseTaus, dict[str, np.ndarray]], None] | None = None,
    **more_settings: object,
) -> Path:
    """A set of ``n`` taus in two chunks; ``change`` may edit taus and columns in place."""
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
    if change is not None:
        change(taus, columns)
    folder.mkdir()
    half = n // 2
    with new_part(folder, "0000", layout) as part:
        for rows in (np.arange(half), np.arange(half, n)):
            part.write(pack(taus.take(rows), layout), {name: values[rows] for name, values in columns.items()})
    write_manifest(
        folder,
        step=STEP,
        settings={"seed": seed, "contributions": {"0": "DYT", "1": "data"}, **more_settings},
        kind=kind,
        feature_table={"name": table.name, "digest": table.digest, "text": table.dump()},
        parts=[{"name": "0000", "chunks": [half, n - half]}],
        files=part.files,
    )
    return folder


def changed_table() -> FeatureTable:
    """The feature table of DeepTau with another scaling of one feature."""
    text = FeatureTable.load("deeptau_v2p5").dump()
    before, separator, after = text.rpartition("scaling: [1.0, 1.0]")
    assert separator
    text = f"{before}scaling: [1.0, 2.0]{after}".replace("name: deeptau_v2p5", "name: changed", 1)
    return FeatureTable.from_text(text)
