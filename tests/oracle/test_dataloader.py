"""Rows, labels, weights and tensors of training sets against the reference data loader."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from TauAdv.shards.batching import Batches, PairedBatches
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.selection import Selection, select_taus, selection_branches
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.weights import PtWeights, SpectrumWeights, WeightBins
from TauAdv.shards.tau.writer import write_shards
from TauAdv.tuples.histograms import read_th1
from TauAdv.tuples.reader import read

pytestmark = pytest.mark.slow

CONTRIBUTIONS = {0: "data", 1: "DYT", 2: "TTT", 3: "DYM", 4: "TTJ", 5: "WJ", 6: "QCD"}
RUNS = ("dataloader_root", "dataloader_var", "dataloader_adv")


class Run:
    """A run of the reference data loader: its settings and what it returned."""

    def __init__(self, oracle, name):
        settings = json.loads((oracle / "settings.json").read_text())
        common = settings["common (values of training_v1.yaml)"]
        self.settings = common | settings[name]
        self.name = name
        self.file = oracle / self.settings["file"]
        self.expected = np.load(oracle / "expected" / f"{name}.npz")
        self.adversarial = self.settings["input_type"] == "AdversarialGenerate"
        self.types = {int(number): kind for number, kind in self.settings["tau_types_names"].items()}
        self.bins = WeightBins(pt=common["yaxis"], abs_eta=common["xaxis_list"])

    @cached_property
    def selection(self) -> Selection:
        return select_taus(
            self.arrays,
            self.types,
            vs_jet_cut=self.settings["DeepTauVSjet_cut"],
            recompute_tautype=self.settings["recompute_tautype"],
            include_mismatched=self.settings["include_mismatched"],
            adversarial=self.adversarial,
        )

    def shard_settings(self, oracle) -> ShardSettings:
        """Settings of this run for a set in the order of the tuple."""
        if self.adversarial:
            own = {"kind": "adversarial", "adversarial_weights": oracle / self.settings["adversarial_weights"]}
            own |= {"contributions": CONTRIBUTIONS}
        else:
            spectra = {
                name: oracle / f"input/spectrum_{name.split('_')[0]}.root" for name in ("input_spectrum", "target_spectrum")
            }
            own = {**spectra, "weight_bins": self.bins.model_dump(), "weight_thr": self.settings["weight_thr"]}
        names = (
            "DeepTauVSjet_cut",
            "recompute_tautype",
            "include_mismatched",
            "rm_inner_from_outer",
            "tau_types_names",
            "n_tau",
        )
        common = {name: self.settings[name] for name in names}
        return ShardSettings.model_validate(
            {key: str(value) if isinstance(value, Path) else value for key, value in own.items()}
            | common
            | {"shuffle": False}
        )

    @cached_property
    def arrays(self):
        names = [*selection_branches(include_mismatched=True), "evt", "dataset_id", "tau_pt"]
        return read(self.file, list(dict.fromkeys(names)))


@pytest.fixture(params=RUNS, scope="module")
def run(request, oracle):
    return Run(oracle, request.param)


@pytest.fixture(scope="module")
def spectrum_weights(oracle):
    settings = Run(oracle, "dataloader_root")
    return SpectrumWeights.from_files(
        oracle / "input/spectrum_input.root",
        oracle / "input/spectrum_target.root",
        list(settings.types.values()),
        settings.bins,
        threshold=settings.settings["weight_thr"],
    )


def test_default_weight_bins_are_those_of_the_reference(oracle):
    assert WeightBins() == Run(oracle, "dataloader_root").bins


def test_taken_rows(run):
    selection = run.selection
    assert np.array_equal(selection.rows, run.expected["uncompress_index"])
    assert np.array_equal(np.asarray(run.arrays["evt"])[selection.rows], run.expected["evt"])
    assert len(selection.rows) + sum(selection.losses.values()) == len(run.arrays)


def test_batches_of_the_reference_are_successive_taken_rows(run):
    """Each batch has the next n_tau taken rows and consumed the entries up to its last one; the last reads to the end."""
    rows, size = run.selection.rows, run.settings["n_tau"]
    starts = np.arange(0, len(rows), size)
    filled = np.minimum(size, len(rows) - starts)
    ends = [*(rows[starts[1:] - 1] + 1), len(run.arrays)]
    assert np.array_equal(run.expected["batches"], np.stack([filled, np.diff([0, *ends])], axis=1))


def test_labels(run):
    label, expected = run.selection.label, run.expected["y"]
    if run.adversarial:
        assert np.array_equal(label == 1, expected[:, 0] == 1)
        assert not expected[:, 1:].any()
    else:
        assert np.array_equal(np.eye(4, dtype=np.float32)[label] * (label >= 0)[:, None], expected)


def test_weight_histograms(oracle, spectrum_weights):
    expected = np.load(oracle / "expected/weights_th2d.npz")
    for name, ratio in spectrum_weights.ratio.items():
        assert np.array_equal(np.pad(ratio, 1), expected[name]), name


@pytest.fixture(scope="module")
def shards(oracle, tmp_path_factory):
    """Name of a run -> the set of shards made with its settings, in the order of the tuple."""
    made = {}
    for name in RUNS:
        run = Run(oracle, name)
        folder = tmp_path_factory.mktemp(name) / "shards"
        write_shards(run.file, folder, run.shard_settings(oracle))
        made[name] = ShardSet.open(folder)
    return made


def test_labels_weights_and_tensors_from_shards(run, shards):
    """What is read back from disk is the reference's, bit for bit."""
    taus, columns = shards[run.name].take(np.arange(shards[run.name].num_taus))
    expected = run.expected
    assert np.array_equal(columns["evt"], expected["evt"])
    assert np.array_equal(columns["weight"].view(np.uint32), expected["weight"].view(np.uint32))
    assert np.array_equal(columns["y"], expected["y"][:, : columns["y"].shape[1]])
    assert_same_bits(taus, expected)


