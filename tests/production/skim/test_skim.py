"""Skims: what is selected, read, written and counted."""

import re

import awkward as ak
import numpy as np
import pytest
import uproot
from skimmed_taus import CUT, expected_mask

from TauAdv.errors import ConfigError, InputError, InputWarning
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.skim.plan import parse_range
from TauAdv.production.skim.skim import SkimSettings, skim, summary
from TauAdv.tuples.matching import recompute_tau_type
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.writer import TupleWriter


def test_selection_and_manifest(matched, output):
    manifest = skim(matched, output, SkimSettings(sel=CUT, step_size=64))
    taus, mask = expected_mask(matched)
    assert ak.array_equal(read(output), taus[mask])
    after_pt = int((np.asarray(taus["tau_pt"]) > 50).sum())
    assert manifest["counts"] == {
        "entries": 200, "read": 200, "passed": int(mask.sum()), "written": int(mask.sum()), "other_trees": {},
        "cuts": [
            {"cut": "(tau_pt > 50)", "passed": after_pt},
            {"cut": "(std::abs(tau_eta) < 2.3)", "passed": int(mask.sum())},
        ],
    }  # fmt: skip
    assert read_manifest(output) == manifest
    assert [entry["name"] for entry in manifest["inputs"]] == ["raw.root"]
    assert f"{after_pt} after (tau_pt > 50)" in summary(manifest, verbose=True)


def test_default_is_lzma_9_and_the_name_of_the_input_tree(make_tuple, output):
    skim(make_tuple("x.root", tree="events"), output, SkimSettings(input_tree="events"))
    with uproot.open(output) as file:
        assert file.keys(cycle=False) == ["events"]
        assert file.file.compression == uproot.LZMA(9)


def test_several_inputs_in_blocks_and_in_baskets(make_tuple, output, monkeypatch):
    paths = [make_tuple(f"part{seed}.root", 70, seed=seed) for seed in (1, 2, 3)]
    monkeypatch.setattr("TauAdv.production.skim.skim._BYTES_BEFORE_WRITING", 500)
    manifest = skim(paths, output, SkimSettings(sel=CUT, step_size=20), threads=2)
    expected = ak.concatenate([taus[mask] for taus, mask in map(expected_mask, paths)])
    assert ak.array_equal(read(output), expected)
    assert manifest["counts"]["read"] == 210
    with uproot.open(output) as file:
        assert file["taus"]["evt"].num_baskets > 3


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_module_then_columns_then_selection(matched, output, format):
    settings = SkimSettings(
        sel=f"mytauType == 2 && {CUT}",
        processing_module="some/folder/recompute_tautype.py:compute",
        include_columns=("^.*_pt", "mytauType"),
        exclude_columns=("^gen",),
        format=format,
    )
    skim(matched, output, settings)
    taus, mask = expected_mask(matched)
    labels = recompute_tau_type(taus)
    found = read(output)
    assert found.fields == ["tau_pt", "pfCand_pt", "mytauType"]
    assert ak.array_equal(found["tau_pt"], taus["tau_pt"][mask & (labels == 2)])
    assert found["mytauType"].tolist() == [2] * len(found)


def test_branch_of_the_module_may_be_left_out(matched, output):
    settings = SkimSettings(
        sel="mytauType == 3", processing_module="recompute_tautype.py:compute", exclude_columns=("mytauType",)
    )
    skim(matched, output, settings)
    assert "mytauType" not in TupleReader(output).branches
    assert read(output, ["evt"])["evt"].tolist() == (np.arange(1, 200, 2) + 1000).tolist()


def test_ranges_count_input_entries_and_passing_taus(matched, output):
    settings = SkimSettings(sel=CUT, input_range="20:160", output_range="5:17", step_size=16)
    manifest = skim(matched, output, settings)
    taus, mask = expected_mask(matched)
    assert ak.array_equal(read(output), taus[20:160][mask[20:160]][5:17])
    assert manifest["counts"]["written"] == 12
    assert manifest["counts"]["read"] < 140  # stops once the range is full


def test_types_are_kept(tmp_path, output):
    with TupleWriter(tmp_path / "x.root", schema_types=False) as writer:
        writer.extend({"tau_pt": np.array([30.0, 50.1]), "evt": np.array([2**63, 1], np.uint64)})
    skim(tmp_path / "x.root", output, SkimSettings(sel="tau_pt > 50.05"))
    assert {name: str(read(output)[name].type.content) for name in ("tau_pt", "evt")} == {
        "tau_pt": "float64",
        "evt": "uint64",
    }


