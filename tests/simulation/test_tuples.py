import awkward as ak
import numpy as np
import pytest

from TauAdv.simulation.reconstruction.labels import GENERATOR_BRANCHES, hide_generator
from TauAdv.simulation.reconstruction.surrogate import WEIGHTS, surrogate_columns
from TauAdv.simulation.settings import DetectorSettings
from TauAdv.simulation.tuples import simulate_events
from TauAdv.tuples.matching import TauType
from TauAdv.tuples.schema import SCHEMA, branch


@pytest.fixture(scope="module")
def table(events, library):
    number = int(events[0]["event"][-1]) + 1
    return simulate_events(events, number, library, DetectorSettings(), np.random.default_rng(7))


def test_branches_follow_the_schema(table):
    unknown = set(table) - set(SCHEMA)
    assert unknown == {"event", "sim_genDecayMode"}
    for name in set(table) & set(SCHEMA):
        assert isinstance(table[name], ak.Array) == SCHEMA[name].jagged, name


def test_values_are_finite_and_sensible(table):
    for name, values in table.items():
        flat = ak.to_numpy(ak.flatten(values)) if isinstance(values, ak.Array) else values
        assert np.isfinite(flat.astype(float)).all(), name
    assert (table["tau_pt"] > 20).all()
    assert (np.abs(table["tau_eta"]) < 2.3).all()
    assert set(table["tau_decayMode"]) <= {0, 1, 10, 11}
    assert (table["tau_index"] >= 0).all()
    assert set(ak.to_numpy(ak.flatten(table["pfCand_particleType"]))) <= {1, 2, 3, 4, 5}


def test_one_leading_candidate_and_the_prongs_of_the_decay_mode(table):
    assert ak.all(ak.sum(table["pfCand_tauLeadChargedHadrCand"], axis=1) == 1)
    prongs = ak.sum((table["pfCand_tauSignal"] == 1) & (table["pfCand_charge"] != 0), axis=1)
    assert (ak.to_numpy(prongs) >= np.where(table["tau_decayMode"] < 10, 1, 3)).all()  # strips may hold electrons


def test_three_prong_vertices(table):
    three = table["tau_decayMode"] >= 10
    assert three.any()
    np.testing.assert_array_equal(table["tau_hasSecondaryVertex"], three)
    assert (table["tau_flightLength_x"][three] != 0).all()
    assert (table["tau_flightLength_sig"][~three] == np.float64(-9.9)).all()


def test_true_taus_are_found(table):
    taus = table["tauType"] == TauType.TAU
    assert taus.sum() > 8
    ratio = table["tau_pt"][taus] / table["genLepton_vis_pt"][taus]
    assert np.median(ratio) == pytest.approx(1, abs=0.1)


def test_no_generator_information_in_data(table):
    hidden = hide_generator(table)
    for name in GENERATOR_BRANCHES:
        np.testing.assert_array_equal(hidden[name], branch(name).absent, err_msg=name)
    assert set(hidden["tauType"]) == {-1}
    assert set(hidden["sampleType"]) == {0}
    assert set(hidden["sim_genDecayMode"]) == {-1}


def test_surrogates_are_between_0_and_1(table):
    for score in ("VSjet", "VSe", "VSmu"):
        values = table[f"tau_byDeepTau2017v2p1{score}raw"]
        assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize(
    ("score", "name"), [("VSjet", "charged_isolation"), ("VSe", "electron_share"), ("VSmu", "muon_share")]
)
def test_surrogates_fall_with_what_they_are_against(score, name):
    names = {name for weights in WEIGHTS.values() for name in weights} | {"log_pt"}
    inputs = {key: np.zeros(3) for key in names}
    inputs[name] = np.array([0.0, 0.5, 1.0])
    values = surrogate_columns(inputs)[f"tau_byDeepTau2017v2p1{score}raw"]
    assert (np.diff(values) < 0).all()


def test_more_pileup_means_more_density(events, library):
    number = int(events[0]["event"][-1]) + 1
    rho = [
        simulate_events(events, number, library, DetectorSettings(pileup=mean), np.random.default_rng(7))["rho"].mean()
        for mean in (5, 30)
    ]
    assert rho[1] > 2 * rho[0]
