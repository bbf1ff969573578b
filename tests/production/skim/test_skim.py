import re
import signal
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
import uproot

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError, InputWarning, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.skim.plan import parse_range
from TauAdv.production.skim.skim import SkimSettings, skim, summary
from TauAdv.tuples.matching import recompute_tau_type
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.writer import TupleWriter

CUT = "tau_pt > 50 && std::abs(tau_eta) < 2.3"


@pytest.fixture
def matched(make_tuple):
    """A tuple with everything that the generator match needs; every second tau is a jet, the others taus."""
    entries = 200
    is_tau = np.arange(entries) % 2 == 0
    eta = np.linspace(-2.5, 2.5, entries, dtype=np.float32)
    return make_tuple(
        "raw.root",
        entries,
        mytauType=None,
        tau_eta=eta,
        tau_phi=np.zeros(entries, np.float32),
        tau_decayMode=np.resize(np.array([0, 1, 10, 5], np.int32), entries),
        genLepton_index=np.where(is_tau, 0, -1).astype(np.int32),
        genLepton_kind=np.full(entries, 5, np.int32),
        genLepton_vis_pt=np.full(entries, 40, np.float32),
        genLepton_vis_eta=eta,
        genLepton_vis_phi=np.zeros(entries, np.float32),
        genJet_index=np.zeros(entries, np.int32),
    )


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out" / "skimmed.root"


def expected_mask(path):
    taus = read(path)
    return taus, (np.asarray(taus["tau_pt"]) > 50) & (np.abs(np.asarray(taus["tau_eta"], np.float64)) < 2.3)


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


