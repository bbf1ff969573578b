import awkward as ak
import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.tuples.axes import Axis
from TauAdv.tuples.histograms import Histogram
from TauAdv.tuples.weights import check_contents, check_event_weights, check_finite, numbers_of

AXES = (Axis.variable([0, 1, 2]), Axis.equal_bins(3, 30, 60))


def histogram(**changes):
    """A histogram of ones with other contents: ``at_1_2=value``."""
    contents = np.ones((4, 5))
    for name, value in changes.items():
        contents[tuple(map(int, name.split("_")[1:]))] = value
    return Histogram(AXES, contents, None, "f.root: h")


def test_good_contents_have_no_negative_bins():
    assert check_contents(histogram(at_0_0=0, at_3_4=1e-300)) == 0
    assert check_contents(histogram(at_1_1=-1, at_0_2=-2), allow_negative=True) == 2


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (
            histogram(at_1_2=-3),
            {},
            r"f.root: h: 1 of 20 bins whose content is negative: bin 1 \(0 to 1\) x bin 2 \(40 to 50\): -3;",
        ),
        (
            histogram(at_0_4=-1),
            {},
            r"underflow \(below 0\) x overflow \(from 60\): -1; correct the histogram, or use --allow",
        ),
        (histogram(at_1_2=np.nan), {"allow_negative": True}, "1 of 20 bins whose content is not a finite number: .*: nan"),
        (histogram(at_1_1=1e200), {}, "too large to be summed: .*: 1e.200; scale the histogram"),
        (histogram(at_1_1=3.5e38), {"single_precision": True}, "does not fit into single precision"),
        (histogram(at_1_1=-1e-40), {"single_precision": True, "allow_negative": True}, "does not fit into single precision"),
        (
            Histogram(AXES, np.ones((4, 5)), np.full((4, 5), -1.0), "f.root: h"),
            {},
            r"20 of 20 bins .*Sumw2.*; and 15 more; make",
        ),
    ],
)
def test_contents_that_are_no_weights(found, options, message):
    with pytest.raises(InputError, match=message):
        check_contents(found, **options)


def test_numbers_of_branches():
    for good in (np.array([True, False]), ak.Array([1, 0]), np.array([1, 0], np.uint64), np.array([1, 0], np.float16)):
        assert numbers_of(good, "w").tolist() == [1, 0]
    for bad in (["a", "b"], [[1.0], [2.0, 3.0]], [[1.0, 2.0]], [{"x": 1}], [1, None]):
        with pytest.raises(InputError, match=r"w: expected one number a tau, found .*; give another branch"):
            numbers_of(ak.Array(bad), "w")


@pytest.mark.parametrize(
    ("weights", "allow", "message"),
    [
        ([1, -2, 3], False, r"w: 1 of 3 event weights are negative \(-2\); take them with --allow-negative"),
        ([1, np.nan, -np.inf], True, r"w: 2 of 3 event weights are not finite \(nan, -inf\)"),
        ([1, 1e160, 1], True, r"w: 1 of 3 event weights are too large to be summed \(1e\+160\)"),
        ([-1.0] * 9, False, r"w: 9 of 9 event weights are negative \(-1, -1, -1, -1, -1, ...\)"),
    ],
)
def test_event_weights(weights, allow, message):
    with pytest.raises(InputError, match=message):
        check_event_weights(np.array(weights), "w", allow_negative=allow)
    assert check_event_weights([0, -1.5], "w", allow_negative=True).tolist() == [0, -1.5]


def test_values_to_be_binned():
    assert check_finite(np.array([-999, 30], np.float32), "tau_pt").tolist() == [-999, 30]
    with pytest.raises(InputError, match=r"tau_pt: 1 of 2 values are not finite \(inf\); .*std::abs\(tau_pt\) < 1e6"):
        check_finite([1, np.inf], "tau_pt")
