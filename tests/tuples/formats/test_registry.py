import pytest
from parquet_tuples import write_parquet

from TauAdv.errors import InputError
from TauAdv.tuples.formats.registry import format_of, formats
from TauAdv.tuples.reader import open_tuples


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
