"""A manifest is believed of the file that it was written for, and of no other under the same name."""

import os
import shutil

import pytest

from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file
from TauAdv.io.manifests.manifest import manifest_path, write_manifest
from TauAdv.io.manifests.verified import describes, verified_manifest


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "out.root"
    with new_file(path) as temporary:
        temporary.write_bytes(bytes(1000))
        write_manifest(path, step="test", settings={}, content=temporary)
    return path


def exchanged(path):
    path.with_name("other").write_bytes(bytes(999) + b"x")
    shutil.copy(path.with_name("other"), path)


def cut(path):
    path.write_bytes(bytes(10))


def changed_in_place(path):
    """Content alone: size and time stay."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(500)
        stream.write(b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [exchanged, cut, changed_in_place])
def test_a_manifest_of_another_file_is_refused(output, change):
    change(output)
    with pytest.raises(
        InputError, match=r"out\.root: is not the file that out\.root\.manifest\.json describes .*; put that"
    ):
        verified_manifest(output)


@pytest.mark.parametrize("change", [exchanged, cut, changed_in_place])
def test_a_file_may_change_after_it_was_looked_at(output, change):
    assert verified_manifest(output)["step"] == "test"
    change(output)
    with pytest.raises(InputError, match="is not the file"):
        verified_manifest(output)


def test_files_that_moved_with_their_manifest(output, tmp_path):
    new = tmp_path / "elsewhere" / "new.root"
    new.parent.mkdir()
    manifest_path(output).rename(manifest_path(new))
    output.rename(new)
    assert verified_manifest(new)["step"] == "test"
    assert verified_manifest(output.with_name("nothing_beside.root")) == {}


def test_manifests_without_checksums_are_believed(tmp_path):
    """Earlier versions listed no files, folders are verified where they are opened."""
    path = tmp_path / "a.root"
    path.write_text("a")
    for files in ({}, {"files": {}}, {"files": {"a.root": None}}):
        assert describes(files, path)
    assert describes({"files": {"x": {"size": 1, "checksum": "0"}}}, tmp_path)