def test_update_adds_a_tree_and_remembers(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"))
    low = SkimSettings(sel="tau_pt <= 50", output_tree="low")
    added = skim(matched, output, low, update=True)
    assert [earlier["settings"]["sel"] for earlier in added["earlier"]] == ["tau_pt > 50"]
    assert len(read(output)) + len(read(output, tree="low")) == 200
    content = output.read_bytes()
    assert skim(matched, output, low, update=True)["settings"] == added["settings"]
    assert skim(matched, output, SkimSettings(sel="tau_pt > 50"), update=True)["settings"]["sel"] == "tau_pt > 50"
    assert output.read_bytes() == content
    with pytest.raises(OutputExistsError, match="already has a tree 'low', made otherwise"):
        skim(matched, output, SkimSettings(sel="tau_pt <= 40", output_tree="low"), update=True)


def test_a_file_of_somebody_that_is_added_to_is_never_replaced(matched, output):
    with uproot.recreate(output) as file:
        file["thesis"] = np.histogram([1.0, 2.0], bins=2)
    for name in ("low", "high"):
        skim(matched, output, SkimSettings(sel="tau_pt > 50", output_tree=name), update=True)
    with pytest.raises(
        OutputExistsError, match=r"holds what it held before TauAdv added to it \(thesis\); it is never repl"
    ):
        skim(matched, output, SkimSettings(sel="tau_pt > 50"), overwrite=True)
    with uproot.open(output) as file:
        assert sorted(file.keys(cycle=False)) == ["high", "low", "thesis"]
        assert file["thesis"].values().tolist() == [1, 1]


def test_update_of_a_file_that_was_exchanged(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"))
    with uproot.recreate(output) as file:
        file["thesis"] = np.histogram([1.0, 2.0], bins=2)
    with pytest.raises(InputError, match="is not the file that"):
        skim(matched, output, SkimSettings(output_tree="low"), update=True)


def test_update_of_a_file_that_is_not_there(matched, output):
    skim(matched, output, SkimSettings(sel="tau_pt > 50"), update=True)
    assert len(read(output))


def test_rerun_skips_and_other_settings_refuse(matched, output):
    first = skim(matched, output, SkimSettings(sel=CUT))
    assert skim(matched, output, SkimSettings(sel=CUT)) == first
    with pytest.raises(OutputExistsError, match="made with other settings"):
        skim(matched, output, SkimSettings(sel="tau_pt > 60"))
    assert skim(matched, output, SkimSettings(sel="tau_pt > 60"), overwrite=True)["counts"] != first["counts"]


def test_nothing_passes(matched, output, nothing_written):
    with pytest.raises(InputError, match="nothing to write") as error:
        skim(matched, output, SkimSettings(sel="tau_pt > 0 && tau_pt > 1e6"))
    assert re.search(r"200 read\n +200 after \(tau_pt > 0\)\n +0 after \(tau_pt > 1000000.0\)", str(error.value))
    nothing_written("skimmed.root", folder=output.parent)


def test_an_empty_tree_on_request(matched, output):
    settings = SkimSettings(sel="tau_pt > 1e6", allow_empty=True, processing_module="recompute_tautype.py:compute")
    assert skim(matched, output, settings)["counts"]["written"] == 0
    found = read(output)
    assert len(found) == 0
    assert found.fields == [*TupleReader(matched).branches, "mytauType"]
    assert found["pfCand_pt"].type == ak.types.ArrayType(read(matched)["pfCand_pt"].type.content, 0)


def test_input_without_entries(make_tuple, output, nothing_written):
    path = make_tuple("none.root", 0)
    with pytest.raises(InputError, match="0 read"):
        skim(path, output, SkimSettings(sel=CUT))
    nothing_written("skimmed.root", folder=output.parent)
    assert skim(path, output, SkimSettings(sel=CUT, allow_empty=True))["counts"]["read"] == 0


@pytest.mark.parametrize(
    ("changes", "kind", "problem"),
    [
        ({"sel": "tau_pt > 30 &&& tau_eta"}, InputError, "'&' is not expected here"),
        ({"sel": "tau_ptt > 30 && tau_etaa < 2"}, InputError, "no branch 'tau_ptt'[^$]*no branch 'tau_etaa'"),
        ({"input_tree": "tau"}, InputError, "no tree 'tau'.*trees in this file: taus"),
        ({"input_range": "0:201"}, InputError, "outside of the input, which has 200 entries"),
        ({"input_range": "200:"}, InputError, "outside of the input, which has 200 entries"),
        ({"input_range": "7"}, ConfigError, "expected begin:end"),
        ({"output_range": "9:4"}, ConfigError, "output range '9:4': expected begin:end"),
        ({"output_range": "500:"}, InputError, "nothing to write"),
        ({"include_columns": ("tau_mass",)}, InputError, "tau_mass"),
        ({"other_trees": ("summary",)}, InputError, "no tree 'summary'"),
        ({"comp_algo": "lzam"}, ConfigError, "did you mean 'lzma'"),
        ({"sel": "mytauType == 2"}, InputError, "'mytauType' is added by --processing-module recompute_tautype.py:compute"),
        ({"processing_module": "mine.py:compute"}, ConfigError, "not a built-in one.*code from files is not executed"),
    ],
)
def test_wrong_settings_write_nothing(matched, output, nothing_written, changes, kind, problem):
    with pytest.raises(kind, match=problem):
        skim(matched, output, SkimSettings(**changes))
    if output.parent.exists():
        nothing_written("skimmed.root", folder=output.parent)


def test_module_lists_all_the_branches_it_lacks(make_tuple, output):
    with pytest.raises(InputError, match="lacks 7 of the branches") as error:
        skim(make_tuple("x.root"), output, SkimSettings(processing_module="recompute_tautype.py:compute"))
    assert all(name in str(error.value) for name in ("genLepton_index", "genJet_index", "tau_phi"))


def test_impossible_match_names_file_and_entries(make_tuple, matched, output):
    arrays = read(matched)
    columns = {name: arrays[name] for name in arrays.fields} | {"sampleType": np.zeros(200, np.int32)}
    path = make_tuple("data.root", 200, **columns)
    with pytest.raises(InputError, match=r"data.root, entries 0 to 199: .*cannot occur"):
        skim(path, output, SkimSettings(processing_module="recompute_tautype.py:compute"))


def test_output_among_the_inputs(matched):
    content = matched.read_bytes()
    with pytest.raises(InputError, match="is also an input"):
        skim(matched.parent, matched, SkimSettings(), overwrite=True)
    assert matched.read_bytes() == content


@pytest.mark.parametrize("kept", [0, 0.4, 0.95])
def test_truncated_or_empty_input(matched, output, kept):
    content = matched.read_bytes()
    matched.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"raw.root: (empty file|truncated ROOT file)"):
        skim(matched, output, SkimSettings())
    assert not output.parent.exists()


@pytest.mark.parametrize("update", [False, True])
def test_interrupted_leaves_what_was_there(matched, output, monkeypatch, nothing_written, update):
    if update:
        skim(matched, output, SkimSettings(sel=CUT))
    before = output.read_bytes() if update else None

    def stop(self, arrays):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TupleWriter, "extend", stop)
        skim(matched, output, SkimSettings(output_tree="more"), update=update)
    if update:
        assert output.read_bytes() == before
        assert read_manifest(output)["settings"]["sel"] == CUT
    else:
        nothing_written("skimmed.root", folder=output.parent)
    skim(matched, output, SkimSettings(output_tree="more"), update=update)
    assert len(read(output, tree="more")) == 200


