"""Skims of files as other programs write them: what is copied, what is named, what is left out."""

import os
import random

import awkward as ak
import numpy as np
import pytest
import uproot
from same_arrays import assert_same_arrays, assert_same_branch

from TauAdv.errors import ConfigError, InputError, InputWarning
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.production.skim.skim import SkimSettings, skim, summary
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow

UNWRITABLE = {"tau_p4", "dataset", "vtx", "vv", "triggers"}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.root"


@pytest.fixture
def roots(reference_data):
    return reference_data / "cases" / "roots"


@pytest.fixture
def strings(tmp_path):
    """A tree with two branches of text, one of numbers; another tree with text alone."""
    with uproot.recreate(tmp_path / "strings.root") as file:
        for tree in ("taus", "info"):
            types = {"name": "string", "tag": "string"} | ({"tau_pt": "f4"} if tree == "taus" else {})
            columns = {"name": ak.Array(["a", "b"]), "tag": ak.Array(["", "x"]), "tau_pt": np.array([20, 30], np.float32)}
            file.mktree(tree, types).extend({name: columns[name] for name in types})
    return tmp_path / "strings.root"


def branches(path, tree="taus"):
    with uproot.open({str(path): None}) as file:
        return [branch.name for branch in file[tree].branches]


def test_all_branches_that_cannot_be_written_are_named(strings, output, nothing_written):
    with pytest.raises(
        InputError, match=r"has 2 branches that cannot be written[\s\S]*--exclude-columns or --skip-unwritable"
    ) as e:
        skim(strings, output, SkimSettings())
    assert "\n  name (char*): text\n  tag (char*): text\n" in str(e.value)
    nothing_written("out.root", folder=output.parent)
    skim(strings, output, SkimSettings(exclude_columns=("name", "tag")))
    assert read(output)["tau_pt"].tolist() == [20, 30]


def test_they_are_left_out_on_request_and_this_is_said(strings, output):
    manifest = skim(strings, output, SkimSettings(skip_unwritable=True))
    assert manifest["left_out"] == [
        {"tree": "taus", "branch": name, "type": "char*", "reason": "text"} for name in ("name", "tag")
    ]
    assert "left out: tag (char*) of tree taus: text" in summary(manifest)
    assert branches(output) == ["tau_pt"]


def test_other_trees_too(strings, output, nothing_written):
    settings = {"include_columns": ("tau_pt",), "other_trees": ("info",)}
    with pytest.raises(
        InputError, match=r"tree 'info' has 2 branches that cannot be written[^$]*others out with --skip-unwritable$"
    ):
        skim(strings, output, SkimSettings(**settings))
    with pytest.raises(InputError, match=r"tree 'info' has 2 branches that cannot be written[^$]*nothing is left to write$"):
        skim(strings, output, SkimSettings(**settings, skip_unwritable=True))
    nothing_written("out.root", folder=output.parent)
    with pytest.raises(ConfigError, match="tree 'taus' twice"):
        skim(strings, output, SkimSettings(other_trees=("taus;1",), skip_unwritable=True))


def test_a_selection_of_text_or_lists_is_refused_at_once(strings, output, make_tuple):
    with pytest.raises(InputError, match=r"branch 'name' is a char\*; a selection needs one number per entry"):
        skim(strings, output, SkimSettings(sel="name == 1", skip_unwritable=True))
    with pytest.raises(InputError, match=r"branch 'pfCand_pt' is a float\[\]; a selection needs one number"):
        skim(make_tuple("x.root"), output, SkimSettings(sel="pfCand_pt > 1"))


