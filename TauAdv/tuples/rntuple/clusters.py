"""Reading of an RNTuple cluster by cluster: blocks of one cluster share what was decompressed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import awkward as ak
import numpy as np

from TauAdv.tuples.rntuple.field_types import field_forms
from TauAdv.tuples.rntuple.page_checksums import check_page_lists, check_pages

__all__ = ["ClusterReader"]

_PLAIN = (ak.forms.NumpyForm, ak.forms.ListOffsetForm, ak.forms.RegularForm)


class ClusterReader:
    """The fields of an RNTuple; while blocks lie in one cluster, that cluster stays decompressed.

    The columns of a cluster are compressed as a whole (uproot) or in pages, and uproot has no way to read some of its
    entries: to read each block anew would cost as many times the cluster as it has blocks. In memory are thus at most the
    fields asked for of one cluster, which ROOT limits to 1.3 GB.

    Args:
        ntuple: an open RNTuple.
    """

    def __init__(self, ntuple: Any) -> None:
        self._ntuple = ntuple
        self._lists_checked = False
        starts = [int(cluster.num_first_entry) for cluster in ntuple.cluster_summaries]
        self._edges = np.array([*starts, int(ntuple.num_entries)], dtype=np.int64)
        self._window = (0, 0)
        self._arrays: dict[str, ak.Array] = {}

    def read(self, names: Sequence[str], start: int, stop: int) -> ak.Array:
        """Return records with these fields of the entries from ``start`` to ``stop``."""
        first = int(np.searchsorted(self._edges, start, side="right")) - 1
        last = max(int(np.searchsorted(self._edges, stop, side="left")), first)
        begin, end = int(self._edges[first]), int(self._edges[last])
        if (first, last) != self._window:
            self._window, self._arrays = (first, last), {}
        missing = [name for name in names if name not in self._arrays]
        found = self._read_clusters(missing, first, last) if missing else {}
        if (start, stop) != (begin, end):
            self._arrays |= found
        part = slice(start - begin, stop - begin)
        columns = {name: (found[name] if name in found else self._arrays[name])[part] for name in names}
        return ak.zip(columns, depth_limit=1)

    def release(self) -> None:
        """Let go of the cluster that is in memory."""
        self._window, self._arrays = (0, 0), {}

    def _read_clusters(self, names: Sequence[str], first: int, last: int) -> dict[str, ak.Array]:
        if not self._lists_checked:
            check_page_lists(self._ntuple)
            self._lists_checked = True
        wanted, length = set(names), int(self._edges[last] - self._edges[first])
        forms = [self._forms.get(name) for name in names]
        parts = [part for form in forms for part in _parts(form)]
        if first < last and all(isinstance(part, _PLAIN) for part in parts):
            form = ak.forms.RecordForm(forms, list(names))
            arrays = ak.from_buffers(form, length, self._buffers([part.form_key for part in parts], first, last))
        else:
            begin, end = int(self._edges[first]), int(self._edges[last])
            arrays = self._ntuple.arrays(filter_name=lambda name: name in wanted, entry_start=begin, entry_stop=end)
        return {name: arrays[name] for name in arrays.fields}

    @cached_property
    def _forms(self) -> dict[str, Any]:
        return field_forms(self._ntuple)

    def _buffers(self, keys: Sequence[str], first: int, last: int) -> dict[str, np.ndarray]:
        """Return the columns of these clusters alone; ``arrays`` of uproot decompresses the one behind them, too."""
        buffers: dict[str, np.ndarray] = {}
        for key in keys:
            kind, number, *more = key.split("-")
            if kind != "column":
                continue
            record = self._ntuple.column_records[int(number)]
            padding = max(int(record.first_element_index) - int(self._edges[first]), 0)  # of a field that was added later
            check_pages(self._ntuple, int(number), range(first, last))
            content = self._ntuple.read_cluster_range(int(number), first, last, missing_element_padding=padding)
            content = np.diff(content) if "cardinality" in more else content
            buffers[f"{key}-data"] = buffers[f"{key}-offsets"] = content
        return buffers


def _parts(form: Any) -> list[Any]:
    """Return a form and those within it, one in the other."""
    parts = [form]
    while (form := getattr(form, "content", None)) is not None:
        parts.append(form)
    return parts
