"""Values in memory become arrays of numbers; absent ones are refused, whatever stands for them."""

import awkward as ak
import numpy as np
import pandas as pd
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.branches.numbers import as_array, numbers


def read(values):
    return numbers(as_array(values, "tau_pt"), "tau_pt")


@pytest.mark.parametrize(
    "values",
    [[1, 2], (1, 2), np.array([1, 2]), np.ma.array([1, 2], mask=[False, False]), ak.Array([1, 2]), pd.Series([1, 2])],
)
def test_numbers(values):
    assert read(values).tolist() == [1, 2]


def test_lists_of_different_lengths():
    assert as_array([[1.5], [], [2.5, 3.5]], "pfCand_pt").to_list() == [[1.5], [], [2.5, 3.5]]


@pytest.mark.parametrize(
    "values",
    [
        [1, None],
        ak.Array([1, None]),
        np.ma.array([1, 2], mask=[False, True]),
        pd.Series([1, None], dtype=object),
        pd.Series([1, pd.NA], dtype=object),
    ],
)
def test_absent(values):
    with pytest.raises(InputError, match=r"^tau_pt: 1 of 2 values are absent \(None, or masked\), first number 1 "):
        read(values)


@pytest.mark.parametrize("values", [["a", "b"], "abc", [object()], [[1], "b"], [[1], 2], {"a": 1}, None])
def test_no_numbers(values):
    with pytest.raises(InputError, match=r"^tau_pt: "):
        read(values)