@pytest.mark.parametrize(
    ("file", "tree", "left_out"),
    [
        ("string_branch", "j1", {"b12"}),
        ("struct_leaf", "stuff", {"stuffy"}),
        ("objects", "taus", UNWRITABLE),
        ("tntuple", "ntup", set()),
        ("geant4_written", "mytree", set()),
        ("nano_counters", "Events", set()),
    ],
)
@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_public_files(roots, output, file, tree, left_out, format):
    path = roots / f"{file}.root"
    if left_out:
        with pytest.raises(InputError, match=f"has {len(left_out) if len(left_out) > 1 else 'a'} branch") as error:
            skim(path, output, SkimSettings(input_tree=tree))
        assert all(f"\n  {name} (" in str(error.value) for name in left_out)
    manifest = skim(path, output, SkimSettings(input_tree=tree, skip_unwritable=True, format=format))
    assert {entry["branch"] for entry in manifest["left_out"]} == left_out
    with uproot.open(path) as source, uproot.open(output) as copy:
        names = [branch.name for branch in source[tree].branches]
        for name in set(names) - left_out:
            assert_same_branch(copy[tree][name].array(), source[tree][name].array(), name)


def test_counters_of_a_public_file(roots, output):
    path = roots / "nano_counters.root"
    with uproot.open(path) as file:
        expected = file["Events"].arrays(["nScoutingJet", "ScoutingJet_pt"])
    expected = expected[expected["nScoutingJet"] >= 12]
    assert 0 < len(expected) < 40
    settings = SkimSettings(
        input_tree="Events", sel="nScoutingJet >= 12", include_columns=("nScoutingJet", "ScoutingJet_pt")
    )
    skim(path, output, settings)
    assert branches(output, "Events") == ["nScoutingJet", "ScoutingJet_pt"]
    assert_same_arrays(read(output, ["nScoutingJet", "ScoutingJet_pt"], tree="Events"), expected)


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_counters_of_ours_are_selectable(make_tuple, output, format):
    path = make_tuple("x.root", 50, pfCand_pt=ak.unflatten(np.arange(75, dtype=np.float32), [0, 3] * 25))
    taus = read(path)
    many = ak.num(taus["pfCand_pt"]) > 1
    assert 0 < ak.sum(many) < 50
    skim(path, output, SkimSettings(sel="n_pfCand > 1", format=format))
    assert_same_arrays(read(output), taus[many])
    again = output.with_name("again.root")
    skim(output, again, SkimSettings(sel="n_pfCand > 1", include_columns=("evt", "n_pfCand")))
    assert branches(again) == ["evt", "n_pfCand"]
    assert read(again, ["n_pfCand"])["n_pfCand"].tolist() == ak.num(taus["pfCand_pt"][many]).tolist()


def test_a_branch_that_only_looks_like_a_counter_is_kept(tmp_path, output):
    columns = {"n_Jet_pt": np.array([0.5, 1.5]), "Jet_pt": ak.Array([[1.0], [2.0, 3.0]]), "nJet": np.array([7, 8])}
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mkrntuple("taus", ak.Array(columns).layout.form).extend(ak.Array(columns))
    skim(tmp_path / "x.root", output, SkimSettings())
    found = read(output, list(columns))
    assert all(found[name].tolist() == values.tolist() for name, values in columns.items())


def test_arrays_of_fixed_length_stay_such(tmp_path, output):
    fixed = np.arange(36, dtype=np.float32).reshape(6, 3, 2)
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mktree("taus", {"m": np.dtype(("f4", (3, 2))), "evt": "u8"}).extend(
            {"m": fixed, "evt": np.arange(6, dtype="u8")}
        )
    for format in ("ttree", "rntuple"):
        skim(tmp_path / "x.root", output, SkimSettings(sel="evt > 1", format=format), overwrite=True)
        with uproot.open(output) as file:
            found = file["taus"]["m"].array()
        assert str(found.type) == "4 * 3 * 2 * float32"
        assert np.array_equal(found, fixed[2:])


