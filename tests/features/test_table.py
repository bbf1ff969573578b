import pytest
import yaml

from TauAdv.errors import ConfigError
from TauAdv.features.blocks import Scaling
from TauAdv.features.rows import SHIPPED_TABLES
from TauAdv.features.table import FeatureTable

SMALL = """
name: small
eras: [run2, phase2]
extra_branches: {muon_quality: int32}
object_types: {pfCand_particleType: [1, 2]}
grids:
  inner: {cells: 3, cell_size: 0.1, cone: "0.2"}
  outer: {cells: 5, cell_size: 0.1, cone: "0.4"}
tensors:
  tau: [Flat]
  egamma: [Flat, Candidate]
  muon: [Muon]
quantities:
  shared:
    rel_pt: {value: pfCand_pt / tau_pt, kind: normal, scaling: [1, 2], label: relative pt}
blocks:
  Flat:
    features:
      rho: {kind: linear, scaling: [25, 25], unit: GeV}
      good: {value: tau_mass > 0}
      tau_mass: {guard: good}
  Candidate:
    collection: pfCand
    select: pfCand_particleType == 1
    prefix: cand_
    quantities: shared
    features:
      rel_pt: {inner: [3, 4], outer: [5, 6], clip: [-2, 2]}
      charge:
  Muon:
    collection: muon
    features:
      pt: {guard: {phase2: muon_pt > 5}, perturbation: 0.5}
      quality: {default: -1}
"""


@pytest.fixture(scope="module")
def small() -> FeatureTable:
    return FeatureTable.from_text(SMALL)


def edited(**replacements: str) -> str:
    text = SMALL
    for old, new in replacements.values():
        assert old in text
        text = text.replace(old, new)
    return text


def test_inheritance_and_defaults(small):
    rel_pt, charge = small.blocks["Candidate"].features
    assert (rel_pt.name, rel_pt.path, rel_pt.key, rel_pt.label) == (
        "cand_rel_pt",
        "Candidate/cand_rel_pt",
        "rel_pt",
        "relative pt",
    )
    assert rel_pt.scaling == {"inner": Scaling(3, 4, -2, 2), "outer": Scaling(5, 6, -2, 2)}
    assert (str(charge.value), charge.kind, charge.integer, charge.perturbation) == ("pfCand_charge", "no_scaling", True, 0)
    assert charge.scaling["inner"] == Scaling(0, 1, float("-inf"), float("inf"))
    rho, good, mass = small.blocks["Flat"].features
    assert (rho.unit, rho.integer, rho.perturbation, rho.scaling["inner"]) == ("GeV", False, 1, Scaling(25, 25, -1, 1))
    assert good.integer
    assert str(mass.guards["run2"]) == str(mass.guards["phase2"]) == "tau_mass > 0"
    pt, quality = small.blocks["Muon"].features
    assert (set(pt.guards), pt.perturbation, quality.default, quality.integer) == ({"phase2"}, 0.5, -1, True)


def test_layout_and_branches(small):
    assert small.layout.tau == 3
    assert small.layout.tensors == {"egamma": (0, 5), "muon": (5, 7)}
    assert small.layout.cell == 7 == len(small.features("cell"))
    assert [feature.name for feature in small.features("muon")] == ["pt", "quality"]
    assert set(small.branches) == {
        *("tau_pt", "tau_eta", "tau_phi", "tau_mass", "rho"),
        *("pfCand_pt", "pfCand_eta", "pfCand_phi", "pfCand_charge", "pfCand_particleType"),
        *("muon_pt", "muon_eta", "muon_phi", "muon_quality"),
    }


def test_dump_makes_an_equal_table(small):
    again = FeatureTable.from_text(small.dump())
    assert again == small
    assert again.digest == small.digest


@pytest.mark.parametrize(
    "change",
    [
        ("kind: linear, scaling: [25, 25]", "kind: linear, scaling: [25, 26]"),
        ("tau_mass > 0", "tau_mass >= 0"),
        ("cells: 5", "cells: 7"),
        ("default: -1", "default: 0"),
        ("tensors:\n  tau: [Flat]\n  egamma: [Flat, Candidate]", "tensors:\n  tau: [Flat]\n  egamma: [Candidate, Flat]"),
        ("particleType == 1", "particleType == 2"),
        ("eras: [run2, phase2]", "eras: [phase2, run2]"),
    ],
)
def test_digest_sees_what_changes_the_tensors(small, change):
    assert FeatureTable.from_text(edited(a=change)).digest != small.digest


