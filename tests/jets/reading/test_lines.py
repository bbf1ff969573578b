import bz2
import gzip
import lzma
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.jets.reading import lines as lines_module
from TauAdv.jets.reading.lines import LineReader


def read_all(path, count=7):
    found = []
    with LineReader(path) as reader:
        while part := reader.read(count):
            found += part
        return found, reader


@given(
    texts=st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b" ")), max_size=20).filter(
        lambda texts: not texts or texts[-1].strip()
    ),
    count=st.integers(1, 9),
    last_end=st.booleans(),
    read_bytes=st.integers(1, 50),
    inflated=st.integers(1, 50),
    cut=st.floats(0, 1),
)
def test_lines_come_back(tmp_path_factory, texts, count, last_end, read_bytes, inflated, cut):
    path = tmp_path_factory.mktemp("lines") / "text.gz"
    content = b"\n".join(texts) + (b"\n" if last_end and texts else b"")
    split = int(cut * len(content))  # two gzip files, one after the other
    path.write_bytes(gzip.compress(content[:split]) + gzip.compress(content[split:]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "_READ_BYTES", read_bytes)
        patch.setattr(lines_module, "_INFLATED_BYTES", inflated)
        found, reader = read_all(path, count)
    assert found == [text.removeprefix(b"\xef\xbb\xbf") if number == 0 else text for number, text in enumerate(texts)]
    assert reader.line_number == len(texts)
    assert reader.bytes_read == reader.size
    assert reader.truncated is None


def test_plain_text(tmp_path):
    path = tmp_path / "jets.json"
    path.write_bytes(b"a\nb\nc")
    assert read_all(path)[0] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.8, 0.999])
def test_truncated_file_gives_all_complete_lines(tmp_path, share):
    rng = np.random.default_rng(0)
    texts = [rng.bytes(40).hex().encode() for _ in range(3000)]
    whole = gzip.compress(b"\n".join(texts) + b"\n")
    part = whole[: int(share * len(whole))]
    path = tmp_path / "jets.json.gz"
    path.write_bytes(part)
    available = zlib.decompressobj(31).decompress(part)
    *complete, rest = available.split(b"\n")
    found, reader = read_all(path, 100)
    assert found == complete
    assert reader.truncated == len(rest)


def test_file_cut_in_its_checksum_is_truncated(tmp_path):
    path = tmp_path / "jets.json.gz"
    path.write_bytes(gzip.compress(b"a\nb\n")[:-4])
    found, reader = read_all(path)
    assert found == [b"a", b"b"]
    assert reader.truncated == 0


def test_damaged_data(tmp_path):
    content = bytearray(gzip.compress(np.random.default_rng(0).bytes(5000).hex().encode()))
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "jets.json.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged near byte"):
        read_all(path)


def test_zeros_behind_the_end_are_padding(tmp_path):
    path = tmp_path / "jets.json.gz"
    path.write_bytes(gzip.compress(b"a\n") + b"\0" * 100)
    assert read_all(path)[0] == [b"a"]


def test_skip(tmp_path):
    path = tmp_path / "jets.json.gz"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % i for i in range(10_000))))
    with LineReader(path) as reader:
        assert reader.skip(9_000) == 9_000
        assert reader.read(1) == [b"9000"]
        assert reader.skip(9_000) == 999
        assert reader.read(1) == []


def test_endless_line(tmp_path):
    path = tmp_path / "jets.json.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"1," * (1 << 20)))
    with pytest.raises(InputError, match="line 2: longer than"):
        read_all(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        LineReader(tmp_path / "none.gz")


def test_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    path = tmp_path / "jets.json"
    path.write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert read_all(path, 1)[0] == [b"a", b"\xef\xbb\xbfb"]
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa\n"))
    assert read_all(path)[0] == [b"a"]


def test_data_behind_the_end_that_are_no_gzip(tmp_path):
    whole = gzip.compress(b"a\nb\n")
    path = tmp_path / "jets.json.gz"
    for rest in (b"garbage", b"\0\0x", b"\x1fx", b"<html>" * 100_000):
        path.write_bytes(whole + rest)
        place = len(whole) + len(rest) - len(rest.lstrip(b"\0"))
        with pytest.raises(
            InputError, match=rf"follows its compressed data, from byte {place} on .line 3., is no gzip data"
        ):
            read_all(path)


def test_last_member_cut_in_its_head(tmp_path):
    path = tmp_path / "jets.json.gz"
    path.write_bytes(gzip.compress(b"a\nb\n") + gzip.compress(b"c\n")[:1])
    found, reader = read_all(path)
    assert found == [b"a", b"b"]
    assert reader.truncated == 0


@pytest.mark.parametrize("module", [bz2, lzma])
def test_other_compressions_are_named(tmp_path, module):
    path = tmp_path / "jets.json"
    path.write_bytes(module.compress(b"a\n"))
    with pytest.raises(InputError, match=r"this is (bzip2|xz) data; expected a .json.gz file"):
        LineReader(path)
