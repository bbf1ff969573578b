"""Only what a manifest lists is ours; a folder with anything else is never replaced or removed."""

from contextlib import suppress

import pytest

from TauAdv.errors import InputError, OutputExistsError
from TauAdv.io.atomic import new_file, new_folder
from TauAdv.io.checked_files import new_listed_file
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import finished, manifest_path, read_manifest, write_manifest
from TauAdv.io.ownership import files_in, foreign_files, require_own_file
from TauAdv.io.resumable import resumable_folder

MADE = {"step": "test", "settings": {}}


@pytest.fixture
def output(tmp_path):
    """A folder that the step ``test`` made."""
    folder = tmp_path / "out"
    with new_folder(folder) as temporary:
        (temporary / "inner").mkdir()
        for name in ("a.txt", "inner/b.txt"):
            (temporary / name).write_text(name)
        write_manifest(temporary, **MADE)
    return folder


def test_the_manifest_lists_all_files(output):
    assert sorted(read_manifest(output)["files"]) == ["a.txt", "inner/b.txt"]
    assert foreign_files(output) == []
    assert finished(output, folder=True, **MADE)


@pytest.mark.parametrize("name", ["thesis.txt", "inner/thesis.txt", ".hidden", "new/thesis.txt"])
@pytest.mark.parametrize("link", [False, True])
def test_foreign_files_are_named_and_stay(output, tmp_path, name, link):
    foreign = output / name
    foreign.parent.mkdir(exist_ok=True)
    if link:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "thesis.txt").write_text("years of work")
        foreign.symlink_to(tmp_path / "elsewhere")
    else:
        foreign.write_text("years of work")
    before = files_in(tmp_path)
    with pytest.raises(OutputExistsError, match=rf"out: holds files that are not of this output \({name}\)"):
        finished(output, overwrite=True, folder=True, **MADE)
    with pytest.raises(OutputExistsError, match=name), new_folder(output):
        pass
    with pytest.raises(OutputExistsError, match=name), resumable_folder(output, {}, own=("*",)):
        pass
    assert files_in(tmp_path) == before


def test_a_file_that_comes_while_it_is_replaced_stays(output):
    with pytest.raises(OutputExistsError, match=r"thesis\.txt"), new_folder(output) as temporary:
        (output / "thesis.txt").write_text("years of work")
        write_manifest(temporary, **MADE)
    assert (output / "thesis.txt").read_text() == "years of work"
    assert (output / "a.txt").read_text() == "a.txt"


def test_a_manifest_cannot_claim_what_is_outside(output, tmp_path):
    foreign = tmp_path / "thesis.txt"
    foreign.write_text("years of work")
    (output / "manifest.json").write_text('{"step": "test", "files": ["../thesis.txt"]}')
    with pytest.raises(InputError, match=r"files.*expected a path inside of the folder"):
        read_manifest(output)
    with pytest.raises(OutputExistsError):
        finished(output, overwrite=True, folder=True, **MADE)
    assert foreign.exists()


def test_unfinished_work_with_foreign_files_is_not_removed(tmp_path):
    work = tmp_path / ".out.unfinished"
    for planted in (None, "{}", b"\xff"):
        work.mkdir(exist_ok=True)
        (work / "thesis.txt").write_text("years of work")
        if planted is not None:
            (work / "plan.json").write_bytes(planted if isinstance(planted, bytes) else planted.encode())
        for overwrite in (False, True):
            with (
                pytest.raises(OutputExistsError, match=r"unfinished: holds .*thesis\.txt"),
                resumable_folder(tmp_path / "out", {"seed": 1}, own=("part-*",), overwrite=overwrite),
            ):
                pass
        assert (work / "thesis.txt").read_text() == "years of work"


def test_files_that_come_into_unfinished_work_stay(tmp_path):
    foreign = tmp_path / ".out.unfinished" / "thesis.txt"
    with pytest.raises(InputError), resumable_folder(tmp_path / "out", {}, own=("part-*",)) as work:
        (work / "part-1").write_text("bad")
        foreign.write_text("years of work")
        raise InputError("bad input")
    assert foreign.read_text() == "years of work"
    foreign.unlink()
    with (
        pytest.raises(OutputExistsError, match=r"thesis\.txt"),
        resumable_folder(tmp_path / "out", {}, own=("part-*",)) as work,
    ):
        foreign.write_text("years of work")
        write_manifest(work, **MADE)
    assert foreign.read_text() == "years of work"


