import os
import shutil

import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.files.inputs import resolve_inputs
from TauAdv.tuples.files.same_files import same_files


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.root"
    path.write_bytes(b"root" + bytes(range(200)))
    return path


def linked(path):
    other = path.with_name("b.root")
    other.symlink_to(path.name)
    return other


def hard_linked(path):
    other = path.with_name("b.root")
    os.link(path, other)
    return other


def in_a_linked_folder(path):
    folder = path.parent.parent / f"{path.parent.name}_linked"
    folder.symlink_to(path.parent)
    return folder / path.name


def copied(path):
    return shutil.copy(path, path.with_name("b.root"))


@pytest.mark.parametrize("again", [linked, hard_linked, in_a_linked_folder, copied])
def test_a_file_under_two_names_is_refused(file, again):
    other = again(file)
    kind = "have the same content" if again is copied else "are the same"
    with pytest.raises(InputError, match=rf"a\.root and .* {kind}: entries would count twice\n.*--allow-duplicates"):
        resolve_inputs([file, other])
    assert resolve_inputs([file, other], allow_duplicates=True) == [file, other]


def test_the_same_name_counts_once(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert resolve_inputs([file, file, "a.root", "./a.root", f"{file.parent}/*.root", file.parent]) == [file]


def test_files_of_equal_size_and_other_content_are_different(file, tmp_path):
    large = b"root" + bytes(3_000_000)
    middle = large[:1_500_000] + b"x" + large[1_500_001:]
    for name, content in (("b.root", large), ("c.root", middle)):
        (tmp_path / name).write_bytes(content)
    assert same_files([tmp_path / "b.root", tmp_path / "c.root"]) == []
    assert len(resolve_inputs(tmp_path)) == 3


def test_empty_files_are_left_to_their_reader(tmp_path):
    for name in ("a.root", "b.root"):
        (tmp_path / name).touch()
    assert len(resolve_inputs(tmp_path)) == 2
