"""Hand-made taus for the tests of feature extraction."""

from collections.abc import Callable

import awkward as ak
import numpy as np
import pytest

from TauAdv.features.table import FeatureTable
from TauAdv.tuples.schema import SCHEMA

Taus = Callable[..., ak.Array]


@pytest.fixture(scope="session")
def table() -> FeatureTable:
    return FeatureTable.load("deeptau_v2p5")


@pytest.fixture(scope="session")
def make_taus(table: FeatureTable) -> Taus:
    """Return a function that makes taus from the branches given; all others are 0 (the tau has pt 40).

    Scalars are lists with one value per tau; jagged branches are lists of lists. The first given branch of a collection
    decides how many objects it has; none given: no objects.
    """

    def make(size: int = 1, **given) -> ak.Array:
        unknown = set(given) - set(table.branches)
        assert not unknown, unknown
        counts = {name.split("_")[0]: [len(values) for values in given[name]] for name in given if SCHEMA[name].jagged}
        columns = {}
        for name in table.branches:
            branch = SCHEMA[name]
            if branch.jagged:
                number = counts.get(name.split("_")[0], [0] * size)
                default = [np.ones(n) if name.endswith("_pt") else np.zeros(n) for n in number]
                values = ak.Array([list(x) for x in given.get(name, default)])
                flat = np.asarray(ak.flatten(values)).astype(branch.dtype) if sum(number) else np.zeros(0, branch.dtype)
                columns[name] = ak.unflatten(flat, number)
            else:
                values = given.get(name, [40.0 if name == "tau_pt" else 0] * size)
                columns[name] = np.asarray(values, branch.dtype)
        return ak.zip(columns, depth_limit=1)

    return make