def test_links_are_not_written_through(tmp_path):
    file, folder = tmp_path / "mine.txt", tmp_path / "mine"
    file.write_text("mine")
    folder.mkdir()
    (tmp_path / "to_file").symlink_to(file)
    (tmp_path / "to_folder").symlink_to(folder)
    (tmp_path / ".out.unfinished").symlink_to(folder)
    for name in ("to_file", "to_folder"):
        for opened in (new_file, new_folder, lambda path: resumable_folder(path, {}, own=("*",))):
            with pytest.raises(OutputExistsError, match="is a link to"), opened(tmp_path / name):
                pass
    with pytest.raises(OutputExistsError, match="is a link to"), resumable_folder(tmp_path / "out", {}, own=("*",)):
        pass
    assert file.read_text() == "mine"
    assert folder.is_dir()


def test_a_folder_or_a_device_is_no_file_to_replace(tmp_path):
    for path, kind in ((tmp_path, "folder"), ("/dev/null", "device")):
        with pytest.raises(OutputExistsError, match=f"is a {kind}, expected a file"), new_file(path):
            pass


def test_leftovers_of_this_output_only_are_removed(tmp_path):
    number = "0123456789abcdef" * 2
    ours = [f".out.{number}.tmp.root", f".out.root.manifest.{number}.tmp.json"]
    others = [
        f".other.{number}.tmp.root",
        f".out.{number}.tmp.txt",
        ".out.tmp.root",
        f"out.{number}.tmp.root",
        f".out.{number}.root",
    ]
    for name in ours + others:
        (tmp_path / name).write_text("x")
    (tmp_path / f".out.{number[::-1]}.tmp.root").mkdir()  # a scratch folder
    (tmp_path / f".out.{number[::-1]}.tmp.root" / "bucket").write_text("x")
    (tmp_path / "foreign.txt").write_text("mine")
    (tmp_path / f".out.{number[1:]}0.tmp.root").symlink_to(tmp_path / "foreign.txt")
    with output_lock(tmp_path / "out.root"):
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "foreign.txt", ".out.root.lock"])
    assert (tmp_path / "foreign.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["", ".", "..", "../work", "./"])
def test_the_working_folder_is_no_output(tmp_path, monkeypatch, name):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(OutputExistsError, match="is the working folder, or holds it"), new_folder(name):
        pass
    assert (tmp_path / "work").samefile(".")


def written(path, content="ours"):
    with new_file(path) as temporary:
        temporary.write_text(content)
        write_manifest(path, **MADE, content=temporary)
    return path


def renamed_together(tmp_path):
    path, new = written(tmp_path / "old.root"), tmp_path / "new.root"
    manifest_path(path).rename(manifest_path(new))
    return path.rename(new)


def of_an_earlier_version(tmp_path):
    path = tmp_path / "a.root"
    path.write_text("ours")
    write_manifest(path, **MADE)
    return path


def in_a_report(tmp_path):
    with new_folder(tmp_path / "report") as temporary:
        (temporary / "roc.pdf").write_text("ours")
        write_manifest(temporary, **MADE)
    return tmp_path / "report" / "roc.pdf"


def listed(tmp_path):
    with new_listed_file(tmp_path / "roc.pdf") as temporary:
        temporary.write_text("ours")
    return tmp_path / "roc.pdf"


@pytest.mark.parametrize(
    "make", [lambda folder: written(folder / "a.root"), renamed_together, of_an_earlier_version, in_a_report, listed]
)
def test_files_that_are_ours(make, tmp_path):
    path = make(tmp_path)
    require_own_file(path)
    assert path.read_text() == "ours"


def foreign(tmp_path):
    return tmp_path / "a.root"


def beside_a_report(tmp_path):
    return in_a_report(tmp_path).with_name("a.root")


def with_the_manifest_of_another(tmp_path):
    manifest_path(written(tmp_path / "b.root")).rename(tmp_path / "a.root.manifest.json")
    return tmp_path / "a.root"


def with_a_damaged_manifest(tmp_path):
    (tmp_path / "a.root.manifest.json").write_text("{}")
    return tmp_path / "a.root"


def beside_checksums_of_somebody(tmp_path):
    (tmp_path / "checksums.json").write_text('{"files": {"a.root": ["00"]}}')
    return tmp_path / "a.root"


def added_to(tmp_path):
    write_manifest(tmp_path / "a.root", **MADE, found_there=["events"])
    return tmp_path / "a.root"


@pytest.mark.parametrize(
    "name",
    [
        *(foreign, beside_a_report, with_the_manifest_of_another, with_a_damaged_manifest, beside_checksums_of_somebody),
        added_to,
    ],
)
def test_files_of_somebody_else_stay(name, tmp_path):
    path = name(tmp_path)
    path.write_text("years of work")
    said = r"a\.root: .* never replaced: move it away, or give another output name$"
    with pytest.raises(OutputExistsError, match=said):
        require_own_file(path)
    with pytest.raises(OutputExistsError, match=said):
        finished(path, **MADE, overwrite=True)
    with pytest.raises(OutputExistsError, match=said):
        written(path)
    with pytest.raises(OutputExistsError), new_listed_file(path) as temporary:
        temporary.write_text("ours")
    assert path.read_text() == "years of work"


def test_a_file_that_comes_while_it_is_made_stays(tmp_path):
    path = tmp_path / "a.root"
    with pytest.raises(OutputExistsError, match="never replaced"), new_file(path) as temporary:
        path.write_text("years of work")
        temporary.write_text("ours")
        write_manifest(path, **MADE, content=temporary)
    with pytest.raises(OutputExistsError, match=r"b\.pdf"), new_listed_file(tmp_path / "b.pdf") as temporary:
        (tmp_path / "b.pdf").write_text("years of work")
        temporary.write_text("ours")
    assert files_in(tmp_path) == ["a.root", "b.pdf"]
    assert {file.read_text() for file in tmp_path.iterdir()} == {"years of work"}


def write(path, content):
    with new_file(path) as temporary:
        temporary.write_text(content)
        write_manifest(path, content=temporary, **MADE)


@pytest.mark.parametrize("content", ["notes of mine", '{"mine": 1}', "[]", ""])
def test_a_foreign_manifest_is_not_replaced(tmp_path, content):
    manifest = tmp_path / "x.root.manifest.json"
    manifest.write_text(content)
    with pytest.raises(OutputExistsError, match=r"x\.root\.manifest\.json: exists and is no manifest that TauAdv wrote"):
        finished(tmp_path / "x.root", overwrite=True, **MADE)
    with pytest.raises(OutputExistsError, match="is never replaced"):
        write(tmp_path / "x.root", "ours")
    assert manifest.read_text() == content
    assert not (tmp_path / "x.root").exists()


def test_a_manifest_without_its_file_is_replaced(tmp_path):
    write(tmp_path / "x.root", "ours")
    (tmp_path / "x.root").unlink()
    assert finished(tmp_path / "x.root", **MADE) is None
    write(tmp_path / "x.root", "again")


def test_another_content_under_our_name_stays(tmp_path):
    path = tmp_path / "x.root"
    write(path, "ours")
    path.write_text("theirs")
    for overwrite in (False, True):
        with pytest.raises(OutputExistsError, match=r"x\.root: its content is not what TauAdv wrote.*move it away"):
            finished(path, overwrite=overwrite, **MADE)
    assert path.read_text() == "theirs"


def test_a_killed_replacement_can_be_repeated(tmp_path):
    path = tmp_path / "x.root"
    write(path, "first")
    with suppress(KeyboardInterrupt), new_file(path) as temporary:
        temporary.write_text("second")
        write_manifest(path, content=temporary, **MADE)
        raise KeyboardInterrupt  # the manifest is of the second, the file is the first
    assert finished(path, overwrite=True, **MADE) is None
    write(path, "second")
    assert finished(path, **MADE)


def test_a_plot_that_was_replaced_stays(tmp_path):
    with new_listed_file(tmp_path / "a.pdf") as temporary:
        temporary.write_text("ours")
    (tmp_path / "a.pdf").write_text("theirs")
    with pytest.raises(OutputExistsError, match="its content is not what TauAdv wrote"), new_listed_file(tmp_path / "a.pdf"):
        pass
    assert (tmp_path / "a.pdf").read_text() == "theirs"
