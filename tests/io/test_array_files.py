"""Arrays that are what was written, or a file that is named."""

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.io.array_files import load_arrays, save_arrays

ARRAYS = {
    "counts": np.arange(12).reshape(3, 4),
    "a:b": np.array([np.nan, np.inf, -0.0, 1e-300]),
    "one": np.array(7, np.int16),
    "none": np.empty((0, 3), np.float32),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_as_written_and_for_everybody(tmp_path, compressed):
    path = tmp_path / "sub" / "arrays.npz"
    save_arrays(path, ARRAYS, "me", compressed=compressed)
    with np.load(path) as stored:
        for found in (load_arrays(path, "me"), dict(stored)):
            assert list(found) == list(ARRAYS)
            for name, values in ARRAYS.items():
                assert found[name].dtype == values.dtype
                assert found[name].shape == values.shape
                assert found[name].tobytes() == values.tobytes()


@pytest.mark.parametrize("compressed", [False, True])
def test_every_changed_byte_is_noticed(tmp_path, compressed):
    path = tmp_path / "arrays.npz"
    save_arrays(path, {"x": np.arange(20)}, "me", compressed=compressed)
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        with pytest.raises(InputError, match=r"arrays\.npz: damaged, mixed up"):
            load_arrays(path, "me")


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100])
def test_what_is_no_such_file(tmp_path, content):
    (tmp_path / "arrays.npz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        load_arrays(tmp_path / "arrays.npz", "me")
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "absent.npz", "me")


def test_of_another_owner_or_without_checksum(tmp_path):
    save_arrays(tmp_path / "arrays.npz", ARRAYS, "me")
    np.savez(tmp_path / "plain.npz", **ARRAYS)
    for name, owner in (("arrays.npz", "you"), ("plain.npz", "me")):
        with pytest.raises(InputError, match="mixed up with another file, or written by an earlier version"):
            load_arrays(tmp_path / name, owner)
