"""Skim, event drop and mixing as one writes them with ROOT: what the package is compared with (``root`` wheel, optional).

The ways of TauMLTools, written again: the skim is an RDataFrame with a compiled match and selection; event drop and mixing
are loops over entries in Python that fill a cloned tree. Each function is a job of ``apart.py``. ROOT is imported first
thing, so that its start is not in the figures; the compilation of a selection is, as in every run of a script.
"""

from __future__ import annotations

import importlib.util
import warnings
from array import array
from pathlib import Path

INSTALLED = importlib.util.find_spec("ROOT") is not None
LZMA, LZ4 = 2, 404  # ROOT's numbers: of an algorithm, and of an algorithm with its level
if INSTALLED:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ROOT

    ROOT.EnableThreadSafety()
    ROOT.RDataFrame(1).Count().GetValue()  # starts the interpreter

MATCH = """
int bench_tau_type(int sample, int lepton, int kind, float pt, float eta, float phi, int jet, float tau_eta, float tau_phi) {
  static const int simulated[] = {-1, 0, 1, 0, 1, 2, 3}, embedded[] = {-1, -9, -9, 4, 5, 6, 7};
  int match = jet >= 0 ? 6 : 0;
  if (lepton >= 0) {
    double d_phi = double(phi) - double(tau_phi), d_eta = double(eta) - double(tau_eta);
    if (d_phi > M_PI) d_phi -= 2 * M_PI;
    if (d_phi <= -M_PI) d_phi += 2 * M_PI;
    const bool near = std::sqrt(d_phi * d_phi + d_eta * d_eta) <= 0.2;
    match = near && pt >= (kind == 5 ? 15.f : 8.f) ? kind : 0;
  }
  if (sample == 0) return match == 6 ? 8 : -1;
  return sample == 1 ? simulated[match] : embedded[match];
}
"""
MATCHED = (
    "bench_tau_type(sampleType, genLepton_index, genLepton_kind, genLepton_vis_pt, genLepton_vis_eta, genLepton_vis_phi,"
    " genJet_index, tau_eta, tau_phi)"
)


def skim(source: str, output: str, selection: str) -> None:
    """Redefine the label, keep what passes, write every branch with LZMA 9."""
    ROOT.gInterpreter.Declare(MATCH)
    options = ROOT.RDF.RSnapshotOptions()
    options.fCompressionAlgorithm, options.fCompressionLevel = LZMA, 9
    taus = ROOT.RDataFrame("taus", source).Redefine("mytauType", MATCHED).Filter(selection)
    taus.Snapshot("taus", output, "", options)


def drop(source: str, target: str, output: str) -> None:
    """Keep each tau with the probability of its pt bin; the first pass fills the spectrum of the whole file."""
    file, wanted_file = ROOT.TFile(source), ROOT.TFile(target)
    tree, wanted = file.Get("taus"), wanted_file.Get("mt_inclusive/EMB")
    observed = wanted.Clone("observed")
    observed.SetDirectory(ROOT.nullptr)
    observed.Reset()
    tree.SetBranchStatus("*", 0)
    tree.SetBranchStatus("tau_pt", 1)
    for entry in range(tree.GetEntries()):
        tree.GetEntry(entry)
        observed.Fill(tree.tau_pt)
    ratio = wanted.Clone("ratio")
    ratio.Divide(observed)
    ratio.Scale(1 / max(ratio.GetBinContent(i) for i in range(1, ratio.GetNbinsX() + 1)))
    tree.SetBranchStatus("*", 1)
    random = ROOT.TRandom3(4357)
    written = new_file(output)
    kept = tree.CloneTree(0)
    for entry in range(tree.GetEntries()):
        tree.GetEntry(entry)
        if random.Rndm() <= ratio.GetBinContent(ratio.FindBin(tree.tau_pt)):
            kept.Fill()
    finish(written, kept)


def mix(folder: str, output: str, batches: int) -> None:
    """Write batches of 50 taus of each file in file order, half of them to each of two outputs."""
    Path(output).mkdir(exist_ok=True)
    files = [ROOT.TFile(str(Path(folder) / f"{name}.root")) for name in "ab"]
    trees = [file.Get("taus") for file in files]
    for part, name in enumerate(("trainval", "evaluate")):
        number = array("Q", [0])  # numpy has no ULong64_t
        written = new_file(str(Path(output) / f"{name}.root"))
        mixed = trees[0].CloneTree(0)
        trees[0].CopyAddresses(trees[1])
        mixed.SetBranchAddress("dataset_id", number)
        for batch in range(part * batches // 2, (part + 1) * batches // 2):
            for number[0], tree in enumerate(trees):
                for entry in range(50 * batch, 50 * (batch + 1)):
                    tree.GetEntry(entry)
                    mixed.Fill()
        finish(written, mixed)
        trees[0].ResetBranchAddresses()
        trees[1].ResetBranchAddresses()


def new_file(path: str) -> object:
    """Return a new file with the compression of the original's outputs."""
    return ROOT.TFile(path, "RECREATE", "", LZ4)


def finish(file: object, tree: object) -> None:
    """Write the tree and close its file."""
    tree.SetName("taus")  # type: ignore[attr-defined]
    file.cd()  # type: ignore[attr-defined]
    tree.Write("", ROOT.TObject.kOverwrite)  # type: ignore[attr-defined]
    file.Close()  # type: ignore[attr-defined]
