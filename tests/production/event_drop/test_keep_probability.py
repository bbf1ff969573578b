import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.production.event_drop.keep_probability import check_target, keep_table
from TauAdv.production.spectrum import Spectrum

EDGES = [30.0, 40.0, 60.0, 100.0]


def spectrum(contents, variances=None):
    contents = np.array(contents, dtype=np.float64)
    return Spectrum(np.array(EDGES), contents, contents if variances is None else np.array(variances, dtype=np.float64))


counts = st.lists(st.integers(0, 1000), min_size=5, max_size=5)


@given(counts, counts)
def test_probabilities_follow_the_ratio(observed, target):
    assume(any(o and t for o, t in zip(observed[1:-1], target[1:-1], strict=True)))
    table = keep_table(spectrum(observed), spectrum(target))
    assert table.keep_probability[1:-1].max() == pytest.approx(1, abs=1e-15)
    for seen, wanted, probability in zip(observed, target, table.keep_probability, strict=True):
        expected = 0 if seen == 0 else wanted / seen / table.ratio[table.maximum_bin]
        assert probability == pytest.approx(expected, rel=1e-14)


@given(counts, st.integers(1, 5))
def test_observed_like_the_target_keeps_all(observed, factor):
    assume(any(observed[1:-1]))
    table = keep_table(spectrum(observed), spectrum([factor * number for number in observed]))
    assert np.array_equal(table.keep_probability > 0.5, np.array(observed) > 0)


def test_robust_maximum_passes_over_a_bin_of_few_taus():
    observed, target = spectrum([0, 1000, 1000, 1, 0]), spectrum([0, 5e5, 1e6, 1e5, 0])
    plain, robust = keep_table(observed, target), keep_table(observed, target, maximum="robust", max_relative_error=0.2)
    assert plain.keep_probability[1:-1] == pytest.approx([0.005, 0.01, 1])
    assert robust.keep_probability[1:-1] == pytest.approx([0.5, 1, 100])
    assert robust.maximum_bin == 2
    assert robust.as_manifest()["capped_bins"].tolist() == [3]


def test_robust_maximum_looks_at_the_error_of_the_target_too():
    observed = spectrum([0, 1e6, 1e6, 1e6, 0])
    target = spectrum([0, 10, 20, 90, 0], [0, 0.01, 0.01, 8100, 0])
    assert keep_table(observed, target, maximum="robust").maximum_bin == 2


def test_robust_maximum_without_a_precise_bin():
    with pytest.raises(InputError, match=r"relative error of at most 0\.2 \(smallest: 0\.5"):
        keep_table(spectrum([0, 3, 4, 1, 0]), spectrum([0, 1e6, 1e6, 1e6, 0]), maximum="robust")


def test_nothing_in_common():
    with pytest.raises(InputError, match="both taus in the input"):
        keep_table(spectrum([5, 0, 7, 0, 5]), spectrum([1, 3, 0, 3, 1]))


def test_negative_bins_of_the_target_keep_nothing():
    table = keep_table(spectrum([0, 10, 10, 10, 0]), spectrum([0, 5, -1, 10, 0], [0] * 5))
    assert not table.keep([50.0], [0.0]).any()


@pytest.mark.parametrize("contents", [[0, 1, np.nan, 1, 0], [np.inf, 1, 1, 1, 0], [0, 1, 1, 1, np.nan]])
def test_target_not_finite(contents):
    with pytest.raises(InputError, match=r"target: 1 of 5 bins whose content is not a finite number: .*: (nan|inf)"):
        keep_table(spectrum([1] * 5), spectrum(contents, [1] * 5))


def test_event_weights_that_sum_to_zero_or_less():
    observed, target = spectrum([0, 5, -3, 0, 0], [0, 5, 9, 4, 0]), spectrum([0, 1, 2, 4, 0])
    taus = np.array([0, 5, 2, 2, 0])
    with pytest.raises(InputError, match=r"bin 2 \(40 to 60\): -3; bin 3 \(60 to 100\): 0; .*--allow-negative"):
        keep_table(observed, target, taus=taus)
    table = keep_table(observed, target, taus=taus, allow_negative=True)
    assert table.keep_probability.tolist() == [0, 1, 1, 1, 0]
    assert table.ratio.tolist() == [0, 0.2, 0, 0, 0]
    assert table.as_manifest()["bins_without_ratio"].tolist() == [2, 3]
    # nothing is wanted in a bin: its taus are dropped, whatever their weights
    assert not keep_table(observed, spectrum([0, 1, 0, 0, 0]), taus=taus).keep([50.0, 70.0], [0.1, 0.1]).any()


@pytest.mark.parametrize("contents", [[0, 0, 0, 0, 0], [9, 0, 0, 0, 9], [0, -1, 0, -2, 0]])
def test_target_zero(contents):
    with pytest.raises(InputError, match="no bin between 30 and 100 GeV is above 0"):
        check_target(spectrum(contents), "EMB")


def test_keep_takes_the_number_at_the_probability():
    table = keep_table(spectrum([4, 4, 4, 4, 4]), spectrum([1, 2, 4, 1, 3]))
    pt = np.array([10, 35, 35, 50, 80, 80, 100], np.float32)
    uniforms = [0.25, 0.5, 0.5000001, 0.999, 0.25, 0.26, 0.75]
    assert table.keep(pt, uniforms).tolist() == [True, True, False, True, True, False, True]


def test_keep_needs_one_number_a_tau():
    table = keep_table(spectrum([4, 4, 4, 4, 4]), spectrum([1, 2, 4, 1, 3]))
    with pytest.raises(InputError, match="one uniform number a tau: 2; received 1"):
        table.keep([31.0, 32.0], [0.1])
