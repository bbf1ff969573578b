"""Records are what was written, or are refused with the file and what was found."""

import json

import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.io.records import read_note, read_record, write_record

CONTENT = {"owner": "x", "counts": {"jets": 500, "share": 0.1}, "names": ["b", "c"]}


def test_as_it_was_written(tmp_path):
    assert write_record(tmp_path / "r.json", CONTENT) == read_record(tmp_path / "r.json")
    content = json.loads((tmp_path / "r.json").read_text())
    assert content.pop("checksum")
    assert content == CONTENT


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"", "expected JSON"),
        (b"[]", "expected a JSON object, found a list"),
        (b"12", "found a int"),
        (b"\xff{}", "expected UTF-8 text, found the byte 0xff at 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "expected JSON"),
    ],
)
def test_what_is_no_record(tmp_path, damaged, message):
    (tmp_path / "r.json").write_bytes(damaged)
    with pytest.raises(InputError, match=rf"r\.json: damaged: .*{message}"):
        read_record(tmp_path / "r.json")
    assert read_note(tmp_path / "r.json", "x") is None


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), 0, True])
def test_whole_numbers_of_64_bits(tmp_path, value):
    write_record(tmp_path / "r.json", {"counts": [{"taus": value}]})
    assert read_record(tmp_path / "r.json")["counts"] == [{"taus": value}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**64, "a number of 20 digits"),
        (-(2**63) - 1, "a number of 19 digits"),
        (10**5000, "a number of thousands of digits"),
        ("half of \ud83d", "a text with half a character"),
    ],
    ids=["unsigned", "signed", "long", "surrogate"],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, value, reason):
    with pytest.raises(InputError, match=rf"r\.json: not written, .*: {reason}; give whole numbers that fit into 64 bits"):
        write_record(tmp_path / "r.json", {"counts": [{"taus": value}]})
    assert not (tmp_path / "r.json").exists()


@pytest.mark.slow
def test_every_changed_byte_is_noticed_or_changes_nothing(tmp_path):
    path = tmp_path / "r.json"
    written = write_record(path, CONTENT)
    content = path.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            path.write_bytes(changed)
            note = read_note(path, "x")  # a note without a checksum is none
            assert note is None or note == written
            try:
                found = read_record(path)
            except InputError:
                continue
            assert {**found, "checksum": written["checksum"]}.items() >= written.items()


def test_changed_by_hand(tmp_path):
    write_record(tmp_path / "r.json", CONTENT)
    text = (tmp_path / "r.json").read_text()
    (tmp_path / "r.json").write_text(text.replace("500", "501"))
    with pytest.raises(InputError, match="changed after it was written"):
        read_record(tmp_path / "r.json")


def test_of_an_earlier_version_or_of_another_step(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps(CONTENT))
    assert read_record(tmp_path / "old.json") == CONTENT
    assert read_note(tmp_path / "old.json", "x") is None
    write_record(tmp_path / "new.json", CONTENT)
    assert read_note(tmp_path / "new.json", "x") is not None
    assert read_note(tmp_path / "new.json", "y") is None
    assert read_note(tmp_path / "absent.json", "x") is None


def test_what_json_does_not_have(tmp_path):
    written = write_record(tmp_path / "r.json", {"n": np.int64(3)}, default=lambda value: value.item())
    assert written["n"] == read_record(tmp_path / "r.json")["n"] == 3