def test_killed_and_started_again(matched, output):
    program = f"""
import os, signal
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.writer import TupleWriter
original = TupleWriter.extend
def extend(self, arrays):
    original(self, arrays)
    os.kill(os.getpid(), signal.SIGKILL)
TupleWriter.extend = extend
skim({str(matched)!r}, {str(output)!r}, SkimSettings())
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists()
    skim(output.parent.parent / "raw.root", output, SkimSettings())
    assert ak.array_equal(read(output), read(matched))


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


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        ("pfCand_pt > 2", "branch 'pfCand_pt' is a .*; a selection needs one number per entry, as 'x\\[0\\]'"),
        ("pfCand_pt[0] > 2 && pfCand_pt", "branch 'pfCand_pt' is a"),
        ("pfCand_pt[1000] > 2", r"pfCand_pt\[1000\] where 'pfCand_pt' has \d+ values; guard it"),
    ],
)
def test_lists_where_a_number_is_needed(matched, output, selection, problem):
    with pytest.raises(InputError, match=problem):
        skim(matched, output, SkimSettings(sel=selection))
    assert not output.exists()


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


def test_a_tuple_and_its_own_skim(make_tuple, output):
    source = make_tuple("raw.root")
    skim(source, output, SkimSettings(sel="tau_pt > 50"))
    twice = output.with_name("twice.root")
    for inputs in ([source, output], [output, source]):
        with pytest.raises(InputError, match=r"skimmed\.root was made of .*raw\.root: .* twice\n.*--allow-duplicates"):
            skim(inputs, twice, SkimSettings())
    both = skim([source, output], twice, SkimSettings(allow_duplicates=True))
    assert both["counts"]["written"] == 200 + len(read(output))
    for name, half in (("first.root", "0:100"), ("second.root", "100:200")):
        skim(source, output.with_name(name), SkimSettings(input_range=half))
    halves = [output.with_name(name) for name in ("first.root", "second.root")]
    assert skim(halves, output.with_name("whole.root"), SkimSettings())["counts"]["written"] == 200


@pytest.mark.parametrize("name", ["a;3", "x y/", "/", "a//b", "/taus"])
def test_trees_that_could_not_be_read_back_are_refused(name):
    with pytest.raises(ConfigError, match=r"output_tree: expected the name of a tree, .*without ';'"):
        load_settings(SkimSettings, None, {"output_tree": name})