def test_types_are_compared_before_anything_is_written(tmp_path, output, nothing_written):
    for name, dtype in (("1", np.float32), ("2", np.float64), ("3", np.int64)):
        with TupleWriter(tmp_path / f"{name}.root", schema_types=False) as writer:
            writer.extend({"x": np.full(3, 0.1 if dtype != np.int64 else 2**60 + 1).astype(dtype)})
    with pytest.raises(
        InputError, match=r"branch 'x'[\s\S]*float: .*1\.root\n[\s\S]*double: .*2\.root\n[\s\S]*int64_t: .*3\.root"
    ):
        skim(tmp_path, output, SkimSettings())
    nothing_written("out.root", folder=output.parent)
    skim([tmp_path / "1.root", tmp_path / "2.root"], output, SkimSettings(step_size=2))
    assert read(output)["x"].tolist() == [float(np.float32(0.1))] * 3 + [0.1] * 3


def test_branches_of_later_files_are_left_out_with_a_warning(make_tuple, output):
    paths = [make_tuple("1.root"), make_tuple("2.root", seed=2, mine=np.ones(200))]
    with pytest.warns(
        InputWarning, match="1 branches are only in some of the files, not in the first, and are left out: mine"
    ):
        skim(paths, output, SkimSettings())


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_without_branches_changes_nothing(roots, output, order):
    files = [roots / "no_branches.root", roots / "with_branches.root"][::order]
    skim(files, output, SkimSettings())
    assert_same_arrays(read(output), read(roots / "with_branches.root"))


def test_a_tree_without_branches_alone(roots, output):
    with pytest.raises(InputError, match=r"no_branches\.root: tree 'taus' has no branches"):
        skim(roots / "no_branches.root", output, SkimSettings(allow_empty=True))


@pytest.mark.parametrize("name", ["a::b.root", "simplecache::x.root", "out.root:taus.root"])
def test_outputs_of_any_name(make_tuple, tmp_path, name):
    path = make_tuple("x.root")
    skim(path, tmp_path / "out" / name, SkimSettings())
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == [name, f"{name}.manifest.json"]
    skim(tmp_path / "out" / name, tmp_path / "again.root", SkimSettings())
    assert_same_arrays(read(tmp_path / "again.root"), read(path))
    with pytest.raises(InputError, match="is also an input"):
        skim(path, path.parent / ".." / path.parent.name / path.name, SkimSettings(), overwrite=True)


def test_output_that_is_a_link_to_an_input(make_tuple, tmp_path):
    path = make_tuple("x.root")
    (tmp_path / "link.root").symlink_to(path)
    os.link(path, tmp_path / "hard_link.root")
    for name in ("link.root", "hard_link.root"):
        with pytest.raises(InputError, match=rf"{name}: is also an input"):
            skim(path, tmp_path / name, SkimSettings(), overwrite=True)


def damaged(content, seed):
    generator = random.Random(seed)
    content = bytearray(content)
    for _ in range(generator.choice([1, 1, 8])):
        content[generator.randrange(64, len(content))] = generator.randrange(256)
    start = generator.randrange(64, len(content))
    if seed % 4 == 0:
        content[start : start + 40] = bytes(len(content[start : start + 40]))
    return content[: start if seed % 7 == 0 else None]


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
@pytest.mark.parametrize("compression", ["zlib", "lzma", "lz4", "zstd"])
def test_damaged_files_are_read_or_named_in_one_line(tmp_path, make_tuple, output, format, compression):
    source = tmp_path / "whole.root"
    skim(make_tuple("x.root", 300), source, SkimSettings(format=format, comp_algo=compression))
    content, named = source.read_bytes(), 0
    for seed in range(6):
        (tmp_path / "bad.root").write_bytes(damaged(content, seed))
        try:
            skim(tmp_path / "bad.root", output, SkimSettings(comp_algo="none"), overwrite=True)
        except InputError as error:
            named += 1
            assert str(error).startswith(f"{tmp_path}/bad.root: ")  # noqa: PT017
            assert len(str(error).splitlines()) == 1 or "cannot be written" in str(error)  # noqa: PT017
    assert named > 1


