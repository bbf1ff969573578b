"""Checksums against the published test vectors of XXH3, and of JSON objects whatever their layout."""

import json

import pytest

from TauAdv.io.checksums import content_checksum, describe_file, file_checksum


@pytest.mark.parametrize(
    ("content", "expected"),
    # XXH3_128bits without seed, as the command `xxhsum -H2` of the reference implementation prints it
    [(b"", "99aa06d3014798d86001c324468d497f"), (b"abc", "06b05ab6733a618578af5f94892f3950")],
)
def test_file(tmp_path, content, expected):
    (tmp_path / "file").write_bytes(content)
    assert file_checksum(tmp_path / "file") == expected
    assert describe_file(tmp_path / "file") == {"size": len(content), "checksum": expected}


def test_blocks_make_no_difference(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(bytes(range(256)) * 100)
    whole = file_checksum(tmp_path / "file")
    monkeypatch.setattr("TauAdv.io.checksums._BLOCK", 1000)
    assert file_checksum(tmp_path / "file") == whole


def test_an_object_whatever_its_layout():
    content = {"b": [1, 2.5, None], "a": {"x": "µ", "n": float("inf")}}
    spaced = json.loads(json.dumps(content, indent=3, sort_keys=True))
    assert content_checksum(spaced) == content_checksum(content)
    assert content_checksum({**content, "checksum": "its own"}) == content_checksum(content)
    assert content_checksum({**content, "b": [1, 2.5000000000000004, None]}) != content_checksum(content)