def test_other_trees_are_copied_whole(make_tuple, output):
    path = make_tuple("x.root")
    with TupleWriter(path, "summary", update=True) as writer:
        writer.extend({"exposure": np.array([1.5, 2.5])})
    manifest = skim(path, output, SkimSettings(sel=CUT, other_trees=("summary",)))
    assert read(output, tree="summary")["exposure"].tolist() == [1.5, 2.5]
    assert manifest["counts"]["other_trees"] == {"summary": 2}


def test_an_empty_tree_on_request(matched, output):
    settings = SkimSettings(sel="tau_pt > 1e6", allow_empty=True, processing_module="recompute_tautype.py:compute")
    assert skim(matched, output, settings)["counts"]["written"] == 0
    found = read(output)
    assert len(found) == 0
    assert found.fields == [*TupleReader(matched).branches, "mytauType"]
    assert found["pfCand_pt"].type == ak.types.ArrayType(read(matched)["pfCand_pt"].type.content, 0)


def test_ranges():
    assert parse_range(None, "range") == (0, None)
    assert parse_range("3:7", "range") == (3, 7)
    assert parse_range(":7", "range") == (0, 7)
    assert parse_range("3:", "range") == (3, None)
    for text in ("3", "a:b", "-1:3", "5:5", ""):
        with pytest.raises(ConfigError, match="expected begin:end"):
            parse_range(text, "range")


def test_script(run_script, matched, output, capsys, tmp_path):
    (tmp_path / "list.txt").write_text("# one file\n/raw.root\n")
    options = ["--output", output, "--tree", "taus", "--processing-module", "recompute_tautype.py:compute"]
    options += ["--input", tmp_path / "list.txt", "--input-prefix", tmp_path, "--sel", f"{CUT} && mytauType==2"]
    options += ["--include-columns", "^tau_,mytauType", "--exclude-columns", "tau_phi", "--output-tree", "skimmed"]
    options += ["--comp-algo", "ZSTD", "--comp-level", 3, "--n-threads", 2, "--input-range", "0:150", "--verbose"]
    run_script("Production/skim_tree.py", *options)
    taus, mask = expected_mask(matched)
    found = read(output, tree="skimmed")
    assert found.fields == ["tau_pt", "tau_eta", "tau_decayMode", "mytauType"]
    labels = recompute_tau_type(taus)
    assert ak.array_equal(found["tau_pt"], taus["tau_pt"][:150][(mask & (labels == 2))[:150]])
    assert re.search(rf"{len(found)} after \(mytauType == 2\)", capsys.readouterr().out)


def test_script_reports_errors_without_traceback(run_script, matched, output, capsys):
    with pytest.raises(SystemExit) as error:
        run_script("Production/skim_tree.py", "--input", matched, "--output", output, "--sel", "tau_pt >")
    assert error.value.code == 2
    assert "error: selection: ends where a value" in capsys.readouterr().err


def test_selection_on_lists(matched, output):
    taus = read(matched)
    manifest = skim(matched, output, SkimSettings(sel="pfCand_pt.size() > 1 && pfCand_pt[1] > 2", include_columns=("evt",)))
    expected = [
        evt for evt, pts in zip(taus["evt"], taus["pfCand_pt"].to_list(), strict=True) if len(pts) > 1 and pts[1] > 2
    ]
    assert 0 < len(expected) < len(taus)
    assert read(output)["evt"].to_list() == expected
    assert manifest["counts"]["passed"] == len(expected)


def test_long_cuts_are_one_line_each(matched, output):
    cut = " || ".join(f"tau_pt == {number}.5" for number in range(2000)) + " || tau_pt > 0"
    lines = summary(skim(matched, output, SkimSettings(sel=cut)), verbose=True).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) < 125


def test_output_range_beyond_the_taus_that_pass(make_tuple, output):
    source = make_tuple("raw.root", 60, tau_pt=np.repeat(np.array([60, 20], np.float32), [50, 10]))
    for beyond, left in (("40:80", 10), ("0:51", 50)):
        with pytest.warns(InputWarning, match=rf"output range '{beyond}': only 50 taus passed; {left} of them are written$"):
            skim(source, output, SkimSettings(sel="tau_pt > 50", output_range=beyond, step_size=16), overwrite=True)
        assert read(output)["evt"].tolist() == list(range(1000 + 50 - left, 1050))
    output.unlink()
    with pytest.raises(InputError, match=r"nothing to write \(output range '50:60': only 50 taus passed\)"):
        skim(source, output, SkimSettings(sel="tau_pt > 50", output_range="50:60", step_size=16))
    assert not output.exists()
    for inside in ("40:50", "40:"):
        manifest = skim(source, output, SkimSettings(sel="tau_pt > 50", output_range=inside, step_size=16), overwrite=True)
        assert manifest["counts"]["written"] == len(read(output)) == 10
