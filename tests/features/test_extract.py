import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.features.extract import extract
from TauAdv.features.table import FeatureTable

INNER_MIDDLE, OUTER_MIDDLE = 5, 10


def column(table: FeatureTable, path: str) -> int:
    """Position of a feature in the vector of a cell."""
    return [feature.path for feature in table.features("cell")].index(path)


def flat(taus, table: FeatureTable, name: str) -> np.ndarray:
    return taus.tau[:, [feature.name for feature in table.features("tau")].index(name)]


def test_zero_taus(make_taus, table):
    taus = extract(make_taus(1)[:0], table)
    assert taus.tau.shape == (0, 43)
    assert {grid: (block.index.shape, block.values.shape) for grid, block in taus.cells.items()} == {
        "inner": ((0, 3), (0, 188)),
        "outer": ((0, 3), (0, 188)),
    }


def test_taus_without_objects_have_no_cells(make_taus, table):
    taus = extract(make_taus(3, pfCand_pt=[[], [5.0], []], pfCand_particleType=[[], [1], []]), table)
    for block in taus.cells.values():
        np.testing.assert_array_equal(block.index[:, 0], [1])
    assert len(taus) == 3


def test_cells_of_objects(make_taus, table):
    taus = extract(
        make_taus(
            1,
            tau_eta=[1.0],
            tau_phi=[3.1],
            pfCand_pt=[[4.0, 8.0, 1.0, 2.0]],
            pfCand_eta=[[1.0, 1.021, 0.78, 1.6]],
            pfCand_phi=[[3.1, -3.1, 3.1, 3.1]],
            pfCand_particleType=[[1, 4, 1, 1]],
        ),
        table,
    )
    # the second is 0.083 away across pi, beyond half the width of the inner cone's 0.075 (3 / 40); the last is 0.6 away
    np.testing.assert_array_equal(taus.cells["inner"].index, [[0, INNER_MIDDLE, INNER_MIDDLE]])
    np.testing.assert_array_equal(
        taus.cells["outer"].index,
        [[0, OUTER_MIDDLE - 4, OUTER_MIDDLE], [0, OUTER_MIDDLE, OUTER_MIDDLE], [0, OUTER_MIDDLE, OUTER_MIDDLE + 2]],
    )


def test_highest_pt_of_each_type_fills_the_cell(make_taus, table):
    taus = extract(
        make_taus(
            1,
            rho=[30.0],
            pfCand_pt=[[4.0, 8.0, 8.0, 9.0, 20.0]],
            pfCand_particleType=[[1, 1, 1, 4, 6]],
            pfCand_charge=[[-1, 1, -1, 0, 0]],
        ),
        table,
    )
    for grid in ("inner", "outer"):
        (cell,) = taus.cells[grid].values
        rel_pt = next(f for f in table.blocks["PfCand_chHad"].features if f.key == "rel_pt").scaling[grid]
        expected = np.clip((np.float32(8 / 40) - np.float32(rel_pt.mean)) / np.float32(rel_pt.std), -5, 5)
        assert cell[column(table, "PfCand_chHad/pfCand_chHad_rel_pt")] == expected
        assert cell[column(table, "PfCand_chHad/pfCand_chHad_charge")] == 1  # of equal pt, the first
        assert cell[column(table, "PfCand_gamma/pfCand_gamma_valid")] == 1
        assert not cell[[i for i, f in enumerate(table.features("cell")) if f.block == "Muon"]].any()
        rho = [i for i, feature in enumerate(table.features("cell")) if feature.path == "GridGlobal/rho"]
        assert len(rho) == 3
        np.testing.assert_array_equal(cell[rho], np.float32(0.2))


def test_inner_objects_can_be_left_out_of_the_outer_grid(make_taus, table):
    arrays = make_taus(1, muon_pt=[[5.0, 3.0]], muon_eta=[[0.0, 0.3]])
    assert len(extract(arrays, table).cells["outer"]) == 2
    removed = extract(arrays, table, rm_inner_from_outer=True)
    np.testing.assert_array_equal(removed.cells["outer"].index, [[0, OUTER_MIDDLE + 6, OUTER_MIDDLE]])
    assert len(removed.cells["inner"]) == 1


def test_guards_leave_zero_after_scaling(make_taus, table):
    taus = extract(make_taus(2, tau_dxy=[-11.0, 0.5], tau_dxy_error=[0.1, 0.1], tau_e_ratio=[np.nan, 0.25]), table)
    np.testing.assert_array_equal(flat(taus, table, "tau_dxy_valid"), [0, 1])
    np.testing.assert_array_equal(flat(taus, table, "tau_dxy"), [0, 5])
    np.testing.assert_array_equal(flat(taus, table, "tau_e_ratio"), [0, -0.5])
    assert taus.nonfinite == {}


def test_decay_mode_truncates(make_taus, table):
    taus = extract(make_taus(4, tau_decayMode=[11, 1, -1, -(2**31)]), table)
    np.testing.assert_array_equal(flat(taus, table, "tau_n_charged_prongs"), np.array([2, 0, 0, -429496729], np.float32))
    np.testing.assert_array_equal(flat(taus, table, "tau_n_neutral_prongs"), [1, 1, -1, -3])


