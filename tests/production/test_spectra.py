from pathlib import Path

import numpy as np
import pytest
import uproot

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.spectra import EtaPtSettings, TargetSettings, make_eta_pt_spectra, make_targets, parse_processes
from TauAdv.shards.tau.weights import SpectrumWeights, WeightBins
from TauAdv.tuples.histograms import read_th1, read_th2
from TauAdv.tuples.matching import recompute_tau_type
from TauAdv.tuples.reader import read

CLASSES = ["e", "mu", "tau", "jet"]
STORED = EtaPtSettings(tau_type="mytauType")


def test_spectra_are_those_of_numpy(make_tuple, tmp_path):
    source = make_tuple("taus.root", 3000)
    manifest = make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED)
    table = {name: np.asarray(read(source)[name]).astype(np.float64) for name in ("tau_pt", "tau_eta", "mytauType")}
    for number, name in enumerate(CLASSES):
        own = table["mytauType"] == number
        expected = np.histogram2d(
            np.abs(table["tau_eta"][own]), table["tau_pt"][own], [np.linspace(0, 2.5, 26), np.linspace(20, 1000, 99)]
        )[0]
        spectrum = read_th2(tmp_path / "spectrum.root", f"eta_pt_hist_{name}")
        assert np.array_equal(spectrum.values(), expected)
        assert spectrum.values(flow=True).sum() == own.sum() == manifest["counts"][name]


def test_taus_on_edges_are_in_the_bin_above(make_tuple, tmp_path):
    pt = np.arange(20, 1011, 10, dtype=np.float32)  # the 99 edges of the 98 bins, and one beyond
    eta = np.where(np.arange(100) % 2, -2.4, 0.0).astype(np.float32)
    source = make_tuple("edges.root", 100, tau_pt=pt, tau_eta=eta, mytauType=np.full(100, 2, np.int32))
    make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED)
    spectrum = read_th2(tmp_path / "spectrum.root", "eta_pt_hist_tau")
    assert spectrum.values(flow=True).sum(axis=0).tolist() == [0] + [1] * 98 + [2]
    # 2.4 as float32 is 2.4000000954 and 25 * 2.4 / 2.5 = 24: bin 25
    assert spectrum.values(flow=True).sum(axis=1)[[1, 25]].tolist() == [50, 50]
    with uproot.open(tmp_path / "spectrum.root") as file:
        assert [len(file["eta_pt_hist_tau"].member(name).member("fXbins")) for name in ("fXaxis", "fYaxis")] == [0, 0]


def test_spectra_have_the_form_of_the_reference(oracle, make_tuple, tmp_path):
    make_eta_pt_spectra(make_tuple("taus.root"), tmp_path / "spectrum.root", STORED)
    with uproot.open(tmp_path / "spectrum.root") as ours, uproot.open(oracle / "input/spectrum_input.root") as theirs:
        assert ours.classnames() == theirs.classnames()
        for key in ours.classnames(cycle=False):
            for axis in (0, 1):
                assert ours[key].axis(axis).edges() == pytest.approx(theirs[key].axis(axis).edges(), abs=1e-9)


def test_type_is_recomputed_and_taus_selected(oracle, tmp_path):
    source = oracle / "input/raw_DY.root"
    make_eta_pt_spectra(source, tmp_path / "all.root", EtaPtSettings())
    table = read(source, ["tau_pt", "tau_eta", "genLepton_index", "genLepton_kind", "genLepton_vis_pt", "genLepton_vis_eta",
                          "genLepton_vis_phi", "genJet_index", "tau_phi", "sampleType"])  # fmt: skip
    types, counts = recompute_tau_type(table), read_manifest(tmp_path / "all.root")["counts"]
    expected = {name: int((types == number).sum()) for number, name in enumerate(CLASSES)}
    assert counts == expected | {"without match": int((types == -1).sum()), "other types": int((types > 3).sum())}
    assert sum(counts.values()) == len(table)
    make_eta_pt_spectra(source, tmp_path / "some.root", EtaPtSettings(selection="tau_pt > 50 && std::abs(tau_eta) < 1"))
    chosen = (np.asarray(table["tau_pt"]) > 50) & (np.abs(np.asarray(table["tau_eta"])) < 1)
    assert read_manifest(tmp_path / "some.root")["counts"]["tau"] == (types[chosen] == 2).sum() > 0