def assert_same_bits(taus, expected):
    assert np.array_equal(taus.tau.view(np.uint32), expected["x_TauFlat"].view(np.uint32))
    for grid, block in taus.cells.items():
        for tensor, (start, stop) in taus.layout.tensors.items():
            name = f"{grid}_{tensor.removesuffix('s')}"  # the reference calls the tensor of hadrons 'hadron'
            values = block.values[:, start:stop]
            filled = values.any(axis=1)
            assert np.array_equal(block.index[filled], expected[f"{name}_cells"]), name
            assert np.array_equal(values[filled].view(np.uint32), expected[f"{name}_values"].view(np.uint32)), name


def test_adversarial_weights_are_the_histogram_contents(oracle, shards):
    """Also where the pt is beyond the first or last bin edge."""
    columns = shards["dataloader_adv"].columns(["dataset_id", "tau_pt", "weight"])
    weights = PtWeights.from_file(oracle / "input/adv_weights.root", CONTRIBUTIONS)
    for number, name in CONTRIBUTIONS.items():
        histogram = read_th1(oracle / "input/adv_weights.root", name)
        edges, contents = histogram.axes[0].edges, histogram.values(flow=True)
        beyond = np.array([edges[0] - 1, edges[-1], edges[0]])
        assert np.array_equal(weights(np.full(3, number), beyond), np.float32(contents[[0, -1, 1]]))
    assert np.array_equal(weights(columns["dataset_id"], columns["tau_pt"]), columns["weight"])


def test_paired_batches_hold_what_the_reference_generator_gives(oracle, shards):
    """Unshuffled, the batches have its rows, where it has them.

    It pads y and w with n_tau rows even if the adversarial part of its batch is smaller, and its adversarial batches end
    with the set, where ours go on with its beginning; only rows that it has are compared.
    """
    expected = np.load(oracle / "expected/adversarial_generator.npz")
    labelled, adversarial = shards["dataloader_root"], shards["dataloader_adv"]
    n_tau = Run(oracle, "dataloader_adv").settings["n_tau"]
    class_batches = Batches(labelled, n_tau, shuffle=False)
    adv_batches = Batches(adversarial, n_tau, shuffle=False)
    numbers = sorted({int(name[5:].split("_")[0]) for name in expected.files if "remains" not in name})
    assert numbers
    for number in numbers:
        get = {name: expected[f"batch{number}_{name}"] for name in ("y", "w", "y_adv", "w_adv", "x_TauFlat", "x_sums")}
        ours = class_batches(number), adv_batches(number % adv_batches.steps_per_epoch)
        rows = n_tau + len(ours[1]["tau"])
        assert len(get["x_TauFlat"]) == rows
        assert np.array_equal(np.concatenate([batch["tau"] for batch in ours]), get["x_TauFlat"])
        assert np.array_equal(ours[0]["y"], get["y"][:n_tau])
        assert np.array_equal(ours[0]["weight"], get["w"][:n_tau])
        assert np.array_equal(ours[1]["y_adv"], get["y_adv"][n_tau:])
        assert np.array_equal(ours[1]["weight_adv"], get["w_adv"][n_tau:, 0])
        sums = np.concatenate([tensor_sums(batch, labelled) for batch in ours], axis=1)
        np.testing.assert_allclose(sums, get["x_sums"], rtol=1e-9, atol=1e-9)
    paired = PairedBatches(labelled, adversarial, n_tau, n_tau, shuffle=False)(0)
    assert np.array_equal(paired["tau"], expected["batch0_x_TauFlat"])
    for ours_name, name in (("y", "y"), ("weight", "w"), ("y_adv", "y_adv")):
        assert np.array_equal(paired[ours_name], expected[f"batch0_{name}"])
    assert np.array_equal(paired["weight_adv"], expected["batch0_w_adv"][:, 0])
    rest = class_batches(len(numbers))
    assert np.array_equal(rest["y"], expected[f"batch{len(numbers)}_remains_y"])
    assert np.array_equal(rest["weight"], expected[f"batch{len(numbers)}_remains_w"])


def tensor_sums(batch, shards):
    """Return float64 [7, rows], the sum of each tensor over all but the row axis."""
    layout, rows = shards.layout.layout, len(batch["tau"])
    sums = [batch["tau"].sum(axis=1, dtype=np.float64)]
    for grid in layout.grids:
        tau, cells = batch[f"{grid}_index"][:, 0], batch[f"{grid}_cells"].astype(np.float64)
        sums += [np.bincount(tau, cells[:, start:stop].sum(axis=1), rows) for start, stop in layout.tensors.values()]
    return np.stack(sums)
