"""Inference of DeepTau v2p5 on one thread: every cell as in plain Keras and in CMS's graphs, filled cells, folded.

Times are CPU seconds of this process, every repetition on taus that no repetition had before (a new number of filled cells
costs a compilation). Largest differences are taken on random taus with grids from empty to busy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import tensorflow as tf
from dense_network import dense_network
from network_flops import inference
from report import Report, interleaved, options
from synthetic_taus import OCCUPANCIES, dense_grids, random_taus

from TauAdv.models.cms.compare import compare_scores
from TauAdv.models.cms.compare import random_taus as random_sparse_taus
from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.cms.parts import read_graphs
from TauAdv.models.conversion import with_grid_mode
from TauAdv.models.deeptau.network import TauTagger, build_classifier
from TauAdv.models.deeptau.settings import NetworkSettings, load_network
from TauAdv.models.folded.inference import folded_inference
from TauAdv.models.tagger import inference_function

VARIABLE, VERSION = "TAUADV_REFERENCE_DATA", "deepTau_2018v2p5"
BATCH, SGEMM_SIZE = 500, 1536
GOALS = {"8/25": 5.0, "30/80": 3.0}

Compute = Callable[[Mapping[str, Any]], Any]


def one_thread() -> None:
    """Restrict TensorFlow to one thread; to be called before it computes anything."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def inference_rows(report: Report, quick: bool) -> None:
    """Add the rows of inference: speed on typical and busy taus, and the largest differences."""
    model, frozen = official_network()
    ours: dict[str, Compute] = {"sparse": plain(model), "folded": folded(model)}
    ways = ours if frozen is None else ours | {"frozen": frozen}
    typical, busy = OCCUPANCIES
    add_speed(report, model.network, ways, typical, 3 if quick else 9)
    add_speed(report, model.network, ours, busy, 3 if quick else 9)  # every cell takes the time it took before
    add_differences(report, model, ways, 200 if quick else 2000)


def official_network() -> tuple[TauTagger, FrozenTagger | None]:
    """Return DeepTau v2p5 and its frozen graphs, every cell computed; untrained and without graphs if there is no data."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        print(
            f"weights and frozen graphs of {VERSION} skipped: {VARIABLE} is not set (it names the folder that holds data/)"
        )
        return build_classifier(load_network("deeptau_v2p5")), None
    files = {part: Path(folder) / "data" / VERSION / f"{VERSION}_{part}.pb" for part in ("inner", "outer", "core")}
    model = import_cms_model(**files, n_taus=10).model
    return model, FrozenTagger(read_graphs(**files), model.network, every_cell=True)


def plain(model: TauTagger) -> Compute:
    """Return the function that applies the Keras layers of a model as they are."""
    compute = inference_function(model)
    return lambda taus: compute(taus).numpy()


def folded(model: TauTagger) -> Compute:
    """Return the function that predictions are made with."""
    compute = folded_inference(model)
    return lambda taus: compute(taus)["main_output"].numpy()


def dense_keras(network: NetworkSettings) -> Compute:
    """Return the baseline, a plain Keras network on dense grids, with weights as initialised."""
    compute = tf.function(dense_network(network, with_adversary=False), reduce_retracing=True)
    return lambda grids: compute(grids, training=False)["main_output"].numpy()


def add_speed(
    report: Report, network: NetworkSettings, ways: Mapping[str, Compute], occupancy: str, repetitions: int
) -> None:
    """Add a row for each way to run the network on taus of one occupancy."""
    filled = OCCUPANCIES[occupancy]
    baseline = dense_keras(network)
    batches = [random_taus(network, BATCH, filled, seed) for seed in range(repetitions + 1)]
    jobs = {name: every_batch(compute, batches) for name, compute in ways.items()}
    grids = {name: tf.constant(values) for name, values in dense_grids(network, batches[0]).items()}
    matrix = tf.random.stateless_normal((SGEMM_SIZE, SGEMM_SIZE), (1, 2))
    jobs |= {"dense": lambda: baseline(grids), "sgemm": lambda: tf.matmul(matrix, matrix).numpy()}
    times = interleaved(jobs, repetitions, clock=time.process_time)
    rates = {name: BATCH / seconds for name, seconds in times.items()}
    flops = 2 * SGEMM_SIZE**3 / times["sgemm"]
    for name, title, goal in (
        ("folded", "filled cells, folded", f">= {GOALS[occupancy]:.0f}"),
        ("sparse", "filled cells, Keras layers", "-"),
        ("frozen", "frozen CMS graphs, every cell", "-"),
    ):
        if name not in rates:
            continue
        limit = flops / inference(network, None if name == "frozen" else filled)
        report.add(
            f"inference, {BATCH} taus, {occupancy} filled cells, 1 thread: {title}",
            figure=f"{rates[name]:.0f} taus/s",
            baseline=f"{rates['dense']:.0f} taus/s (dense Keras)",
            ratio=rates[name] / rates["dense"],
            goal=goal,
            limit=f"{limit:.0f} taus/s ({rates[name] / limit:.0%} reached)",
        )
    report.add(
        f"sgemm in the same run, load {os.getloadavg()[0]:.1f}",
        figure=f"{flops / 1e9:.0f} GFLOP/s",
        baseline=f"{rates['dense'] * inference(network, None) / 1e9:.0f} GFLOP/s (dense Keras)",
    )


def every_batch(compute: Compute, batches: list[dict[str, Any]]) -> Callable[[], Any]:
    """Return a job that computes the next batch whenever it runs."""
    coming = iter(batches)
    return lambda: compute(next(coming))


def add_differences(report: Report, model: TauTagger, ways: Mapping[str, Compute], n_taus: int) -> None:
    """Add the largest differences of scores from those of dense grids, and from the frozen graphs."""
    dense, draw = plain(with_grid_mode(model, "dense")), partial(random_sparse_taus, model.network)
    pairs = [("filled cells, Keras layers", "sparse", "dense", dense, "0"), ("folded", "folded", "dense", dense, "<= 2e-06")]
    if "frozen" in ways:
        pairs.append(("folded", "folded", "frozen graphs", ways["frozen"], "<= 1e-05"))
    for title, name, other, reference, goal in pairs:
        found = compare_scores(reference, lambda taus, name=name: ways[name](taus), draw, n_taus=n_taus)
        report.add(
            f"largest difference of a score, {n_taus} taus: {title}",
            figure=f"{found.largest_difference:.1e}",
            baseline=other,
            goal=goal,
        )


def main() -> None:
    """Measure and print."""
    chosen = options("Inference of DeepTau v2p5 on one thread.")
    one_thread()
    report = Report("Inference")
    inference_rows(report, chosen.quick)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