def test_the_reader_of_spectra_gets_equal_spectra(make_tuple, tmp_path):
    source = make_tuple("taus.root", 20_000, pfCand_pt=None)
    make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED)
    bins = WeightBins(pt=[20, 40, 60, 100], abs_eta=[0, 1, 2.5])
    weights = SpectrumWeights.from_files(
        tmp_path / "spectrum.root", tmp_path / "spectrum.root", CLASSES, bins, empty_bins="drop"
    )
    table = {name: np.asarray(read(source)[name]) for name in ("tau_pt", "tau_eta", "mytauType")}
    spectra = []
    for number, name in enumerate(CLASSES):
        own = (table["mytauType"] == number) & (table["tau_pt"] < 100) & (np.abs(table["tau_eta"]) < 2.5)
        pt, eta = table["tau_pt"][own], table["tau_eta"][own]
        weight = weights(name, pt, eta).astype(np.float64)
        spectra.append(np.histogram2d(np.abs(eta), pt, [[0, 1, 2.5], [20, 40, 60, 100]], weights=weight)[0])
    for spectrum in spectra:
        assert spectrum == pytest.approx(spectra[2], rel=1e-6)


def test_event_weights(make_tuple, tmp_path):
    weights = np.linspace(0, 2, 500).astype(np.float32)
    source = make_tuple("taus.root", 500, trainingWeight=weights, mytauType=np.full(500, 2, np.int32))
    make_eta_pt_spectra(source, tmp_path / "spectrum.root", EtaPtSettings(tau_type="mytauType", weights="trainingWeight"))
    spectrum = read_th2(tmp_path / "spectrum.root", "eta_pt_hist_tau")
    assert spectrum.values(flow=True).sum() == pytest.approx(weights.sum(dtype=np.float64))
    assert spectrum.variances(flow=True).sum() == pytest.approx((weights.astype(np.float64) ** 2).sum())


def test_targets(make_tuple, tmp_path):
    first, second = make_tuple("a.root", 300, seed=1), make_tuple("b.root", 200, seed=2)
    make_targets(
        {"mt_inclusive/EMB": first, "mt_inclusive/W": [first, second]}, tmp_path / "datacard.root", TargetSettings(scale=0.5)
    )
    pt = [np.asarray(read(source)["tau_pt"]) for source in (first, second)]
    for key, values in (("EMB", pt[0]), ("W", np.concatenate(pt))):
        target = read_th1(tmp_path / "datacard.root", f"mt_inclusive/{key}")
        bins = [-np.inf, *target.axes[0].edges, np.inf]
        assert np.array_equal(target.values(flow=True), np.histogram(values, bins)[0] / 2)
        assert target.variances(flow=True).sum() == pytest.approx(values.size / 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EtaPtSettings(), "lacks 7 of the branches"),
        (EtaPtSettings(tau_type="mytautype"), r"mytautype \(did you mean 'mytauType'\?\)"),
        (EtaPtSettings(tau_type="mytauType", selection="tau_pt >"), "selection"),
        (EtaPtSettings(tau_type="mytauType", selection="tau_pt > 1e9"), "none of 200 entries"),
        (EtaPtSettings(tau_type="mytauType", weights="tau_eta", selection="tau_pt > 0 || true_pt > 1"), "true_pt"),
    ],
)
def test_bad_spectra_write_nothing(make_tuple, tmp_path, nothing_written, settings, message):
    with pytest.raises(InputError, match=message):
        make_eta_pt_spectra(make_tuple("taus.root"), tmp_path / "spectrum.root", settings)
    nothing_written("spectrum.root")


def test_weights_that_are_not_finite(make_tuple, tmp_path, nothing_written):
    source = make_tuple(
        "taus.root", 4, trainingWeight=np.array([1, np.nan, 1, 1], np.float32), mytauType=np.full(4, 2, np.int32)
    )
    with pytest.raises(InputError, match=r"taus.root: trainingWeight: 1 of 4 event weights are not finite"):
        make_eta_pt_spectra(
            source, tmp_path / "spectrum.root", EtaPtSettings(tau_type="mytauType", weights="trainingWeight")
        )
    nothing_written("spectrum.root")


@pytest.mark.parametrize("branch", ["tau_pt", "tau_eta"])
def test_values_that_belong_into_no_bin(make_tuple, tmp_path, nothing_written, branch):
    values = np.array([30, np.nan, np.inf, 1], np.float32)
    source = make_tuple("taus.root", 4, mytauType=np.full(4, 2, np.int32), **{branch: values})
    with pytest.raises(InputError, match=rf"taus.root: {branch}: 2 of 4 values are not finite"):
        make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED)
    nothing_written("spectrum.root")
    selected = EtaPtSettings(tau_type="mytauType", selection=f"std::abs({branch}) < 1e6")
    assert make_eta_pt_spectra(source, tmp_path / "spectrum.root", selected)["counts"]["tau"] == 2