@pytest.mark.parametrize(
    "change",
    [
        ("relative pt", "other"),
        ("unit: GeV", "unit: MeV"),
        ("perturbation: 0.5", "perturbation: 2"),
        ("perturbation: 0.5", "follows: quality"),
    ],
)
def test_digest_ignores_what_does_not(small, change):
    other = FeatureTable.from_text(edited(a=change))
    assert other.digest == small.digest
    assert other != small


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unit: GeV", "units: GeV", r"blocks.Flat.features.rho: (.|\n)*units: unknown key \(did you mean 'unit'\?\)"),
        ("grids:", "gridz:", "gridz: unknown key"),
        ("perturbation: 0.5", "follows: valu", r"blocks\.\w+: pt: follows 'valu', which this block has not"),
        ("cell_size: 0.1, cone: \"0.2\"", "cone: \"0.2\"", "grids.inner.cell_size: required"),
        ("      good:", "      rho: {}\n      good:", "line 20: blocks.Flat.features: 'rho' is given twice"),
        ("tau_mass > 0", "tau_masss > 0", r"blocks.Flat: good: 'tau_masss' is neither .* \(did you mean 'tau_mass'\?\)"),
        ("tau_mass > 0", "pfCand_pt > 0", "blocks.Flat: good: 'pfCand_pt' holds one value per object"),
        ("tau_mass > 0", "tau_mass >", "blocks.Flat: good: expression 'tau_mass >': .* column"),
        ("guard: good", "guard: goood", r"tau_mass: 'goood' is neither"),
        ("phase2: muon_pt", "phase3: muon_pt", "pt: guard for unknown era 'phase3'; eras of this table: run2, phase2"),
        ("inner: [3, 4]", "inner: [3, 0]", "expected std > 0"),
        ("clip: [-2, 2]", "clip: [2, -2]", "limits in rising order"),
        ("kind: linear, scaling: [25, 25]", "kind: linear", r"rho: kind linear needs \(mean, std\)"),
        ("kind: linear", "kind: linaer", "kind: expected"),
        ("muon: [Muon]", "muon: [Mouon]", r"tensors.muon: unknown block 'Mouon' \(did you mean 'Muon'\?\)"),
        ("tau: [Flat]", "tau: [Muon]", "'Muon' is of a collection"),
        ("quantities: shared", "quantities: shred", "unknown group 'shred'"),
        ("  inner: {", "  innner: {", "expected inner and outer"),
        ("name: small", "name: [", "not valid YAML"),
    ],
)  # fmt: skip
def test_refused(old, new, message):
    with pytest.raises(ConfigError, match=message) as error:
        FeatureTable.from_text(edited(a=(old, new)), "my.yaml")
    assert str(error.value).startswith("my.yaml")


def test_a_guarded_row_is_not_a_flag():
    text = edited(
        a=("guard: good", "guard: tau_pt > 0"),
        b=("      tau_mass:", "      other: {value: tau_mass, guard: heavy}\n      tau_mass:"),
    )
    text = text.replace("      good:", "      heavy: {value: tau_mass > 1, guard: rho > 0}\n      good:")
    with pytest.raises(ConfigError, match="'heavy' is neither a branch nor an unguarded row"):
        FeatureTable.from_text(text)


def test_load(tmp_path, small):
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL)
    assert FeatureTable.load(path) == small
    with pytest.raises(ConfigError, match=r"no feature table 'deeptau_v2p6' \(did you mean 'deeptau_v2p5'\?\)"):
        FeatureTable.load("deeptau_v2p6")
    path.write_text("- a list")
    with pytest.raises(ConfigError, match="expected a feature table"):
        FeatureTable.load(path)


@pytest.mark.parametrize("path", sorted(SHIPPED_TABLES.values()), ids=lambda path: path.stem)
def test_shipped_tables(path):
    table = FeatureTable.load(path.stem)
    assert table.name == path.stem
    assert table == FeatureTable.from_text(table.dump())
    for block in table.blocks.values():
        for feature in block.features:
            flag = feature.value.kind in ("comparison", "logical")
            assert not (flag and (not feature.integer or feature.perturbation)), feature.path
            assert feature.range is None or feature.range[0] < feature.range[1], feature.path
    rows = yaml.safe_load(table.text)
    used = {block for blocks in rows["tensors"].values() for block in blocks}
    assert used == set(rows["blocks"])


def test_sizes_of_deeptau_v2p5(table):
    sizes = {name: len(block) for name, block in table.blocks.items()}
    assert sizes == {
        **{"TauFlat": 43, "GridGlobal": 4, "PfCand_electron": 22, "PfCand_muon": 23, "PfCand_chHad": 27},
        **{"PfCand_nHad": 7, "PfCand_gamma": 23, "Electron": 37, "Muon": 37},
    }
    assert table.layout.tensors == {"egamma": (0, 86), "muon": (86, 150), "hadrons": (150, 188)}


def test_no_feature_reads_generator_information(table):
    """Labels of simulation (gen*, sim_*, types and ids) must never become inputs of a network."""
    forbidden = ("gen", "sim_", "sampleType", "tauType", "mytauType", "dataset_id", "lhe")
    assert not [name for name in table.branches if name.startswith(forbidden)]
