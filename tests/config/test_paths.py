"""``~`` is replaced wherever a path is written; what is not replaced is named."""

from pathlib import Path

import pytest

from TauAdv.cli.report import report_errors
from TauAdv.config import Settings, load_settings
from TauAdv.config.paths import FileName, expanded, hint_of_names, require_replaced
from TauAdv.domain.contributions.control_region import NamedRegion
from TauAdv.errors import InputError
from TauAdv.io.atomic import new_file, new_folder, write_text
from TauAdv.io.resumable import resumable_folder

REGION = """contributions:
- {name: data, dataset_id: 0, label: Data, color: black, data: true}
- {name: W, dataset_id: 1, label: W, color: red}
"""


class Own(Settings):
    from_own_folder = ("control_region",)

    folder: Path | None = None
    file: FileName | None = None
    folders: tuple[Path, ...] = ()
    title: str = "x"
    control_region: NamedRegion | None = None


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.mark.parametrize("typed", [False, True])
def test_settings(home, typed):
    (home / "region.yaml").write_text(REGION)
    words = ["folder=~/a", "file=~/b.root", "folders=[~/c, d/~]", "title=~/x", "control_region=~/region.yaml"]
    Path("own.yaml").write_text("\n".join(word.replace("=", ": ", 1) for word in words))
    found = load_settings(Own, None, words) if typed else load_settings(Own, "own.yaml")
    assert (found.folder, found.file) == (home / "a", str(home / "b.root"))
    assert found.folders == (home / "c", Path("d/~"))
    assert found.title == "~/x"  # a text
    assert [entry.name for entry in found.control_region.contributions] == ["data", "W"]


def test_names_that_are_no_home():
    for name in ("a/~", "~nobody_of_that_name/x", "a~", "$HOME/x"):
        assert expanded(name) == name


@pytest.mark.parametrize("name", ["~/x.root", "$HOME/x.root", "${HOME}/x.root", "a/$OUT.root", "a/~/b/x.root"])
def test_nothing_is_made_of_that_name(home, name):
    before = sorted(home.parent.rglob("*"))
    writers = (lambda: write_text(name, "x"), *(lambda make=make: make(name).__enter__() for make in (new_file, new_folder)))
    for write in writers:
        with pytest.raises(InputError, match=r"(~|\$\{?\w+\}?) is not replaced here, .*; write the whole path$"):
            write()
    with pytest.raises(InputError, match="is not replaced here"), resumable_folder(name, {}, own=("*",)):
        pass
    assert sorted(home.parent.rglob("*")) == before


def test_what_is_there_may_have_any_name(home):
    Path("$HOME").mkdir()
    require_replaced("$HOME/x.root")
    require_replaced("price$list/a~.root")
    write_text("$HOME/x.root", "x")


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("$HOME/a.yaml: no such configuration file", "$HOME"),
        ("control_region: '${DATA}/a.yaml': cannot be read", "${DATA}"),
        ("shards: ~nobody_of_that_name/set: no such file or folder", "~nobody_of_that_name"),
    ],
)
def test_hints_for_names_that_are_not_there(message, name, capsys):
    @report_errors
    def main(argv):
        raise InputError(message)

    with pytest.raises(SystemExit):
        main([])
    reason = "there is no such home" if name[0] == "~" else "is not replaced in quotes, behind '=' and in files"
    assert capsys.readouterr().err == f"error: {message} ({name}: {reason}; write the whole path)\n"


def test_no_hints_for_other_messages(home):
    Path("$HOME").mkdir()
    for message in ("$HOME/: is a folder", "a.root: branch '$x' is not there", "~: no group", "pt ~ 3: no such thing"):
        assert hint_of_names(message) == ""
