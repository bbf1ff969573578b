import re

import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.file_header import check_root_file
from TauAdv.tuples.files import resolve_inputs


@pytest.fixture
def folder(tmp_path):
    for name in ("b.root", "a.root", "sub/c.root", ".hidden.root", "notes.md"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def names(paths, folder):
    return [str(path.relative_to(folder)) for path in paths]


def test_folder_is_sorted_without_hidden_files(folder):
    assert names(resolve_inputs(folder), folder) == ["a.root", "b.root", "sub/c.root"]


def test_glob_file_and_sequence_without_repetition(folder):
    assert names(resolve_inputs(f"{folder}/*.root"), folder) == ["a.root", "b.root"]
    assert names(resolve_inputs([folder / "b.root", str(folder)]), folder) == ["b.root", "a.root", "sub/c.root"]


def test_list_with_comments_and_relative_names(folder, monkeypatch):
    (folder / "list.txt").write_text("# all of them\n\nb.root  # the second\nsub/*.root\n")
    assert names(resolve_inputs(folder / "list.txt"), folder) == ["b.root", "sub/c.root"]


def test_prefix(folder):
    (folder / "list.txt").write_text("/a.root\n")
    assert names(resolve_inputs(folder / "list.txt", prefix=str(folder)), folder) == ["a.root"]
    assert names(resolve_inputs("b.root", prefix=f"{folder}/"), folder) == ["b.root"]


def test_every_unreadable_entry_of_a_list_is_named(folder):
    (folder / "list.txt").write_text("a.root\nlost.root\nnone*.root\nother.txt\nroot://far/away.root\n")
    with pytest.raises(InputError) as error:
        resolve_inputs(folder / "list.txt")
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    for line, what in zip(
        lines, ("2, .*lost.root: no such", "3, .*pattern", "4, .*list within", "5, .*remote"), strict=True
    ):
        assert re.search(what, line)


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_list_without_files(folder, text):
    (folder / "list.txt").write_text(text)
    with pytest.raises(InputError, match="names no file"):
        resolve_inputs(folder / "list.txt")


def test_missing_file_folder_without_files_and_nothing_at_all(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no such file[\s\S]*holds no \*.root"):
        resolve_inputs([tmp_path / "lost.root", tmp_path / "empty"])
    with pytest.raises(InputError, match="no input file"):
        resolve_inputs([])


def test_check_of_root_files(tmp_path):
    path = tmp_path / "x.root"
    for content, problem in ((b"", "empty file"), (b"text" * 40, "not a ROOT file"), (b"root", "not a ROOT file")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=problem):
            check_root_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        check_root_file(tmp_path / "lost.root")
