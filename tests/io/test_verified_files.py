"""A file is what was written, or is named with what is wrong."""

import resource
import subprocess
import sys

import pytest

from TauAdv.errors import InputError
from TauAdv.io.checksums import describe_file
from TauAdv.io.verified_files import FileSet, VerifiedFile, read_verified, stamp

NAMES = ("a.arrow", "b.arrow", "c.arrow")
ID, OTHER = "0" * 32, "f" * 32


def written(folder, set_id=ID):
    folder.mkdir()
    for number, name in enumerate(NAMES):
        content = f"{stamp(set_id, name)} " + f"{number}{set_id[0]}" * 1000
        (folder / name).write_text(content)
    return {name: describe_file(folder / name) for name in NAMES}


@pytest.fixture
def files(tmp_path):
    return written(tmp_path / "set")


def opened(tmp_path, files):
    found = FileSet(tmp_path / "set", files, remedy="make it again", set_id=ID)
    found.verify()
    return found


def test_whole(tmp_path, files):
    found = opened(tmp_path, files)
    assert found.size == sum((tmp_path / "set" / name).stat().st_size for name in NAMES)
    for name in NAMES:
        assert bytes(found[name].content()) == (tmp_path / "set" / name).read_bytes()


def damage(path, position=-1):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_damaged_cut_missing_and_empty(tmp_path, files):
    path = tmp_path / "set" / "b.arrow"
    whole = path.read_bytes()
    damage(path)
    with pytest.raises(InputError, match=r"b\.arrow: is damaged: checksum .*; make it again"):
        opened(tmp_path, files)
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=rf"b\.arrow: is cut short: {len(whole) - 1} bytes, expected {len(whole)}"):
        opened(tmp_path, files)
    path.write_bytes(whole + b"x")
    with pytest.raises(InputError, match=r"b\.arrow: is too long"):
        opened(tmp_path, files)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"b\.arrow: is cut short: 0 bytes"):
        opened(tmp_path, files)
    path.unlink()
    with pytest.raises(InputError, match=r"set: 1 of 3 files are missing \(b\.arrow\); make it again"):
        opened(tmp_path, files)
    path.mkdir()
    with pytest.raises(InputError, match=r"b\.arrow: cannot be opened: Is a directory"):
        opened(tmp_path, files)


def test_swapped_repeated_and_of_another_set(tmp_path, files):
    folder = tmp_path / "set"
    contents = {name: (folder / name).read_bytes() for name in NAMES}
    (folder / "a.arrow").write_bytes(contents["b.arrow"])
    with pytest.raises(InputError, match=r"a\.arrow: holds the content of b\.arrow: files were swapped or repeated"):
        opened(tmp_path, files)
    (folder / "a.arrow").write_bytes(contents["a.arrow"])
    written(tmp_path / "other", OTHER)
    (folder / "c.arrow").write_bytes((tmp_path / "other" / "c.arrow").read_bytes())
    with pytest.raises(InputError, match=rf"c\.arrow: belongs to another set \(part c\.arrow of set {OTHER}"):
        opened(tmp_path, files)


def test_nothing_is_given_out_before_it_is_compared(tmp_path, files):
    damage(tmp_path / "set" / "c.arrow")
    found = FileSet(tmp_path / "set", files, remedy="make it again")
    found["a.arrow"].content()
    with pytest.raises(InputError, match=r"c\.arrow: is damaged"):
        found["c.arrow"].content()
    with pytest.raises(InputError, match=r"c\.arrow: is damaged"):  # nor at the second attempt
        found["c.arrow"].content()


def test_replaced_files_do_not_change_what_was_opened(tmp_path, files):
    before = (tmp_path / "set" / "a.arrow").read_bytes()
    found = FileSet(tmp_path / "set", files, remedy="make it again")
    (tmp_path / "set").rename(tmp_path / "old")
    written(tmp_path / "set", OTHER)
    for name in NAMES:
        (tmp_path / "old" / name).unlink()
    assert bytes(found["a.arrow"].content()) == before


def test_released_content_is_read_again(tmp_path, files, monkeypatch):
    monkeypatch.setattr("TauAdv.io.verified_files._BLOCK", 4096)
    path = tmp_path / "set" / "a.arrow"
    path.write_bytes(bytes(range(256)) * 100)
    file = VerifiedFile(path, describe_file(path), remedy="")
    content = file.content()
    file.release()
    assert bytes(content) == bytes(range(256)) * 100
    path.write_bytes(b"")
    empty = VerifiedFile(path, describe_file(path), remedy="")
    empty.release()
    assert bytes(empty.content()) == b""


def test_known_to_be_whole(tmp_path, files):
    damage(tmp_path / "set" / "a.arrow")
    VerifiedFile(tmp_path / "set" / "a.arrow", files["a.arrow"], remedy="", verified=True).content()
    with pytest.raises(InputError, match="is damaged"):
        read_verified(tmp_path / "set" / "a.arrow", files["a.arrow"], "make it again")


_MANY = """
import resource, sys
from pathlib import Path
from TauAdv.io.checksums import describe_file
from TauAdv.io.verified_files import FileSet
folder = Path(sys.argv[1])
for number in range(100):
    (folder / f"{number}").write_bytes(bytes(number))
files = {f"{number}": describe_file(folder / f"{number}") for number in range(100)}
resource.setrlimit(resource.RLIMIT_NOFILE, (50, int(sys.argv[2])))
FileSet(folder, files, remedy="").verify()
"""


@pytest.mark.parametrize("most", [500, 60])
def test_more_files_than_the_soft_limit(tmp_path, most):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < most:
        pytest.skip("the limit of open files is lower than the test needs")
    done = subprocess.run([sys.executable, "-c", _MANY, tmp_path, str(most)], capture_output=True, text=True)
    if most == 500:
        assert done.returncode == 0, done.stderr
    elif sys.version_info < (3, 13):  # mapped files count
        assert "raise the limit of open files (ulimit -n)" in done.stderr
