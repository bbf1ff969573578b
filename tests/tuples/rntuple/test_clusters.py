from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot
import xxhash
from same_arrays import assert_same_arrays

from TauAdv.errors import InputError
from TauAdv.tuples.reader import TupleReader
from TauAdv.tuples.rntuple.page_checksums import DamagedPageError, check_pages


@pytest.fixture
def clusters(tmp_path, taus):
    """An RNTuple with clusters of 3, 25 and 2 entries."""
    with uproot.recreate(tmp_path / "x.root") as file:
        target = file.mkrntuple("taus", taus.layout.form)
        for part in (taus[:3], taus[3:28], taus[28:]):
            target.extend(part)
    return tmp_path / "x.root"


@pytest.fixture
def reads(monkeypatch):
    """The clusters that are decompressed, by column."""
    found: dict[int, list[int]] = {}
    kind = uproot.models.RNTuple.Model_ROOT_3a3a_RNTuple
    original = kind.read_cluster_pages

    def spy(self, cluster, column, *arguments, **options):
        found.setdefault(column, []).append(cluster)
        return original(self, cluster, column, *arguments, **options)

    monkeypatch.setattr(kind, "read_cluster_pages", spy)
    return found


@pytest.mark.parametrize("step", [1, 4, 10, 100])
def test_every_cluster_is_decompressed_once(clusters, taus, reads, step):
    names = ["tau_pt", "pfCand_charge"]
    parts = []
    for block in TupleReader(clusters).blocks(names, step):
        columns = {name: block.read([name])[name] for name in names}
        parts.append(ak.zip(columns, depth_limit=1))
    assert_same_arrays(ak.concatenate(parts), taus[names])
    assert all(sorted(found) == [0, 1, 2] for found in reads.values())
    assert len(reads) == 3  # tau_pt; offsets and values of pfCand_charge


def test_iterate_decompresses_once_and_keeps_to_the_step(clusters, taus, reads):
    chunks = list(TupleReader(clusters).iterate(step_size=4, entry_start=2, entry_stop=29))
    assert max(map(len, chunks)) <= 4
    assert_same_arrays(ak.concatenate(chunks), taus[2:29])
    assert all(sorted(found) == [0, 1, 2] for found in reads.values())


def test_rows_of_a_part_of_a_cluster(clusters, taus):
    for block in TupleReader(clusters).blocks(["pfCand_pt"], 10):
        rows = np.arange(0, len(block), 2)
        expected = taus[block.start : block.stop][rows][["pfCand_pt"]]
        assert_same_arrays(block.read(["pfCand_pt"], rows), expected)


def test_an_rntuple_without_entries(tmp_path, taus):
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mkrntuple("taus", taus.layout.form)
    reader = TupleReader(tmp_path / "x.root")
    assert (reader.num_entries, reader.branches, list(reader.iterate())) == (0, taus.fields, [])
    for name in taus.fields:
        assert reader.empty()[name].type == taus[:0][name].type


def fake_ntuple(content):
    page = SimpleNamespace(has_checksum=True, locator=SimpleNamespace(offset=0, num_bytes=len(content) - 8))
    source = SimpleNamespace(chunk=lambda start, stop: SimpleNamespace(raw_data=content[start:stop]))
    return SimpleNamespace(page_link_list=[[SimpleNamespace(pages=[page])]], file=SimpleNamespace(source=source))


def test_pages_with_a_checksum_are_verified():
    data = b"some page"
    whole = data + xxhash.xxh3_64_intdigest(data).to_bytes(8, "little")
    check_pages(fake_ntuple(whole), 0, [0])
    for damaged in (b"some rage" + whole[9:], whole[:-1] + bytes([whole[-1] ^ 1])):
        with pytest.raises(DamagedPageError, match="a page of cluster 0"):
            check_pages(fake_ntuple(damaged), 0, [0])


def test_a_damaged_list_of_pages_is_noticed(clusters):
    with uproot.open(clusters) as file:
        locator = file["taus"].footer.cluster_group_records[1].page_list_link.locator
    content = bytearray(clusters.read_bytes())
    content[int(locator.offset) + 20] ^= 1
    clusters.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.root: .*damaged"):
        list(TupleReader(clusters).iterate())
