import struct

import numpy as np
import pytest
import uproot

from TauAdv.errors import InputError
from TauAdv.tuples.files.header import check_root_file
from TauAdv.tuples.histograms import read_th1
from TauAdv.tuples.reader import TupleReader, read
from TauAdv.tuples.trees import open_root, tree_names, without_cycle


@pytest.fixture
def versions(tmp_path):
    """A file with two versions of a tree, one in a folder, and a histogram."""
    with uproot.recreate(tmp_path / "x.root") as file:
        for values in ([1.0], [2.0, 3.0]):
            file.mktree("taus", {"tau_pt": "f4"}).extend({"tau_pt": np.array(values, np.float32)})
        file.mktree("folder/taus", {"tau_pt": "f4"}).extend({"tau_pt": np.zeros(5, np.float32)})
        file["pt"] = np.histogram(np.ones(3), bins=2)
    return tmp_path / "x.root"


def test_the_latest_version_of_a_tree_counts_and_older_ones_on_request(versions):
    assert read(versions)["tau_pt"].tolist() == [2, 3]
    assert read(versions, tree="taus;2")["tau_pt"].tolist() == [2, 3]
    assert read(versions, tree="taus;1")["tau_pt"].tolist() == [1]
    assert len(read(versions, tree="folder/taus")) == len(read(versions, tree="/folder/taus")) == 5
    with open_root(versions) as file:
        assert tree_names(file) == ["taus", "folder/taus"]
    with pytest.raises(InputError, match=r"no tree 'taus;3'.*trees in this file: taus, folder/taus"):
        TupleReader(versions, "taus;3")


def test_an_object_that_is_no_tree_is_called_what_it_is(versions):
    with pytest.raises(InputError, match=r"'pt' is a TH1D, not a tree; trees in this file: taus, folder/taus"):
        TupleReader(versions, "pt")


def test_name_without_version():
    assert [without_cycle(name) for name in ("taus", "taus;2", "/folder/taus;1")] == ["taus", "taus", "folder/taus"]


def test_an_empty_list_of_contents_is_not_called_a_missing_tree(tmp_path):
    uproot.recreate(tmp_path / "x.root").close()
    with pytest.raises(InputError, match=r"no tree 'taus': the file has no list of contents"):
        TupleReader(tmp_path / "x.root")


@pytest.mark.parametrize(
    "name", ["a::b.root", "a:b.root", "b.root:taus", "root:b.root", "a#b.root", "a b.root", "é[1].root"]
)
def test_names_are_taken_as_they_are(tmp_path, name, write, taus):
    path = write(name, taus)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert len(read(path)) == len(taus)


def test_header_of_a_negative_version(write, taus):
    path = write("x.root", taus)
    content = bytearray(path.read_bytes())
    content[4:8] = struct.pack(">i", -62208)
    path.write_bytes(content)
    check_root_file(path)
    assert len(read(path)) == len(taus)
    path.write_bytes(content[:-10])
    with pytest.raises(InputError, match="truncated"):
        check_root_file(path)


def test_public_file_of_a_negative_version(reference_data):
    path = reference_data / "cases/roots/negative_version.root"
    with uproot.open(path) as file:
        expected = file["data"].values()
    assert read_th1(path, "data").values().tolist() == expected.tolist()


def test_ntuple_and_entries_stored_as_floating_point(reference_data):
    ntuple = read(reference_data / "cases/roots/tntuple.root", tree="ntup")
    assert ntuple["x"].tolist() == list(range(10))
    assert ntuple["y"].tolist() == [index + 0.5 for index in range(10)]
    reader = TupleReader(reference_data / "cases/roots/geant4_written.root", "mytree")
    assert reader.num_entries == 5
    chunks = [chunk["i32"].tolist() for chunk in reader.iterate(step_size=2, entry_start=1)]
    assert chunks == [[2, 3], [4, 5]]
