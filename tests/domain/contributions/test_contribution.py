import numpy as np
import pytest
from specification_region import CONTRIBUTIONS

from TauAdv.config import validate_settings
from TauAdv.domain.contributions.contribution import (
    Contribution,
    check_dataset_ids,
    data_id,
    genuine_ids,
    names_by_id,
    require_consistent,
)
from TauAdv.errors import ConfigError, InputError

GOOD = {"name": "DYT", "dataset_id": 1, "label": r"$Z\to\tau\tau$", "color": "C0", "genuine": True}


def made(*changes):
    return [Contribution(**GOOD | change) for change in changes]


def test_ids_and_names():
    assert names_by_id(CONTRIBUTIONS) == {0: "data", 1: "DYT", 2: "TTT", 3: "DYM", 4: "TTJ", 5: "WJ", 6: "QCD"}
    assert sorted(genuine_ids(CONTRIBUTIONS)) == [1, 2]
    assert data_id(CONTRIBUTIONS) == 0
    # bottom of the stack first, after data
    assert [entry.name for entry in CONTRIBUTIONS][1:] == ["TTJ", "QCD", "WJ", "DYM", "TTT", "DYT"]


def test_unknown_rows_are_named():
    with pytest.raises(
        InputError, match=r"a.root: dataset_id: expected one of 0 \(data\), .* received \{9: 2\} \(id: rows\)"
    ):
        check_dataset_ids(np.array([0, 1, 9, 9]), names_by_id(CONTRIBUTIONS), "a.root")
    check_dataset_ids(np.array([], int), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "name: empty"),
        ({"name": " DYT"}, "expected a name"),
        ({"name": "a/b"}, "without '/'"),
        ({"name": "a;1"}, "without '/'"),
        ({"name": "closure"}, "choose another name"),
        ({"dataset_id": -1}, "dataset_id: expected at least 0"),
        ({"dataset_id": 2**63}, "dataset_id: expected a number that fits into 64 bits"),
        ({"dataset_id": True}, "dataset_id: expected a whole number"),
        ({"dataset_id": 1.5}, "dataset_id: expected a whole number"),
        ({"color": "reddish"}, "expected a colour of matplotlib"),
        ({"color": "none"}, "expected a colour of matplotlib"),
        ({"color": ""}, "color: empty"),
        ({"label": ""}, "label: empty"),
        ({"label": "  "}, "label: empty"),
        ({"label": "_hidden"}, "leaves such entries out of a legend"),
        ({"label": "two\nlines"}, "one line"),
        ({"label": r"$\nosuchsymbol$"}, "LaTeX that matplotlib can draw"),
        ({"data": True}, "'genuine' is known of simulation only"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_contributions(change, message):
    with pytest.raises(ConfigError, match=message):
        validate_settings(Contribution, GOOD | change, "region.yaml")


def test_text_with_one_dollar_is_text():
    assert Contribution(**GOOD | {"label": "costs 5 $"}).label == "costs 5 $"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{}, {"dataset_id": 2}], "every name may occur once; more than once: DYT"),
        ([{}, {"name": "TTT"}], "every dataset_id may occur once; more than once: 1"),
        ([{}, {"name": "TTT", "dataset_id": 2}], "exactly one contribution must have 'data: true'; received none"),
        (
            [
                {"name": "A", "dataset_id": 0, "data": True, "genuine": False},
                {"name": "B", "dataset_id": 2, "data": True, "genuine": False},
            ],
            "received A, B",
        ),
        ([{"data": True, "genuine": False}], "at least one contribution of simulation"),
    ],
)
def test_lists_that_make_no_control_region(changes, message):
    with pytest.raises(ValueError, match=message):
        require_consistent(made(*changes))
