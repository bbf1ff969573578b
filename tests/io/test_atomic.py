"""What is written survives a power failure: content before name, and the name in its folder."""

import os

import pytest

from TauAdv.io.atomic import new_folder, write_text


@pytest.fixture
def done(monkeypatch, really_forced_to_disk):
    """What was forced to the disk, by number of the file system, and when something was renamed; in this order."""
    found, rename = [], os.replace

    def force(descriptor):
        really_forced_to_disk(descriptor)
        found.append(os.fstat(descriptor).st_ino)

    def replace(source, target):
        found.append("renamed")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", force)
    monkeypatch.setattr(os, "replace", replace)
    return found


def number(path):
    return path.stat().st_ino


def test_a_file(tmp_path, done):
    for text in ("new", "replaced"):
        done.clear()
        write_text(tmp_path / "a.txt", text)
        assert done == [number(tmp_path / "a.txt"), "renamed", number(tmp_path)]


def test_a_folder(tmp_path, done):
    with new_folder(tmp_path / "out") as folder:
        (folder / "inner").mkdir()
        for name in ("a.txt", "inner/b.txt"):
            (folder / name).write_text(name)
    *files, renamed, above = done
    assert sorted(files) == sorted(number(tmp_path / "out" / name) for name in ("a.txt", "inner/b.txt"))
    assert (renamed, above) == ("renamed", number(tmp_path))


def test_a_file_system_that_forces_no_folders(tmp_path, monkeypatch):
    import errno

    def refuse(descriptor):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    write_text(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").read_text() == "x"
