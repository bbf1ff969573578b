from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot

from TauAdv.tuples.branches.types import BranchType, common_dtype
from TauAdv.tuples.formats.root_types import branch_types


def number(dtype, **more):
    return BranchType(typename=dtype, dtype=np.dtype(dtype), **more)


@pytest.mark.parametrize(
    ("dtypes", "common"),
    [
        (["float32", "float64"], "float64"),
        (["int32", "int64"], "int64"),
        (["uint8", "int8"], "int16"),
        (["uint32", "int32"], "int64"),
        (["int32", "float32"], "float64"),
        (["uint16", "float32"], "float32"),
        (["bool", "int32"], "int32"),
        (["bool", "float32"], "float32"),
        (["float32", "float32"], "float32"),
        (["int64", "float64"], None),
        (["int64", "float32"], None),
        (["int64", "uint64"], None),
        (["uint64", "float64"], None),
        (["uint64", "int8"], None),
        (["int8", "uint64", "float64"], None),
    ],
)
def test_a_common_type_loses_no_value(dtypes, common):
    assert common_dtype(map(number, dtypes)) == (None if common is None else np.dtype(common))


def test_lists_and_arrays_have_no_common_type_with_numbers():
    for other in (number("float32", jagged=True), number("float32", shape=(3,)), BranchType("std::string")):
        assert common_dtype([number("float32"), other]) is None
    assert common_dtype([BranchType("std::string"), BranchType("std::string")]) is None


@pytest.mark.parametrize("dtype", ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_numbers_of_a_ttree(tmp_path, dtype):
    wanted = {"one": np.dtype(dtype), "some": np.dtype((dtype, (3, 2))), "list": ak.types.ListType(ak_type(dtype))}
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mktree("taus", wanted, counter_name=lambda name: "nX")
    with uproot.open(tmp_path / "x.root") as file:
        found = branch_types(file["taus"])
    assert list(found) == ["one", "some", "nX", "list"]
    assert all(branch.dtype == np.dtype(dtype) for name, branch in found.items() if name != "nX")
    assert (found["one"].is_number, found["some"].shape, found["list"].counter) == (True, (3, 2), "nX")
    assert all(branch.can_be_written for branch in found.values())


def ak_type(dtype):
    return ak.types.NumpyType(np.dtype(dtype).name)


def test_fields_of_an_rntuple(tmp_path):
    records = ak.Array(
        {
            "pt": np.ones(2, np.float32),
            "list": ak.Array([[1.0], []]),
            "name": ["a", "b"],
            "lists": [[[1]], []],
            "maybe": [1, None],
            "record": [{"x": 1}, {"x": 2}],
        }
    )
    records["fixed"] = ak.from_numpy(np.ones((2, 3), np.int16), regulararray=True)
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mkrntuple("taus", records.layout.form).extend(records)
    with uproot.open(tmp_path / "x.root") as file:
        found = branch_types(file["taus"])
    assert {name for name, branch in found.items() if branch.can_be_written} == {"pt", "list", "fixed"}
    assert (found["pt"].dtype, found["list"].jagged, found["fixed"].shape) == (np.float32, True, (3,))
    assert [found[name].kind for name in ("name", "lists", "maybe", "record")] == [
        "text",
        "lists of lists",
        "a value that may be missing",
        "a structure",
    ]


def test_objects_are_named(reference_data):
    with uproot.open(reference_data / "cases/roots/objects.root") as file:
        found = branch_types(file["taus"])
    assert {name: (found[name].typename, found[name].kind) for name in found if not found[name].can_be_written} == {
        "tau_p4": ("TLorentzVector", "an object"),
        "dataset": ("std::string", "text"),
        "vtx": ("struct {float x; float y;}", "a structure of several leaves"),
        "vv": ("std::vector<std::vector<float>>", "lists of lists"),
        "triggers": ("std::vector<std::string>", "an object"),
    }
    assert (found["cov"].shape, found["pfCand_pt"].jagged) == ((3,), True)


class _Split:
    """A branch as uproot reads that of a split TClonesArray: its own data are the numbers of objects."""

    name = "Particle"
    branches = ("Particle.PT", "Particle.Eta")

    def member(self, name, none_if_missing=False):
        return {"fClonesName": "GenParticle", "fBasketSeek": np.zeros(1, np.int64)}.get(name)

    num_baskets = 1


def test_a_split_object_is_not_taken_for_the_number_of_its_parts(monkeypatch):
    monkeypatch.setattr("TauAdv.tuples.formats.root_types.uproot.TTree", SimpleNamespace)
    tree = SimpleNamespace(branches=[_Split()], num_entries=3)
    (found,) = branch_types(tree).values()
    assert (found.typename, found.kind, found.can_be_written) == ("GenParticle", "an object split into branches", False)
