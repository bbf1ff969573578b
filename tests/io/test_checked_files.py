"""Files whose checksums are kept beside them."""

import pytest

from TauAdv.errors import InputError
from TauAdv.io import checked_files
from TauAdv.io.checked_files import CHECKSUMS, new_checked_file, read_text, require_undamaged, write_checked_text


def flip(path, position=0):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))


def test_damage_is_noticed(tmp_path):
    for name in ("a.txt", "b.txt"):
        write_checked_text(tmp_path / name, f"content of {name}")
        require_undamaged(tmp_path / name)
    flip(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"a\.txt: damaged or replaced"):
        require_undamaged(tmp_path / "a.txt")
    assert read_text(tmp_path / "b.txt") == "content of b.txt"


def test_files_without_known_checksum_pass(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    require_undamaged(tmp_path / "a.txt")
    write_checked_text(tmp_path / "b.txt", "y")
    require_undamaged(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"a\.txt: damaged: not UTF-8 text \(byte 0\)"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize("moment", ["before the file", "after the file"])
def test_a_kill_while_a_file_is_replaced(tmp_path, monkeypatch, moment):
    path = tmp_path / "a.txt"
    write_checked_text(path, "old")
    real, calls = checked_files._record, []

    def record(folder, checksums):
        calls.append(1)
        if len(calls) == 2 and moment == "after the file":
            raise KeyboardInterrupt
        real(folder, checksums)
        if len(calls) == 1 and moment == "before the file":
            raise KeyboardInterrupt

    monkeypatch.setattr(checked_files, "_record", record)
    with pytest.raises(KeyboardInterrupt):
        write_checked_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == ("old" if moment == "before the file" else "new")
    require_undamaged(path)
    write_checked_text(path, "newer")
    assert read_text(path) == "newer"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"files": 3}', '{"files": {"a.txt": 3}}'])
def test_damaged_checksums(tmp_path, content):
    write_checked_text(tmp_path / "a.txt", "x")
    (tmp_path / CHECKSUMS).write_text(content)
    with pytest.raises(InputError, match=r"checksums\.json: damaged"):
        require_undamaged(tmp_path / "a.txt")
    with new_checked_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("y")
    require_undamaged(tmp_path / "a.txt")