def test_negative_event_weights(make_tuple, tmp_path, run_script, capsys, nothing_written):
    source = make_tuple(
        "signed.root",
        4,
        tau_pt=np.array([33, 33, 42, -999], np.float32),
        genWeight=np.array([2, -3, 5, 1], np.float32),
        mytauType=np.full(4, 2, np.int32),
    )
    output = tmp_path / "out.root"
    for kind in (("--input", source, "--tau_type", "mytauType"), ("--target", f"mt/EMB={source}")):
        script = ("Production/make_spectra.py", *kind, "--weights", "genWeight", "--output", output, "--overwrite")
        with pytest.raises(SystemExit):
            run_script(*script)
        assert "signed.root: genWeight: 1 of 4 event weights are negative (-3)" in capsys.readouterr().err
        nothing_written("out.root")
        run_script(*script, "--allow-negative")
        key = "mt/EMB" if kind[0] == "--target" else "eta_pt_hist_tau"
        assert f"negative: 1 event weights, 1 tau_pt, 1 bins of {key}" in capsys.readouterr().out
        output.unlink()
        Path(f"{output}.manifest.json").unlink()


def test_target_without_taus(make_tuple, tmp_path, nothing_written):
    with pytest.raises(InputError, match=r"mt/EMB: no tau of .*taus.root \(200 entries\) passes the selection"):
        make_targets({"mt/EMB": make_tuple("taus.root")}, tmp_path / "datacard.root", TargetSettings(selection="tau_pt < 0"))
    nothing_written("datacard.root")


@pytest.mark.parametrize("texts", [["mt/EMB"], ["mt/EMB="], ["=file.root"], ["a=x", "a=y"]])
def test_bad_process(texts):
    with pytest.raises(InputError, match="for example mt_inclusive"):
        parse_processes(texts)


def test_rerun_skips(make_tuple, tmp_path):
    source = make_tuple("taus.root")
    first = make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED)
    assert make_eta_pt_spectra(source, tmp_path / "spectrum.root", STORED) == first
    with pytest.raises(OutputExistsError):
        make_eta_pt_spectra(source, tmp_path / "spectrum.root", EtaPtSettings(tau_type="tauType"))
    with pytest.raises(OutputExistsError, match="other step"):
        make_targets({"mt/EMB": source}, tmp_path / "spectrum.root", TargetSettings())


def test_script(make_tuple, tmp_path, run_script, capsys):
    source = make_tuple("taus.root")
    script, spectrum, datacard = "Production/make_spectra.py", tmp_path / "spectrum.root", tmp_path / "datacard.root"
    run_script(script, "--input", source, "--tau_type", "mytauType", "--sel", "tau_pt > 30", "--output", spectrum)
    run_script(script, "--target", f"mt_inclusive/EMB={source}", "--scale", "2", "--output", datacard)
    assert read_th1(datacard, "mt_inclusive/EMB").values(flow=True).sum() == 400
    assert f"{datacard}: mt_inclusive/EMB 200 taus" in capsys.readouterr().out
    for wrong in (["--input", source, "--scale", "2"], ["--target", f"a={source}", "--tau_type", "tauType"], []):
        with pytest.raises(SystemExit):
            run_script(script, *wrong, "--output", tmp_path / "wrong.root")


@pytest.mark.parametrize("weights", [[0, 0], [2, -2]])
def test_spectrum_that_sums_to_zero(weights, make_tuple, tmp_path, nothing_written):
    content = {"genWeight": np.array(weights, np.float32), "mytauType": np.full(2, 2, np.int32)}
    source = make_tuple("zero.root", 2, tau_pt=np.full(2, 45, np.float32), tau_eta=np.zeros(2, np.float32), **content)
    common = {"weights": "genWeight", "allow_negative": True}
    with pytest.raises(InputError, match=r"mt/EMB: .*zero\.root sums to 0, .*'genWeight'"):
        make_targets({"mt/EMB": source}, tmp_path / "out.root", TargetSettings(**common))
    with pytest.raises(InputError, match=r"zero\.root: the spectrum of tau sums to 0, .*'genWeight'"):
        make_eta_pt_spectra(source, tmp_path / "out.root", EtaPtSettings(tau_type="mytauType", **common))
    nothing_written("out.root")


@pytest.mark.parametrize(("key", "character"), [("r/p;1", ";"), ("r:s/p", ":")])
def test_key_that_cannot_be_read_back(key, character, make_tuple, tmp_path, nothing_written):
    with pytest.raises(InputError, match=f"target '{key}': .* cannot hold '{character}'"):
        parse_processes([f"{key}=taus.root"])
    with pytest.raises(InputError, match=f"cannot hold '{character}'"):
        make_targets({key: make_tuple("taus.root")}, tmp_path / "datacard.root", TargetSettings())
    nothing_written("datacard.root")
