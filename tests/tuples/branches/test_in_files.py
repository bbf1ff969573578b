import re

import awkward as ak
import numpy as np
import pytest
import uproot

from TauAdv.errors import InputError
from TauAdv.tuples.reader import TupleReader, read


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a tree of these branches with uproot alone and returns its path."""

    def write(name, **branches):
        path = tmp_path / name
        types = {
            key: v.type.content if isinstance(v, ak.Array) else np.dtype((v.dtype, v.shape[1:]))
            for key, v in branches.items()
        }
        with uproot.recreate(path) as file:
            tree = file.mktree("taus", types, counter_name=lambda branch: f"n{branch.split('_')[0]}")
            if len(next(iter(branches.values()))):
                tree.extend(branches)
        return path

    return write


def test_numbers_of_several_files_are_widened(make):
    one = make("1.root", x=np.array([0.1], np.float32), n=np.array([-1], np.int32), j=ak.Array([[np.float32(0.1)]]))
    two = make("2.root", x=np.array([0.1], np.float64), n=np.array([2**40]), j=ak.Array([[0.1, 0.2]]))
    for paths, order in (([one, two], 1), ([two, one], -1)):
        found = read(paths)
        assert [str(found[name].type.content) for name in ("x", "n", "j")] == ["float64", "int64", "var * float64"]
        assert found["x"].tolist() == [float(np.float32(0.1)), 0.1][::order]
        assert found["n"].tolist() == [-1, 2**40][::order]
        assert found["j"].tolist() == [[float(np.float32(0.1))], [0.1, 0.2]][::order]
        parts = [block.read(["x"])["x"] for block in TupleReader(paths).blocks(["x"])]
        assert [str(part.type.content) for part in parts] == ["float64", "float64"]
        assert str(TupleReader(paths).empty(["x"])["x"].type.content) == "float64"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros(1, np.int64), np.zeros(1, np.float64)),
        (np.zeros(1, np.int64), np.zeros(1, np.uint64)),
        (np.zeros(1, np.float32), ak.Array([[1.0]])),
        (np.zeros((1, 3), np.float32), np.zeros((1, 2), np.float32)),
    ],
)
def test_types_that_do_not_go_together_are_refused_before_anything_is_read(make, first, second):
    reader = TupleReader([make("1.root", x=first, y=np.ones(1)), make("2.root", x=second, y=np.ones(1))])
    with pytest.raises(InputError, match=r"branch 'x' of tree 'taus' has types[\s\S]*1\.root\n[\s\S]*2\.root"):
        reader.require(["x", "y"])
    assert len(list(reader.iterate(["y"]))) == 2


def test_files_without_entries_change_nothing(make, tmp_path):
    with uproot.recreate(tmp_path / "0.root") as file:
        file.mktree("taus", {"other": "f8"})
    full = make("1.root", x=np.arange(3.0))
    for files in ([tmp_path / "0.root", full], [full, tmp_path / "0.root"]):
        reader = TupleReader(files)
        assert (reader.branches, reader.num_entries, reader.only_in_some) == (["x"], 3, [])
        assert read(files)["x"].tolist() == [0, 1, 2]
    assert read(tmp_path / "0.root").fields == ["other"]


def test_a_tree_without_branches_changes_nothing(reference_data):
    folder = reference_data / "cases/roots"
    alone = read(folder / "with_branches.root")
    for files in (["no_branches.root", "with_branches.root"], ["with_branches.root", "no_branches.root"]):
        assert ak.array_equal(read([folder / name for name in files]), alone)


def test_branches_of_later_files_only_are_named(make):
    reader = TupleReader([make("1.root", x=np.ones(1)), make("2.root", x=np.ones(1), b=np.ones(1), a=np.ones(1))])
    assert reader.only_in_some == ["a", "b"]


def test_counters_of_the_file_are_branches(make):
    path = make("1.root", Jet_pt=ak.Array([[1.0], [], [2.0, 3.0]]))
    reader = TupleReader(path)
    assert reader.branches == ["nJet", "Jet_pt"]
    assert reader.counters == {"Jet_pt": "nJet"}
    assert read(path, ["nJet"])["nJet"].tolist() == [1, 0, 2]


@pytest.mark.parametrize("format", ["ttree", "rntuple"])
def test_our_counters_can_be_read_from_any_file(write, taus, format):
    path = write("x.root", taus, format=format)
    reader = TupleReader(path)
    assert reader.branches == taus.fields
    expected = ak.num(taus["pfCand_pt"]).tolist()
    assert read(path, ["n_pfCand", "tau_pt"])["n_pfCand"].tolist() == expected
    (block,) = reader.blocks(["n_pfCand"])
    assert block.read(["n_pfCand"])["n_pfCand"].tolist() == expected


def with_entries(path, entries):
    """Change the number of entries of the tree, not those of its branches: one of the threes in the file is it."""
    content, three = path.read_bytes(), (3).to_bytes(8, "big")
    for place in [match.start() for match in re.finditer(re.escape(three), content)]:
        path.write_bytes(content[:place] + entries.to_bytes(8, "big") + content[place + 8 :])
        with uproot.open(path) as file:
            if (file["taus"].num_entries, file["taus"]["x"].num_entries) == (entries, 3):
                return
    pytest.fail("no number of entries found")


@pytest.mark.parametrize("entries", [2, 4])
def test_a_wrong_number_of_entries_names_the_branch(make, entries):
    path = make("1.root", x=np.arange(3.0))
    with_entries(path, entries)
    with pytest.raises(
        InputError, match=rf"1\.root.*branch 'x' \(double\).* it has 3 entries where the tree has {entries}$"
    ):
        read(path)
