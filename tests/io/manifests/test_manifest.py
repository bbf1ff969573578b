"""Outputs are whole or absent; manifests decide whether a step runs again."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from TauAdv.cli.report import report_errors
from TauAdv.errors import InputError, OutputExistsError, TauAdvError, WriteError
from TauAdv.io.atomic import new_file, new_folder
from TauAdv.io.leftovers import remove_leftovers
from TauAdv.io.manifests.manifest import describe_input, finished, manifest_path, read_manifest, write_manifest
from TauAdv.io.resumable import resumable_folder


def make(path, settings, inputs=()):
    with new_file(path) as temporary:
        temporary.write_text("content")
    return write_manifest(path, step="test", settings=settings, inputs=inputs, counts={"n": np.int64(3)}, seed=1)


def test_file_appears_only_when_whole(tmp_path):
    path = tmp_path / "sub" / "out.txt"
    with pytest.raises(RuntimeError), new_file(path) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == ".txt"
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    with new_file(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_failing_step_keeps_the_old_file(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), new_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"


def test_folder_replaces_an_old_one(tmp_path):
    folder = tmp_path / "set"
    for content in ("old", "new"):
        with new_folder(folder, own=("old",)) as temporary:
            (temporary / content).write_text(content)
    assert [path.name for path in folder.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), new_folder(folder, own=("new",)) as temporary:
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("failing", [1, 2])
def test_a_swap_that_fails_leaves_the_old_folder(tmp_path, monkeypatch, error, failing):
    folder, calls, replace = tmp_path / "set", [], os.replace
    folder.mkdir()
    (folder / "old").write_text("old")

    def fail(source, target):
        calls.append(source)
        if len(calls) == failing:
            raise error
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(error), new_folder(folder, own=("old",)) as temporary:
        (temporary / "new").write_text("new")
        patch.setattr("TauAdv.io.atomic.os.replace", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert [path.name for path in folder.iterdir()] == ["old"]


@pytest.mark.parametrize("opened", [new_folder, lambda path: resumable_folder(path, {"seed": 1}, own=("*",))])
def test_a_file_is_no_folder_to_replace(tmp_path, opened):
    path, begun = tmp_path / "notes.txt", []
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"notes\.txt: is a file, expected a folder"), opened(path):
        begun.append(path)
    assert not begun
    assert path.read_text() == "mine"
    path.unlink()
    with pytest.raises(OutputExistsError, match="is a file"), opened(path):
        path.write_text("put there meanwhile")
    assert path.read_text() == "put there meanwhile"


def _make_folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    ("make_it", "folder", "message"),
    [
        (_make_folder, False, "is a folder, expected a file or nothing there; give another output name$"),
        (os.mkfifo, False, "is a named pipe, expected a file or nothing there; give another output name$"),
        (os.mkfifo, True, "is a named pipe, expected a folder or nothing there; give another output name$"),
        (Path.touch, True, "is a file, expected a folder or nothing there; give another output name$"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_never_replaced_is_not_promised(make_it, folder, message, overwrite, tmp_path):
    make_it(tmp_path / "out.root")
    with pytest.raises(OutputExistsError, match=rf"out\.root: {message}"):
        finished(tmp_path / "out.root", step="test", settings={}, overwrite=overwrite, folder=folder)


def test_a_link_to_another_output_is_not_replaced(tmp_path):
    make(tmp_path / "first.txt", {"cut": 1})
    write_manifest(tmp_path / "out.txt", step="test", settings={"cut": 1}, content=tmp_path / "first.txt")
    (tmp_path / "out.txt").symlink_to("first.txt")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"out\.txt: is a link to first\.txt, which is not replaced"):
            finished(tmp_path / "out.txt", step="test", settings={"cut": 2}, overwrite=overwrite)


def test_an_output_whose_place_is_fixed_can_only_be_replaced(tmp_path):
    folder = tmp_path / ("0123456789abcdef" * 2) / "artifacts"  # in a run
    folder.mkdir(parents=True)
    make(folder / "out.txt", {"cut": 1})
    with pytest.raises(OutputExistsError, match=r"\(cut: 1 before, 2 now\); --overwrite replaces it$"):
        finished(folder / "out.txt", step="test", settings={"cut": 2})


def test_finished_step_is_recognised(tmp_path):
    source = tmp_path / "in.txt"
    source.write_text("abc")
    path = tmp_path / "out.txt"
    settings = {"cut": 0.5, "edges": np.array([1.0, 2.0]), "names": ("a", "b")}
    assert finished(path, step="test", settings=settings, inputs=[source]) is None
    written = make(path, settings, [source])
    assert finished(path, step="test", settings=settings, inputs=[source]) == written == read_manifest(path)
    assert written["counts"] == {"n": 3}
    assert finished(path, step="test", settings=settings, inputs=[source], overwrite=True) is None


@pytest.mark.parametrize("change", ["settings", "inputs", "step"])
def test_changed_step_is_refused(tmp_path, change):
    source = tmp_path / "in.txt"
    source.write_text("abc")
    path = tmp_path / "out.txt"
    make(path, {"cut": 1}, [source])
    if change == "inputs":
        source.write_text("abcd")
    with pytest.raises(OutputExistsError, match=f"other {change}"):
        finished(
            path,
            step="other" if change == "step" else "test",
            settings={"cut": 2 if change == "settings" else 1},
            inputs=[source],
        )


def test_output_without_manifest_is_refused(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("of somebody")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"out\.txt: exists, and no manifest says .*: move it away"):
            finished(path, step="test", settings={}, overwrite=overwrite)
    with pytest.raises(OutputExistsError, match="no manifest says"), new_file(path) as temporary:
        temporary.write_text("of ours")
        write_manifest(path, step="test", settings={}, content=temporary)
    assert path.read_text() == "of somebody"
    assert not manifest_path(path).exists()
    manifest_path(path).write_text("{")
    with pytest.raises(InputError, match=r"out\.txt\.manifest\.json: damaged: expected JSON .*; remove out"):
        read_manifest(path)


def test_an_output_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"nosuch: no such file or folder$"):
        read_manifest(tmp_path / "nosuch")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"folder: no manifest \(manifest.json\)"):
        read_manifest(tmp_path / "folder")


def test_describe_input_sees_the_end_of_large_files(tmp_path):
    path = tmp_path / "large"
    content = bytearray(3 << 20)
    path.write_bytes(content)
    before = describe_input(path)
    content[-1] = 1
    path.write_bytes(content)
    assert describe_input(path) != before
    with pytest.raises(InputError, match="no such file"):
        describe_input(tmp_path / "absent")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"without manifest\.json"):
        describe_input(tmp_path / "folder")


def test_scripts_show_errors_without_traceback(capsys):
    @report_errors
    def main():
        raise TauAdvError("the way out")

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: the way out\n"


def test_resumable_folder_keeps_the_work_of_a_killed_run(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumable_folder(tmp_path / "out", {"seed": 1}, own=("*",)) as work:
        (work / "part").write_text("done")
        raise KeyboardInterrupt
    assert not (tmp_path / "out").exists()
    with resumable_folder(tmp_path / "out", {"seed": 1}, own=("*",)) as work:
        assert (work / "part").read_text() == "done"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_run_was_writing_does_not_stay(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumable_folder(tmp_path / "out", {"seed": 1}, own=("*", "*/*")) as work:
        (work / "set").mkdir()
        for name in ("part.arrow", "set/part.arrow"):
            with new_file(work / name) as temporary:
                left = temporary  # as after kill -9, which no "finally" survives
                temporary.write_text("whole")
            left.write_text("half")
        with new_folder(work / "step") as temporary:
            left = temporary
        left.mkdir()
        (left / "variables").write_text("half")
        raise KeyboardInterrupt
    with resumable_folder(tmp_path / "out", {"seed": 1}, own=("*", "*/*")):
        pass
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*"))
    assert found == ["part.arrow", "set", "set/part.arrow", "step"]


def test_only_temporaries_of_our_own_naming_are_removed(tmp_path):
    names = ["mine.tmp", ".mine.tmp.txt", "notes.abc.tmp", f".x.{'0' * 32}.tmp.backup.txt", f"x.{'0' * 32}"]
    ours = [f".part.{'0' * 32}.tmp.arrow", f"features-00000.{'a' * 32}.tmp", f".manifest.json.{'b' * 32}.tmp"]
    for name in names + ours:
        (tmp_path / name).write_text("x")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_resumable_folder_of_another_plan(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumable_folder(tmp_path / "out", {"seed": 1}, own=("*",)) as work:
        (work / "part").write_text("done")
        raise KeyboardInterrupt
    with (
        pytest.raises(OutputExistsError, match="unfinished work"),
        resumable_folder(tmp_path / "out", {"seed": 2}, own=("*",)),
    ):
        pass
    with resumable_folder(tmp_path / "out", {"seed": 2}, overwrite=True, own=("*",)) as work:
        assert not (work / "part").exists()


def test_resumable_folder_is_removed_when_the_input_is_at_fault(tmp_path):
    with pytest.raises(InputError), resumable_folder(tmp_path / "out", {}, own=("*",)) as work:
        (work / "part").write_text("bad")
        raise InputError("bad input")
    assert not list(tmp_path.iterdir())


def test_work_before_a_full_disk_is_kept(tmp_path):
    with pytest.raises(WriteError), resumable_folder(tmp_path / "out", {}, own=("*",)) as work:
        (work / "part").write_text("whole")
        raise OSError(errno.ENOSPC, "No space left on device")
    with resumable_folder(tmp_path / "out", {}, own=("*",)) as work:
        assert (work / "part").read_text() == "whole"


def test_folder_of_others_is_never_replaced(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match="did not make"):
        finished(folder, step="test", settings={}, overwrite=True, folder=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_changed_settings_in_groups_are_named(tmp_path):
    path = tmp_path / "out.txt"
    outputs = {"trainval": {"file": "a_long_name_of_a_file_for_training_and_validation.root", "batches": 4}}
    make(path, {"outputs": outputs, "sources": [{"name": "a", "ids": [1, 2]}, {"name": "W+jets", "ids": [3]}]})
    changed = {
        "outputs": {"trainval": outputs["trainval"] | {"batches": 3}},
        "sources": [{"name": "a", "ids": [1]}, {"name": "c", "ids": [3]}],
    }
    expected = (
        r"\(outputs\.trainval\.batches: 4 before, 3 now; sources\.0\.ids: \[1, 2\] before, \[1\] now; "
        r"sources\.1\.name: \"W\+jets\" before, \"c\" now\)"
    )
    with pytest.raises(OutputExistsError, match=expected):
        finished(path, step="test", settings=changed)


def test_changed_settings_are_named(tmp_path):
    path = tmp_path / "out.txt"
    make(path, {"cut": 1, "tree": "taus"})
    with pytest.raises(OutputExistsError, match=r"cut: 1 before, 2 now\)"):
        finished(path, step="test", settings={"cut": 2, "tree": "taus"})
