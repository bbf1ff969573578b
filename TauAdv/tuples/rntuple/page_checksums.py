"""The checksums of an RNTuple that uproot does not verify: of pages (ROOT writes them) and of lists of pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xxhash

__all__ = ["DamagedPageError", "check_page_lists", "check_pages"]

_SIZE = 8  # bytes of a checksum, behind what it is of


class DamagedPageError(ValueError):
    """The bytes of an RNTuple are not those that were written."""


def check_page_lists(ntuple: Any) -> None:
    """Check where the footer says that pages are.

    Raises:
        DamagedPageError: if a checksum differs.
    """
    for record in ntuple.footer.cluster_group_records:
        link = record.page_list_link
        chunk, cursor = ntuple.read_locator(link.locator, link.env_uncomp_size)
        content = chunk.get(cursor.index, cursor.index + link.env_uncomp_size, cursor, {})
        _compare(content, "a list of pages")


def check_pages(ntuple: Any, column: int, clusters: Iterable[int]) -> None:
    """Check the pages of a column that have a checksum.

    Raises:
        DamagedPageError: if a checksum differs.
    """
    for cluster in clusters:
        columns = ntuple.page_link_list[cluster]
        for page in columns[column].pages if column < len(columns) else []:
            if page.has_checksum:
                start, stop = page.locator.offset, page.locator.offset + page.locator.num_bytes + _SIZE
                _compare(ntuple.file.source.chunk(start, stop).raw_data, f"a page of cluster {cluster}")


def _compare(content: Any, what: str) -> None:
    data = bytes(content)
    if xxhash.xxh3_64_intdigest(data[:-_SIZE]) != int.from_bytes(data[-_SIZE:], "little"):
        msg = f"the checksum of {what} is wrong"
        raise DamagedPageError(msg)