def test_non_finite_values_are_counted_and_zero(make_taus, table):
    arrays = make_taus(
        3,
        tau_dz=[np.nan, np.inf, 0.1],
        tau_chargedIsoPtSum=[1.0, 1.0, 1.0],
        tau_chargedIsoPtSumdR03=[np.inf, 0.5, 0.5],
        ele_pt=[[20.0], [], []],
        ele_cc_ele_energy=[[0.0], [], []],
    )
    taus = extract(arrays, table)
    np.testing.assert_array_equal(flat(taus, table, "tau_dz")[:2], [0, 5])
    np.testing.assert_array_equal(flat(taus, table, "tau_chargedIsoPtSumdR03_over_dR05"), [0, 0.5, 0.5])
    # 0/0 of the electron's cluster energies and its error, in both grids
    grid_counts = dict.fromkeys(("Electron/ele_cc_gamma_rel_energy", "Electron/ele_ecalEnergy_sig"), 2)
    assert taus.nonfinite == {"TauFlat/tau_dz": 1, "TauFlat/tau_chargedIsoPtSumdR03_over_dR05": 1, **grid_counts}
    assert all(np.isfinite(block.values).all() for block in taus.cells.values())


def test_photon_with_broken_vertex_keeps_the_flight_length(make_taus, table):
    arrays = make_taus(
        1,
        tau_flightLength_x=[0.3],
        pfCand_pt=[[5.0]],
        pfCand_particleType=[[4]],
        pfCand_vertex_x=[[9.0]],
        pfCand_vertex_z=[[np.inf]],
    )
    (cell,) = extract(arrays, table).cells["inner"].values
    assert cell[column(table, "PfCand_gamma/pfCand_gamma_vertex_dx")] == 0
    scaling = next(f for f in table.blocks["PfCand_gamma"].features if f.key == "vertex_dx_tauFL").scaling["inner"]
    expected = (np.float32(-0.3) - np.float32(scaling.mean)) / np.float32(scaling.std)
    assert cell[column(table, "PfCand_gamma/pfCand_gamma_vertex_dx_tauFL")] == expected


def test_eras(make_taus, table):
    lowest = float(np.finfo(np.float32).min)
    arrays = make_taus(1, ele_pt=[[20.0]], ele_mvaInput_sigmaEtaEta=[[lowest]], ele_mvaInput_earlyBrem=[[-(2**31)]])
    position = column(table, "Electron/ele_mvaInput_earlyBrem")
    assert extract(arrays, table).cells["inner"].values[0, position] == -(2.0**31)
    assert extract(arrays, table, era="phase2").cells["inner"].values[0, position] == 0
    with pytest.raises(ConfigError, match=r"unknown era 'phase_2' \(did you mean 'phase2'\?\); .*: run2, phase2"):
        extract(arrays, table, era="phase_2")


def test_all_missing_branches_are_listed(make_taus, table):
    arrays = make_taus(1)
    kept = [name for name in arrays.fields if name not in ("tau_pt", "muon_dxy")]
    with pytest.raises(InputError, match="2 branches that feature table deeptau_v2p5 reads are missing: muon_dxy, tau_pt"):
        extract(arrays[kept], table)


def test_unknown_particle_type(make_taus, table):
    arrays = make_taus(2, pfCand_pt=[[1.0], [2.0, 3.0]], pfCand_particleType=[[1], [2, 8]])
    with pytest.raises(InputError, match=r"pfCand_particleType = 8 in entry 1 .*expected one of 0, 1, 2"):
        extract(arrays, table)


def test_lengths_that_disagree(make_taus, table):
    arrays = make_taus(2, muon_pt=[[1.0], [2.0]])
    arrays = ak.with_field(arrays, ak.Array([[0.1], []]), "muon_dxy")
    with pytest.raises(InputError, match="branch muon_dxy has other lengths than muon_pt"):
        extract(arrays, table)


def test_rows_do_not_influence_each_other(make_taus, table):
    arrays = make_taus(
        3,
        tau_pt=[20.0, 40.0, 200.0],
        pfCand_pt=[[1.0, 2.0], [], [3.0]],
        pfCand_particleType=[[1, 5], [], [1]],
        pfCand_eta=[[0.07, 0.2], [], [0.07]],
    )
    together = extract(arrays, table)
    for row in range(3):
        alone, taken = extract(arrays[row : row + 1], table), together.take([row])
        np.testing.assert_array_equal(alone.tau, taken.tau)
        for grid, block in alone.cells.items():
            np.testing.assert_array_equal(block.index, taken.cells[grid].index)
            np.testing.assert_array_equal(block.values, taken.cells[grid].values)


def test_a_table_without_candidates(make_taus, table):
    text = table.dump().replace(
        "egamma: [GridGlobal, PfCand_electron, PfCand_gamma, Electron]", "egamma: [GridGlobal, Electron]"
    )
    text = text.replace("[GridGlobal, PfCand_muon, Muon]", "[Muon]")
    text = text.replace("  hadrons: [GridGlobal, PfCand_chHad, PfCand_nHad]\n", "")
    leptons = FeatureTable.from_text(text)
    assert not any(name.startswith("pfCand_") for name in leptons.branches)
    arrays = make_taus(1, muon_pt=[[5.0]])[list(leptons.branches)]
    taus = extract(arrays, leptons)
    assert taus.cells["inner"].values.shape == (1, 4 + 37 + 37)
    assert taus.dense("inner_muon")[0, INNER_MIDDLE, INNER_MIDDLE, 0] == 1
