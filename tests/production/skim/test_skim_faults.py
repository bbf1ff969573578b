"""Skims of bad inputs or settings: one message, nothing written."""

import re

import numpy as np
import pytest
from skimmed_taus import CUT

from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.production.skim.skim import SkimSettings, skim
from TauAdv.tuples.reader import read


def test_nothing_passes(matched, output, nothing_written):
    with pytest.raises(InputError, match="nothing to write") as error:
        skim(matched, output, SkimSettings(sel="tau_pt > 0 && tau_pt > 1e6"))
    assert re.search(r"200 read\n +200 after \(tau_pt > 0\)\n +0 after \(tau_pt > 1000000.0\)", str(error.value))
    nothing_written("skimmed.root", folder=output.parent)


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
