import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.simulation.quantities import QUANTITIES
from TauAdv.simulation.validation import CLASSES, class_histograms, load_candidates, sanity_figures, separation
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow

SIMULATED = ("DYtautau", "DYmumu", "DYee", "TT", "WJets", "QCD")


@pytest.fixture(scope="module")
def nominal_files(tmp_path_factory, request):
    sample = request.config.rootpath / "tests/data/sample"
    listed = tmp_path_factory.mktemp("list") / "nominal.txt"
    listed.write_text("".join(f"{sample / name}.root\n" for name in SIMULATED))
    return listed


@pytest.fixture(scope="module")
def nominal(nominal_files):
    return load_candidates(nominal_files)


def test_histograms_count_every_candidate_of_a_class(nominal, repository):
    shifted = load_candidates(repository / "tests/data/sample/pseudodata.root")
    histograms = class_histograms(nominal, shifted)
    eta = {h.name: h for h in histograms if h.quantity.name == "tau_eta"}
    assert set(eta) == set(CLASSES)
    for name, process in (("tau", 0), ("jet", 5)):
        label = {"tau": 2, "jet": 3}[name]
        for counts, table in ((eta[name].nominal, nominal), (eta[name].shifted, shifted)):
            assert counts.sum() == ((table["sim_trueType"] == label) & (table["sim_process"] == process)).sum()
    assert len({quantity.name for quantity in QUANTITIES}) == len(QUANTITIES)


def test_sanity_figures_of_the_sample(nominal, nominal_files):
    figures = {figure.name: figure for figure in sanity_figures(nominal, nominal_files)}

    def agrees(name, value, tolerance):
        return abs(figures[name].measured - value) < tolerance + 4 * figures[name].error

    # values of the simulation specification; tolerances for what differs from its prototype
    assert agrees("hadronic branching ratio", 0.65, 0.0)
    assert agrees("HPS efficiency, gen pT > 20 GeV", 0.77, 0.03)
    for mode, share in ((0, 0.23), (1, 0.54), (10, 0.15), (11, 0.08)):
        assert agrees(f"true taus reconstructed in mode {mode}", share, 0.03)
    assert agrees("pT response, h found as h", 0.99, 0.03)
    assert agrees("AUC tau against jet (boosted trees)", 0.985, 0.015)
    for lepton in ("e", "mu"):  # not trivially separable
        assert 0.95 < figures[f"AUC tau against {lepton} (boosted trees)"].measured < 0.9999


def test_separation():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((600, 2)), rng.standard_normal((600, 2))
    area, error = separation(first, second)
    assert abs(area - 0.5) < 5 * error
    assert separation(first, second + 3)[0] > 0.95


def test_files_that_the_simulation_did_not_make(tmp_path):
    with TupleWriter(tmp_path / "other.root") as writer:
        writer.extend({"tau_pt": np.ones(3)})
    with pytest.raises(InputError, match="sim_trueType"):
        load_candidates(tmp_path / "other.root")
