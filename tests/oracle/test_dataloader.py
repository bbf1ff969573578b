"""Rows, labels, weights and tensors of training sets against the reference data loader."""

import json

import numpy as np
import pytest

from TauAdv.shards.selection import Selection, select_taus, selection_branches
from TauAdv.shards.weights import PtWeights, SpectrumWeights, WeightBins
from TauAdv.tuples.reader import read

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

    def select(self) -> Selection:
        return select_taus(
            self.arrays(),
            self.types,
            vs_jet_cut=self.settings["DeepTauVSjet_cut"],
            recompute_tautype=self.settings["recompute_tautype"],
            include_mismatched=self.settings["include_mismatched"],
            adversarial=self.adversarial,
        )

    def arrays(self):
        names = [*selection_branches(include_mismatched=True), "evt", "dataset_id", "tau_pt"]
        return read(self.file, list(dict.fromkeys(names)))


@pytest.fixture(params=RUNS)
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
    selection = run.select()
    assert np.array_equal(selection.rows, run.expected["uncompress_index"])
    assert np.array_equal(np.asarray(run.arrays()["evt"])[selection.rows], run.expected["evt"])
    assert len(selection.rows) + sum(selection.losses.values()) == len(run.arrays())


def test_batches_of_the_reference_are_successive_taken_rows(run):
    """Each batch has the next n_tau taken rows and consumed the entries up to its last one; the last reads to the end."""
    rows, size = run.select().rows, run.settings["n_tau"]
    starts = np.arange(0, len(rows), size)
    filled = np.minimum(size, len(rows) - starts)
    ends = [*(rows[starts[1:] - 1] + 1), len(run.arrays())]
    assert np.array_equal(run.expected["batches"], np.stack([filled, np.diff([0, *ends])], axis=1))


def test_labels(run):
    label, expected = run.select().label, run.expected["y"]
    if run.adversarial:
        assert np.array_equal(label == 1, expected[:, 0] == 1)
        assert not expected[:, 1:].any()
    else:
        assert np.array_equal(np.eye(4, dtype=np.float32)[label] * (label >= 0)[:, None], expected)


def test_weight_histograms(oracle, spectrum_weights):
    expected = np.load(oracle / "expected/weights_th2d.npz")
    for name, ratio in spectrum_weights.ratio.items():
        assert np.array_equal(np.pad(ratio, 1), expected[name]), name
