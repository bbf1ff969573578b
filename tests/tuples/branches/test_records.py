"""Rows taken and parts joined buffer by buffer are those that awkward takes and joins branch by branch."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.tuples.branches.arrow import from_table, to_table
from TauAdv.tuples.branches.columns import prepared
from TauAdv.tuples.branches.records import joined, of_columns, plain_lists, rows_of


def lists(counts, dtype):
    return ak.unflatten(np.arange(sum(counts)).astype(dtype), np.array(counts, np.int64))


@st.composite
def records(draw, least=0):
    size = draw(st.integers(least, 6))
    counts = [draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)) for _ in range(2)]
    columns = {
        "number": np.linspace(-1, 1, size),
        "truth": np.arange(size) % 2 == 0,
        "fixed": np.arange(3 * size, dtype=np.int32).reshape(size, 3),
        "a_pt": lists(counts[0], np.float32),
        "a_charge": lists(counts[0], np.int32),
        "b_good": lists(counts[1], np.bool_),
        "words": ak.Array(["tau"] * size) if size else ak.Array(["tau"])[:0],
        "mixed": ak.from_numpy(np.arange(size))[np.argsort(-np.arange(size))],
    }
    start = draw(st.integers(0, size - least))
    return ak.zip(columns, depth_limit=1)[start:]  # offsets that do not begin at 0


def same(found, expected):
    assert found.fields == expected.fields
    for name in expected.fields:
        assert str(found[name].type) == str(expected[name].type)
        assert ak.array_equal(found[name], expected[name])


@settings(max_examples=20, deadline=None)
@given(records(), st.data())
def test_rows(taus, data):
    wanted = data.draw(st.lists(st.integers(0, len(taus) - 1), max_size=8)) if len(taus) else []
    same(rows_of(taus, np.array(wanted, np.int64)), ak.to_packed(taus[np.array(wanted, np.int64)]))
    mask = np.isin(np.arange(len(taus)), wanted)
    same(rows_of(taus, mask), ak.to_packed(taus[mask]))


@settings(max_examples=20, deadline=None)
@given(records(), records())
def test_joined(first, second):
    same(joined([first, second, first]), ak.concatenate([first, second, first]))
    taken = [rows_of(part, np.arange(len(part))) for part in (first, second)]
    same(joined(taken), ak.concatenate([first, second]))


def test_parts_of_other_types_are_joined_as_awkward_does():
    parts = [of_columns({"x": np.array([1, 2], np.int32)}), of_columns({"x": np.array([0.5])})]
    assert joined(parts)["x"].to_list() == [1, 2, 0.5]


def test_lists_of_equal_lengths_share_their_index():
    taken = rows_of(
        of_columns({"a": lists([2, 0, 1], "f4"), "b": lists([2, 0, 1], "i4"), "c": lists([1, 1, 1], "i4")}), np.array([2, 0])
    )
    offsets = [taken[name].layout.offsets for name in "abc"]
    assert offsets[0] is offsets[1]
    assert taken["b"].to_list() == [[2], [0, 1]]
    assert taken["c"].to_list() == [[2], [0]]


@settings(max_examples=20, deadline=None)
@given(records(least=1))
def test_tables_are_those_of_awkward(taus):
    table = to_table(taus)
    assert table.equals(ak.to_arrow_table(ak.to_packed(taus), list_to32=True, extensionarray=False))
    same(from_table(table.slice(1)), ak.from_arrow(table.slice(1)))


@pytest.mark.parametrize("part", [slice(None), slice(1, 3), slice(2, 2)])
def test_columns_hold_no_numbers_of_other_rows(part):
    column = prepared("x", lists([2, 0, 1, 3], np.float16)[part], None)
    offsets, numbers = plain_lists(column.layout)
    assert column.to_list() == [[0, 1], [], [2], [3, 4, 5]][part]
    assert (offsets[0], offsets[-1], numbers.dtype) == (0, len(numbers), np.float32)
