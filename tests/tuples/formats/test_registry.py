import re
import sys

import awkward as ak
import numpy as np
import pytest
from parquet_tuples import write_parquet
from same_arrays import assert_same_arrays

from TauAdv.errors import ConfigError, InputError
from TauAdv.tuples.formats.registry import format_of, formats
from TauAdv.tuples.reader import open_tuples, read


def test_the_content_decides_and_then_the_suffix(write, taus, tmp_path):
    root, table = write("a.root", taus), write_parquet(tmp_path / "b.parquet", taus)
    assert (format_of(root).name, format_of(table).name) == ("ROOT", "Parquet")
    renamed = {root.rename(tmp_path / "a.dat"): "ROOT", table.rename(tmp_path / "b.root"): "Parquet"}
    for path, name in renamed.items():
        assert format_of(path).name == name
        assert open_tuples(path).num_entries == len(taus)
    for name, expected in {"x.root": "ROOT", "x.PQ": "Parquet", "x.other": "ROOT"}.items():
        (tmp_path / name).write_bytes(b"neither")
        assert format_of(tmp_path / name).name == expected


def test_one_input_has_one_format(write, taus, tmp_path):
    root, table = write("a.root", taus), write_parquet(tmp_path / "b.parquet", taus)
    with pytest.raises(InputError, match=rf"2 formats: {root} is ROOT, {table} is Parquet; give files of one format"):
        open_tuples(tmp_path)


def test_folders_have_files_of_all_formats(taus, tmp_path):
    for name in ("b.parquet", "sub/a.pq", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_parquet(tmp_path / name, taus[: len(name)])
    assert [path.name for path in open_tuples(tmp_path).files] == ["b.parquet", "a.pq"]
    assert [path.name for path in open_tuples(f"{tmp_path}/*.parquet").files] == ["b.parquet"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=r"nothing: this folder holds no \*\.root or \*\.parquet or \*\.pq"):
        open_tuples(tmp_path / "nothing")


def test_formats_have_suffixes_and_names():
    assert {"root", "parquet"} <= set(formats())
    assert len({found.name for found in formats().values()}) == len(formats())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that installs a format as another package would."""

    def install(entry_point: str, code: str) -> None:
        folder = tmp_path / "packages"
        information = folder / "other_package-1.dist-info"
        information.mkdir(parents=True)
        (folder / "other_package.py").write_text(code)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1\n")
        (information / "entry_points.txt").write_text(f"[TauAdv.tuples]\n{entry_point}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "other_package", raising=False)
        formats.cache_clear()

    yield install
    monkeypatch.undo()
    formats.cache_clear()


@pytest.fixture
def npz(package, repository, taus, tmp_path):
    """The page for users of their own format is true: its code is installed, and a file is written for it."""
    text = (repository / "docs" / "own_input.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 60
    (entry_point,) = re.findall(r"^(\w+) = \"my_package", text, re.MULTILINE)
    package(f"{entry_point} = other_package:{entry_point.title()}", code)

    def write(name, taus):
        columns = {}
        for branch in taus.fields:
            if taus[branch].ndim > 1:
                columns[f"{branch}_counts"] = ak.to_numpy(ak.num(taus[branch]))
            columns[branch] = ak.to_numpy(ak.flatten(taus[branch]) if taus[branch].ndim > 1 else taus[branch])
        np.savez(tmp_path / name, **columns)
        return tmp_path / name

    return write


def test_another_package_brings_a_format(npz, taus, tmp_path, run_script):
    first, second = npz("a.npz", taus[:12]), npz("b.npz", taus[12:])
    assert_same_arrays(read([first, second]), taus)
    tuples = open_tuples(f"{tmp_path}/*.npz")
    assert tuples.branches == taus.fields
    assert_same_arrays(ak.concatenate(list(tuples.iterate(["pfCand_pt"], 5, 3, 25))), taus[3:25][["pfCand_pt"]])
    run_script("Production/skim_tree.py", "--input", first, second, "--output", tmp_path / "x.root", "--sel", "tau_pt > 40")
    assert_same_arrays(read(tmp_path / "x.root"), taus[taus["tau_pt"] > 40])
    first.write_bytes(b"PK\x03\x04" * 40)
    with pytest.raises(InputError, match=r"a\.npz: cannot be read, it may be damaged; make or copy it again \(BadZipFile"):
        open_tuples(first)
    np.savez(tmp_path / "c.npz", x=np.arange(3), y=np.arange(2))
    with pytest.raises(InputError, match=r"c\.npz: table: branch 'y' \(int64\) cannot be read: it has 1 entries too few"):
        read(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("entry_point", "code", "message"),
    [
        (
            "root = other_package:A",
            "",
            "two input formats are called 'root': TauAdv.tuples.formats.root:Root and other",
        ),
        (
            "a = other_package:A",
            "import not_there",
            r"input format 'a' \(other_package:A\): No module named 'not_there'",
        ),
        ("a = other_package:A", "A = 1", r"input format 'a' .*: expected a subclass of TupleFormat; received 1"),
        (
            "a = other_package:A",
            "from TauAdv.tuples.formats.tuple_file import TupleFormat\nclass A(TupleFormat): pass",
            "input format 'a' .*abstract methods? '?open'?",
        ),
    ],
)
def test_formats_that_are_none(package, entry_point, code, message):
    package(entry_point, code)
    with pytest.raises(ConfigError, match=message):
        formats()
