"""Sets of shards and runs for the tests of the evaluation: random taus, untrained networks."""

import numpy as np
from specification_region import CONTRIBUTIONS

from TauAdv.domain.contributions.agreement import as_record
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.features.sparse import CellBlock, SparseTaus
from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import write_manifest
from TauAdv.models.deeptau.settings import load_network
from TauAdv.runs import start_run
from TauAdv.shards.files import new_part
from TauAdv.shards.store import STEP
from TauAdv.shards.tau.packing import PackLayout, pack

TABLE = "deeptau_v2p5"
TINY = [
    "tau.widths=[8]",
    *(f"components.{name}.widths=[4]" for name in ("egamma", "muon", "hadrons")),
    "merge.widths=[4]",
    "grids.inner.layers=[{kernel: 11, width: 4}]",
    "grids.outer.layers=[{kernel: 21, width: 4}]",
    "class_head.widths=[8]",
    "adversarial_head.widths=[8]",
    "n_empty_rows=8",
]


def tiny_network():
    """Settings of the smallest network of the family: quick to build, load and trace."""
    return load_network("deeptau_demo", TINY)


def small_comparison_settings():
    """Settings of a comparison that takes seconds."""
    from TauAdv.evaluation.adaptation.settings import ComparisonSettings

    return ComparisonSettings(bins=5, folds=2, head_folds=2, domain_rows=150, bootstrap=10, toys=50)


def random_taus(packing, count, rng, shift):
    layout = packing.layout
    cells = {}
    for grid, side in layout.grids.items():
        flat = [np.sort(rng.choice(side * side, rng.integers(1, 6), replace=False)) for _ in range(count)]
        index = np.concatenate([np.stack([np.full(len(f), i), f // side, f % side], axis=1) for i, f in enumerate(flat)])
        values = np.where(rng.random((len(index), layout.cell)) < 0.2, rng.normal(size=(len(index), layout.cell)), 0)
        for spans in packing.shared.values():  # the tau's own features are the same in all of its cells
            for start, stop in spans:
                values[:, start:stop] = index[:, :1] / count
        cells[grid] = CellBlock(index.astype(np.int32), values.astype(np.float32))
    return SparseTaus((rng.normal(size=(count, layout.tau)) + shift[:, None]).astype(np.float32), cells, layout)


def write_set(
    folder, kind, count, *, table=TABLE, seed=1, data_shift=0.0, chunk=64, manifest_digest=None, contributions=CONTRIBUTIONS
):
    """Write a set of random taus; data is shifted in the flat features, classes differ in them."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    table = FeatureTable.load(table)
    dataset_id = rng.choice([0, 1, 2, 3, 4, 5, 6], count, p=[0.5, 0.36, 0.02, 0.01, 0.01, 0.05, 0.05])
    label = (dataset_id == 0) if kind == "adversarial" else rng.integers(0, 4, count)
    shift = data_shift * (dataset_id == 0) if kind == "adversarial" else 0.3 * (label == 2)
    columns = {
        "run": np.full(count, 4_000_000_000, np.uint32),
        "lumi": np.arange(count, dtype=np.uint32),
        "evt": np.arange(count, dtype=np.uint64) + 2**63,
        "dataset_id": dataset_id,
        "tau_pt": rng.uniform(30, 100, count).astype(np.float32),
        "tau_eta": rng.uniform(-2.3, 2.3, count).astype(np.float32),
        "tau_decayMode": rng.choice([0, 1, 10, 11], count).astype(np.int32),
        "tauType": np.full(count, 2, np.int32),
        "label": label.astype(np.int8),
        "weight": np.where(dataset_id == 0, 1, rng.uniform(0.5, 1.5, count)).astype(np.float32),
    }
    layout = PackLayout.of(table)
    packed = pack(random_taus(layout, count, rng, np.asarray(shift)), layout)
    sizes = [min(chunk, count - start) for start in range(0, count, chunk)]
    with new_part(folder, "00000", layout) as writer:
        for start in range(0, count, chunk):
            rows = np.arange(start, min(start + chunk, count))
            writer.write(packed.take(rows), {name: values[rows] for name, values in columns.items()})
    feature_table = {"name": table.name, "digest": manifest_digest or table.digest, "text": table.dump()}
    parts = [{"name": "00000", "chunks": sizes}]
    more = {"kind": kind, "feature_table": feature_table, "parts": parts, "files": writer.files}
    if kind == "adversarial" and contributions is not None:
        more["contributions"] = as_record(contributions)
    write_manifest(folder, step=STEP, settings={}, **more)
    return folder


def write_run(mlruns, model, name, experiment="test"):
    """Make a run that holds a model and its feature table, as a training leaves it; return the run."""
    with start_run(mlruns, experiment, name) as run:
        (run.artifacts / "model").mkdir()
        model.save(run.artifacts / "model" / "model.keras")
        run.log_text(FeatureTable.load(TABLE).dump(), "input_cfg/features.yaml")
    return run


def write_run_of_tables(mlruns, table, experiment="tables", contributions=CONTRIBUTIONS):
    """Make a run that holds nothing but a prediction table; return the run."""
    with start_run(mlruns, experiment) as run:
        path = run.artifacts / "predictions" / "adversarial_evaluation.csv"
        path.parent.mkdir()
        more = {} if contributions is None else {"contributions": as_record(contributions)}
        write_table_file(path, table.to_csv, {"step": "apply_adversarial_training", "settings": {}, **more})
    return run
