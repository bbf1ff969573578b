import numpy as np
import pytest

from TauAdv.errors import ConfigError
from TauAdv.production.uniforms import ROOT_SEED, root_uniforms, uniform_numbers


def test_root_numbers_continue():
    assert np.array_equal(root_uniforms(ROOT_SEED, 2000)[:700], root_uniforms(ROOT_SEED, 700))


def test_root_passes_over_a_raw_zero(monkeypatch):
    class Generator:
        def __init__(self, seed):
            self.numbers = iter([7, 0, 9, 0, 11])
            self._bit_generator = self

        def random_raw(self, size):
            return np.array([next(self.numbers) for _ in range(size)], dtype=np.uint64)

    monkeypatch.setattr(np.random, "RandomState", Generator)
    assert (root_uniforms(1, 3) * 2**32).tolist() == [7, 9, 11]


@pytest.mark.parametrize("source", ["numpy", "root"])
def test_seed_decides(source):
    first, again, other = (uniform_numbers(source, seed, 500) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert ((first >= 0) & (first < 1)).all()


@pytest.mark.parametrize(("source", "seed"), [("root", 0), ("root", 2**32), ("root", -1), ("numpy", -1)])
def test_seeds_that_do_not_suit(source, seed):
    with pytest.raises(ConfigError, match=f"seed {seed}"):
        uniform_numbers(source, seed, 5)