def test_damaged_data_name_the_branch(tmp_path, make_tuple, output):
    path = make_tuple("x.root", 2000)
    with uproot.open(path) as file:
        branch = file["taus"]["tau_pt"]
        start = int(branch.member("fBasketSeek")[0])
        stop = start + int(branch.member("fBasketBytes")[0])
    content = bytearray(path.read_bytes())
    content[stop - 400 : stop - 100] = bytes(300)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^\S*x\.root: branch 'tau_pt', entries 0 to 1999: .*damaged.*$"):
        skim(path, output, SkimSettings())


def test_branches_that_claim_the_same_data(tmp_path, output):
    """uproot would wait for the second branch without end."""
    path = tmp_path / "x.root"
    with TupleWriter(path, compression="none", schema_types=False) as writer:
        writer.extend({"a": np.arange(4.0), "b": np.arange(4.0)})
    with uproot.open(path) as file:
        seeks = [int(file["taus"][name].member("fBasketSeek")[0]) for name in ("a", "b")]
    one, other = (seek.to_bytes(8, "big") for seek in seeks)
    content = path.read_bytes()
    place = content.rindex(other)
    path.write_bytes(content[:place] + one + content[place + 8 :])
    with uproot.open(path) as file:
        assert file["taus"]["b"].member("fBasketSeek")[0] == seeks[0]
    with pytest.raises(
        InputError, match=r"b \(unknown\): its data lie where those of a are|b \(double\): its data lie where"
    ):
        skim(path, output, SkimSettings())
    assert TupleReader(path).types["a"].can_be_written


def test_script(run_script, strings, tmp_path, output, capsys):
    (tmp_path / "link.root").symlink_to(strings)
    options = ["--input", strings, tmp_path / "link.root", "--output", output, "--skip-unwritable"]
    with pytest.raises(SystemExit):
        run_script("Production/skim_tree.py", *options)
    assert "entries would count twice" in capsys.readouterr().err
    run_script("Production/skim_tree.py", *options, "--allow-duplicates")
    assert "left out: name (char*) of tree taus: text" in capsys.readouterr().out
    assert read(output)["tau_pt"].tolist() == [20, 30, 20, 30]


def test_names_that_an_rntuple_does_not_allow(tmp_path, output):
    with TupleWriter(tmp_path / "x.root", schema_types=False) as writer:
        writer.extend({"jet.pt": np.ones(2), "a/b": np.ones(2), "c": np.arange(2.0)})
    with pytest.raises(
        InputError, match=r"has 2 branches that cannot be written:\n  jet\.pt \(double\): an RNTuple allows no '\.'"
    ):
        skim(tmp_path / "x.root", output, SkimSettings(format="rntuple"))
    skim(tmp_path / "x.root", output, SkimSettings(format="rntuple", skip_unwritable=True))
    assert read(output).fields == ["c"]
    skim(tmp_path / "x.root", output, SkimSettings(), overwrite=True)
    with uproot.open(output) as file:
        assert [branch.array().tolist() for branch in file["taus"].branches] == [[1, 1], [1, 1], [0, 1]]


def test_the_event_drop_keeps_counters_and_fixed_arrays(tmp_path, make_targets_file, output):
    entries = 300
    columns = {
        "tau_pt": np.full(entries, 50, np.float32),
        "nJet": (np.arange(entries) % 3).astype(np.int32),
        "Jet_pt": ak.unflatten(np.ones(entries), np.arange(entries) % 3),
        "cov": np.arange(3 * entries, dtype=np.float32).reshape(entries, 3),
    }
    with uproot.recreate(tmp_path / "x.root") as file:
        types = {
            key: v.type.content if isinstance(v, ak.Array) else np.dtype((v.dtype, v.shape[1:]))
            for key, v in columns.items()
        }
        file.mktree("taus", types, counter_name=lambda name: "nJet").extend(columns)
    targets = make_targets_file(mt__EMB=np.ones(17))
    drop_events(tmp_path / "x.root", targets, output, EventDropSettings(target_histogram="mt/EMB"))
    assert branches(output) == list(columns)
    found = read(output)
    assert len(found) == entries
    for name, values in columns.items():
        assert ak.array_equal(found[name], values)
