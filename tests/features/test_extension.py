"""Tables that extend another one: the same features, other scaling."""

import pytest

from TauAdv.errors import ConfigError
from TauAdv.features.table import FeatureTable

CHANGES = """
name: mine
extends: deeptau_v2p5
eras: [phase2]
scaling:
  TauFlat:
    tau_mass: {scaling: [0.7, 0.4]}
  Muon:
    rel_pt: {inner: [1.5, 2.5], outer: [3.5, 4.5]}
"""


@pytest.fixture(scope="module")
def base():
    return FeatureTable.load("deeptau_v2p5")


@pytest.fixture(scope="module")
def mine():
    return FeatureTable.from_text(CHANGES)


def by_path(table):
    return {feature.path: feature for block in table.blocks.values() for feature in block.features}


def test_only_what_is_listed_changes(base, mine):
    before, after = by_path(base), by_path(mine)
    assert list(before) == list(after)
    changed = [path for path in before if before[path].scaling != after[path].scaling]
    assert changed == ["TauFlat/tau_mass", "Muon/muon_rel_pt"]
    assert all(before[path].value == after[path].value for path in before)
    mass, muon = after["TauFlat/tau_mass"].scaling, after["Muon/muon_rel_pt"].scaling
    assert [(mass[grid].mean, mass[grid].std) for grid in ("inner", "outer")] == [(0.7, 0.4)] * 2
    assert [(muon[grid].mean, muon[grid].std) for grid in ("inner", "outer")] == [(1.5, 2.5), (3.5, 4.5)]
    assert mine.layout == base.layout
    assert mine.digest != base.digest


def test_guards_of_other_eras_are_left_out(base, mine):
    early = "Electron/ele_mvaInput_earlyBrem"
    assert list(by_path(base)[early].guards) == list(by_path(mine)[early].guards) == ["phase2"]
    run2 = FeatureTable.from_text(CHANGES.replace("[phase2]", "[run2]"))
    assert by_path(run2)[early].guards == {}


def test_the_text_is_whole(mine):
    assert "extends" not in mine.text
    assert FeatureTable.from_text(mine.dump()) == mine


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("extends: deeptau_v2p5", "extends: deeptau", "extends: expected the name of a table that comes with TauAdv"),
        ("extends: deeptau_v2p5", "extends: deeptau_v2p5_phase2", "extends 'deeptau_v2p5' itself; extend that one"),
        ("eras: [phase2]", "eras: [run4]", "eras: unknown era 'run4'"),
        ("  Muon:", "  Muons:", r"scaling: unknown block 'Muons' \(did you mean 'Muon'\?\)"),
        ("rel_pt:", "rel_pT:", r"scaling.Muon: unknown feature 'rel_pT' \(did you mean 'rel_pt'\?\)"),
        ("[0.7, 0.4]", "[0.7, 0]", "expected std > 0"),
        ("[0.7, 0.4]", "[0.7]", "tau_mass.scaling"),
    ],
)
def test_mistakes_are_named(old, new, message):
    with pytest.raises(ConfigError, match=message):
        FeatureTable.from_text(CHANGES.replace(old, new))


def test_phase2_table_is_that_of_the_network():
    """Some constants of CMSSW's scalingParamsMap_PhaseIIv2p5, and the number of features that differ from Run 2."""
    run2, phase2 = by_path(FeatureTable.load("deeptau_v2p5")), by_path(FeatureTable.load("deeptau_v2p5_phase2"))
    rho, eta, mass = (phase2[f"TauFlat/{name}"].scaling["inner"] for name in ("rho", "tau_eta", "tau_mass"))
    assert [(x.mean, x.std) for x in (rho, eta, mass)] == [(100.0, 100.0), (0.0, 3.0), (0.5718, 0.5081)]
    photons = phase2["PfCand_gamma/pfCand_gamma_dz_sig"].scaling
    assert (photons["inner"].mean, photons["outer"].std) == (1903.0, 4449.0)
    assert sum(run2[path].scaling != phase2[path].scaling for path in run2) > 100
