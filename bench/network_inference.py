"""Inference of DeepTau v2p5 on one thread: ours beside CMS's frozen graphs as CMSSW runs them, and beside dense Keras.

CMSSW sends the filled cells and one empty cell through the cell graphs, a tau at a time; "batched" does so for all taus of a
batch together.

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

from TauAdv.models.cms.execute import FrozenTagger
from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.cms.parts import read_graphs
from TauAdv.models.comparison import compare_scores
from TauAdv.models.comparison import random_taus as random_sparse_taus
from TauAdv.models.conversion import with_grid_mode
from TauAdv.models.deeptau.network import TauTagger, build_classifier
from TauAdv.models.deeptau.settings import NetworkSettings, load_network
from TauAdv.models.folded.inference import folded_inference
from TauAdv.models.tagger import inference_function

VARIABLE, VERSION = "TAUADV_REFERENCE_DATA", "deepTau_2018v2p5"
BATCH, SGEMM_SIZE = 500, 1536
ALONE = 25  # taus that are computed one by one
GOALS = {  # of the folded network, by what it is compared with
    "8/25": {"cmssw batched": ">= 2", "cmssw": ">= 5", "dense": ">= 10"},
    "30/80": {"cmssw batched": "-", "cmssw": "-", "dense": ">= 3"},
}
PEERS = {"cmssw batched": "frozen graphs, filled cells, batched", "cmssw": "the same, tau by tau", "dense": "dense Keras"}

Compute = Callable[[Mapping[str, Any]], Any]


def one_thread() -> None:
    """Restrict TensorFlow to one thread; to be called before it computes anything."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def inference_rows(report: Report, quick: bool) -> None:
    """Add the rows of inference: speed on typical and busy taus, and the largest differences."""
    model, frozen = official_network()
    ours: dict[str, Compute] = {"sparse": plain(model), "folded": folded(model)}
    for occupancy in OCCUPANCIES:
        add_speed(report, model.network, ours, frozen, occupancy, 3 if quick else 9)
    add_differences(report, model, ours if frozen is None else ours | {"frozen": frozen}, 200 if quick else 2000)


def official_network() -> tuple[TauTagger, FrozenTagger | None]:
    """Return DeepTau v2p5 and its frozen graphs, filled cells alone; untrained and without graphs if there is no data."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        print(
            f"weights and frozen graphs of {VERSION} skipped: {VARIABLE} is not set (it names the folder that holds data/)"
        )
        return build_classifier(load_network("deeptau_v2p5")), None
    files = {part: Path(folder) / "data" / VERSION / f"{VERSION}_{part}.pb" for part in ("inner", "outer", "core")}
    model = import_cms_model(**files, n_taus=10).model
    return model, FrozenTagger(read_graphs(**files), model.network)


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
    report: Report,
    network: NetworkSettings,
    ours: Mapping[str, Compute],
    frozen: FrozenTagger | None,
    occupancy: str,
    repetitions: int,
) -> None:
    """Add a row for each peer, and for our network that is not folded, on taus of one occupancy."""
    filled = OCCUPANCIES[occupancy]
    batches = [random_taus(network, BATCH, filled, seed) for seed in range(repetitions + 1)]
    matrix = tf.random.stateless_normal((SGEMM_SIZE, SGEMM_SIZE), (1, 2))
    jobs = {name: every_batch(compute, batches) for name, compute in ours.items()}
    jobs |= peers(network, frozen, batches) | {"sgemm": lambda: tf.matmul(matrix, matrix).numpy()}
    times = interleaved(jobs, repetitions, clock=time.process_time)
    seconds = {name: time / (ALONE if name == "cmssw" else BATCH) for name, time in times.items()}
    flops = 2 * SGEMM_SIZE**3 / times["sgemm"]
    limit = flops / inference(network, filled)
    rows = [("folded", peer) for peer in PEERS if peer in seconds] + [("sparse", "dense")]
    for way, peer in rows:
        report.add(
            f"inference, {occupancy} filled cells, 1 thread: {'folded' if way == 'folded' else 'Keras layers'}",
            figure=f"{1 / seconds[way]:.0f} taus/s",
            baseline=f"{1 / seconds[peer]:.0f} taus/s ({PEERS[peer]})",
            ratio=seconds[peer] / seconds[way],
            goal=GOALS[occupancy][peer] if way == "folded" else "-",
            limit=f"{limit:.0f} taus/s ({1 / (seconds[way] * limit):.0%} reached)",
            cpu=f"{1e3 * seconds[way]:.2f} / {1e3 * seconds[peer]:.2f} ms a tau",
        )
    report.add(f"sgemm in the same run, load {os.getloadavg()[0]:.1f}", figure=f"{flops / 1e9:.0f} GFLOP/s")


def peers(network: NetworkSettings, frozen: FrozenTagger | None, batches: list[dict[str, Any]]) -> dict[str, Callable]:
    """Return the jobs of what we are compared with."""
    baseline = dense_keras(network)
    grids = {name: tf.constant(values) for name, values in dense_grids(network, batches[0]).items()}
    jobs: dict[str, Callable] = {"dense": lambda: baseline(grids)}
    if frozen is not None:
        alone = [single(network, batches[0], number) for number in range(ALONE)]
        jobs["cmssw batched"] = every_batch(frozen, batches)
        jobs["cmssw"] = lambda: [frozen(tau) for tau in alone]
    return jobs


def single(network: NetworkSettings, taus: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return one tau of a batch as a batch."""
    inputs = {"tau": taus["tau"][number : number + 1]}
    for grid in network.grids:
        own = taus[f"{grid}_index"][:, 0] == number
        inputs[f"{grid}_index"] = taus[f"{grid}_index"][own] * [0, 1, 1]
        inputs[f"{grid}_cells"] = taus[f"{grid}_cells"][own]
    return inputs


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
