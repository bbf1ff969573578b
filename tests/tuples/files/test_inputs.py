import os
import re
from pathlib import Path

import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.files.header import check_root_file
from TauAdv.tuples.files.inputs import resolve_inputs


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


@pytest.mark.parametrize("name", ["files.txt", "files.list", "files.LIST"])
def test_text_lists_have_these_endings(folder, name):
    (folder / name).write_text("a.root\n")
    assert names(resolve_inputs(folder / name), folder) == ["a.root"]


def test_linked_folders_are_read_and_loops_are_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "elsewhere/deep/d.root").touch()
    (folder / "sub/linked").symlink_to(tmp_path / "elsewhere")
    (folder / "sub/loop").symlink_to(folder)
    (tmp_path / "elsewhere/deep/up").symlink_to("..")
    expected = ["a.root", "b.root", "sub/c.root", "sub/linked/deep/d.root"]
    assert names(resolve_inputs(folder), folder) == expected
    assert names(resolve_inputs(f"{folder}/**/*.root"), folder) == expected


def test_links_to_nothing_are_errors(folder):
    (folder / "sub/x.root").symlink_to("lost.root")
    for name in (folder, folder / "sub/x.root"):
        with pytest.raises(InputError, match=r"x\.root: is a link to nothing \(lost\.root\)"):
            resolve_inputs(name)


@pytest.mark.parametrize("name", ["", "{}/**/*.root", "{}/*/*.root"])
def test_folders_that_cannot_be_read_are_errors(folder, name, monkeypatch):
    listdir = os.listdir

    def refuse(path):  # a mode does not keep out the root user
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(InputError, match=r"sub: this folder cannot be read \(Permission denied\)"):
        resolve_inputs(name.format(folder) or folder)


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_an_empty_name_is_not_the_working_folder(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match="the name of an input is empty"):
        resolve_inputs([name])
    with pytest.raises(InputError, match="the name of an input is empty"):
        resolve_inputs([name], prefix=str(folder))


def test_real_names_win_over_patterns_and_variables(folder, monkeypatch):
    for name in ("a[b].root", "$HOME.root", "~.root", "x*.root"):
        (folder / name).touch()
    (folder / "xy.root").touch()
    for name in ("a[b].root", "$HOME.root", "~.root", "x*.root"):
        assert names(resolve_inputs(folder / name), folder) == [name]
    monkeypatch.setenv("SAMPLES", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    inputs = ["$SAMPLES/a.root", "${SAMPLES}/b.root", "~/xy.root", f"file://{folder}/sub/c.root"]
    assert names(resolve_inputs(inputs), folder) == ["a.root", "b.root", "xy.root", "sub/c.root"]
    with pytest.raises(InputError, match=r"is the variable \$LOST_VARIABLE set\?"):
        resolve_inputs("$LOST_VARIABLE/a.root")


def test_relative_names_of_a_list(folder, tmp_path, monkeypatch):
    (folder / "list.txt").write_text("a.root\n")
    monkeypatch.chdir(tmp_path)
    assert names(resolve_inputs("data/list.txt"), Path("data")) == ["a.root"]
    (tmp_path / "a.root").write_text("another")
    with pytest.raises(InputError, match=r"list\.txt: line 1, a\.root: is in the working folder and also beside the list"):
        resolve_inputs("data/list.txt")
    monkeypatch.chdir(folder)
    assert resolve_inputs("list.txt") == [Path("a.root")]


def test_names_that_are_almost_right_are_suggested(folder):
    with pytest.raises(InputError, match="without spaces around"):
        resolve_inputs(f"{folder}/a.root ")
    (folder / "tuples.root").touch()
    with pytest.raises(InputError, match=r"tuple\.root: no such file or folder \(did you mean 'tuples\.root'\?\)"):
        resolve_inputs(folder / "tuple.root")


def test_names_that_cannot_be_names(folder):
    with pytest.raises(InputError, match="NUL byte"):
        resolve_inputs("a\0.root")
    with pytest.raises(InputError, match="File name too long"):
        resolve_inputs("a" * 5000)


def test_a_pattern_takes_folders_and_lists_too(folder):
    (folder / "sub/more.list").write_text(f"{folder}/a.root\n")
    assert names(resolve_inputs(f"{folder}/su*"), folder) == ["sub/c.root"]
    assert names(resolve_inputs(f"{folder}/sub/*"), folder) == ["sub/c.root", "a.root"]


@pytest.mark.parametrize("name", ["edges=[20,40]", "control_region=x/region.yaml", "a.b=1"])
def test_settings_among_the_inputs(name, tmp_path):
    (tmp_path / "a.root").write_bytes(b"root")
    with pytest.raises(InputError, match=r"\(if that is a setting and no file, put it before the option"):
        resolve_inputs([tmp_path / "a.root", name])
