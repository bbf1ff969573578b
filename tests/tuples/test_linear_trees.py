import cProfile
import io
import pstats

import awkward as ak
import numpy as np
import pytest
import uproot
from same_arrays import assert_same_arrays

from TauAdv.tuples import linear_trees
from TauAdv.tuples.linear_trees import POSITIONS, LinearTree
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter

Upstream = uproot.writing._cascadetree.Tree
LISTS = ak.Array([[1, 2, 300], [], [4]])
COLUMNS = {
    "tau_pt": np.array([30, 40, 50], "f4"),
    "pfCand_pt": ak.values_astype(LISTS, "f4"),
    "pfCand_charge": ak.values_astype(LISTS, "i4"),
    "jet_pt": ak.Array([[1.5], [2.5, 3.5], []]),
    "flag": np.array([True, False, True]),
    "matrix": np.arange(18, dtype=np.uint64).reshape(3, 2, 3),
    "n" * 300: np.arange(3),
}


def description(kind, tree):
    content = b"".join(kind._build_out(tree))
    branches = [tuple(branch.get(position) for position in POSITIONS) for branch in tree._branch_data]
    return content, branches, tree._metadata_start


def assert_same_description(tree):
    expected = description(Upstream, tree)
    assert len(expected[0]) > 500
    assert description(LinearTree, tree) == expected


@pytest.mark.parametrize("baskets", [0, 1, 12])
def test_description_has_the_bytes_of_uproot(tmp_path, baskets):
    with TupleWriter(tmp_path / "x.root", schema_types=False) as writer:
        for _ in range(baskets):
            writer.extend(COLUMNS)
        if not baskets:
            writer.extend({name: values[:0] for name, values in COLUMNS.items()})
        tree = writer._trees["taus"][0]._cascading
        assert type(tree) is LinearTree
        assert_same_description(tree)
    assert_same_arrays(read(tmp_path / "x.root")[:3], ak.zip(COLUMNS, depth_limit=1)[: 3 * baskets])


@pytest.mark.parametrize("types", [{"text": "string", "x": "i8"}, {"only": "f8"}, {"record": {"x": "f4", "y": "i2"}}])
def test_other_kinds_of_branches_have_the_bytes_of_uproot(types):
    with uproot.recreate(io.BytesIO()) as file:
        assert_same_description(file.mktree("other", types)._cascading)


def test_uproot_is_as_before_outside_of_the_block():
    with linear_trees.linear_trees(), uproot.recreate(io.BytesIO()) as file:
        assert type(file.mktree("x", {"x": "f4"})._cascading) is LinearTree
    assert uproot.writing._cascadetree.Tree is Upstream


@pytest.fixture
def checked_again():
    linear_trees._has_same_bytes.cache_clear()
    yield
    linear_trees._has_same_bytes.cache_clear()


@pytest.mark.usefixtures("checked_again")
@pytest.mark.parametrize("other", [lambda tree: [b"another layout"], lambda tree: None, lambda: None])
def test_another_uproot_is_left_alone(monkeypatch, tmp_path, other):
    monkeypatch.setattr(LinearTree, "_build_out", other)
    with TupleWriter(tmp_path / "x.root") as writer:
        writer.extend({"tau_pt": np.array([30.0])})
        assert type(writer._trees["taus"][0]._cascading) is Upstream
    assert read(tmp_path / "x.root")["tau_pt"].tolist() == [30.0]


def calls(kind, branches):
    """Return how many functions are called to describe a tree."""
    with uproot.recreate(io.BytesIO()) as file:
        tree = file.mktree("tree", {f"x{number}": "f4" for number in range(branches)})._cascading
    profile = cProfile.Profile()
    profile.runcall(kind._build_out, tree)
    return pstats.Stats(profile).total_calls


def is_linear(kind):
    few, more, most = (calls(kind, branches) for branches in (50, 100, 150))
    return most - more < 1.1 * (more - few)


def test_each_further_branch_costs_the_same():
    assert is_linear(LinearTree)


@pytest.mark.xfail(
    strict=True, reason="if uproot's own way is linear: remove TauAdv/tuples/linear_trees.py, see docs/upstream.md"
)
def test_uproot_needs_the_workaround():
    assert is_linear(Upstream)
