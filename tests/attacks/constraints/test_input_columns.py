import numpy as np
import pytest

from TauAdv.attacks.constraints.input_columns import Follower, InputColumns
from TauAdv.errors import InputError

NAMES = ["track_0_D0", "track_1_D0", "track_0_D0D0", "pt"]


def test_numbers_stand_for_all_columns():
    columns = InputColumns.of(NAMES, perturbation=0.5, integer=[False, True, False, False], frozen=[0, 0, 1, 0])
    np.testing.assert_array_equal(columns.perturbation, [0.5] * 4)
    np.testing.assert_array_equal(columns.movable, [True, False, False, True])
    assert "4, 2 may move" in repr(columns)


def test_columns_that_follow_do_not_move_on_their_own():
    columns = InputColumns.of(NAMES, followers=[Follower(3, (0,))])
    np.testing.assert_array_equal(columns.movable, [True, True, True, False])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"mean": [0, 1]}, r"mean: expected one number, or one for each of the 4 columns; received shape \(2,\)"),
        ({"perturbation": [1, -1, 1, 1]}, "perturbation: expected numbers >= 0; not so for track_1_D0"),
        ({"std": 0}, "std: expected positive numbers; not so for track_0_D0, track_1_D0"),
        ({"low": 1, "high": 0}, "expected low <= high"),
    ],
)
def test_wrong_facts_are_refused(facts, message):
    with pytest.raises(InputError, match=message):
        InputColumns.of(NAMES, **facts)


def test_patterns_and_names():
    columns = InputColumns.of(NAMES)
    assert columns.find("track_*_D0") == [0, 1]
    assert columns.find("pt") == [3]
    np.testing.assert_array_equal(columns.freeze(["track_0_*"]).movable, [False, True, False, True])
    np.testing.assert_array_equal(columns.freeze(np.array([True, False, False, False])).movable, [False, True, True, True])
    with pytest.raises(InputError, match=r"no column 'track_2_D0' \(did you mean 'track_._D0'\?\)"):
        columns.find("track_2_D0")


def test_groups_leave_out_what_never_moves():
    columns = InputColumns.of(NAMES, integer=[False, True, False, False])
    (group,) = columns.with_groups({"displacement": ["track_*_D0", "-track_0_D0D0"]}).groups
    assert (group.columns, group.signs) == ((0, 2), (1.0, -1.0))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": ["pt"], "b": ["p*"]}, r"group 'b' \(p\*\): 'pt' is in two"),
        ({"a": ["track_1_D0"]}, "none of its columns may move"),
        ({"a": ["tracks"]}, "no column 'tracks'"),
    ],
)
def test_wrong_groups_are_refused(groups, message):
    with pytest.raises(InputError, match=message):
        InputColumns.of(NAMES, integer=[False, True, False, False]).with_groups(groups)
