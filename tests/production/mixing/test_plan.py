import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.production.mixing.plan import choose_entries, interleave

needs = st.lists(st.integers(1, 20), min_size=1, max_size=4)


@given(needs)
def test_file_order_goes_on(wanted):
    shares = choose_entries(np.arange(sum(wanted)), wanted)
    assert np.concatenate(shares).tolist() == list(range(sum(wanted)))
    assert [share.size for share in shares] == wanted


def test_file_order_runs_out():
    assert [share.tolist() for share in choose_entries(np.arange(5), [3, 4, 1])] == [[0, 1, 2], [3, 4], []]


@given(needs, st.integers(0, 9), st.integers(0, 2**31))
def test_random_draw_has_no_repetition(wanted, spare, seed):
    shares = choose_entries(np.arange(sum(wanted) + spare), wanted, rng=np.random.default_rng(seed))
    together = np.concatenate(shares)
    assert [share.size for share in shares] == wanted
    assert np.unique(together).size == together.size
    assert together.max(initial=0) < sum(wanted) + spare


def test_random_draw_is_unbiased():
    rng = np.random.default_rng(1)
    shares = [choose_entries(np.arange(10), [3, 2], rng=rng) for _ in range(20_000)]
    for output, size in enumerate((3, 2)):
        drawn = np.bincount(np.concatenate([share[output] for share in shares]), minlength=10)
        expected = 20_000 * size / 10
        assert np.abs(drawn - expected).max() < 5 * np.sqrt(expected * (1 - size / 10))
    first = np.bincount([share[0][0] for share in shares], minlength=10)  # the order is random as well
    assert np.abs(first - 2000).max() < 5 * np.sqrt(2000 * 0.9)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), needs, st.integers(0, 2**31))
def test_events_stay_in_one_output(event, wanted, seed):
    event = np.array(event)
    shares = choose_entries(event, wanted, rng=np.random.default_rng(seed))
    outputs = [set(event[share].tolist()) for share in shares]
    assert sum(map(len, outputs)) == len(set().union(*outputs))
    assert all(share.size <= need for share, need in zip(shares, wanted, strict=True))


@pytest.mark.parametrize("seed", [None, 3])
def test_reuse_keeps_outputs_apart(seed):
    rng = None if seed is None else np.random.default_rng(seed)
    shares = choose_entries(np.arange(30), [40, 20], rng=rng, allow_reuse=True)
    assert [share.size for share in shares] == [40, 20]
    assert not set(shares[0]) & set(shares[1])
    assert np.bincount(shares[0]).max() == np.bincount(shares[1]).max() == 2
    assert len(set(shares[0])) + len(set(shares[1])) == 30


def test_reuse_only_where_it_is_needed():
    shares = choose_entries(np.arange(30), [20, 10], allow_reuse=True)
    assert np.concatenate(shares).tolist() == list(range(30))


def test_interleave_fills_batch_by_batch():
    plan = interleave([np.array([5, 6, 7, 8]), np.array([1, 2])], [2, 1])
    assert plan.source.tolist() == [0, 0, 1, 0, 0, 1]
    assert plan.entry.tolist() == [5, 6, 1, 7, 8, 2]
