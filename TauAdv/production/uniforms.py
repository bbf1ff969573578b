"""Uniform random numbers for the event drop: a numpy Generator, or the numbers of ROOT's TRandom3."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from TauAdv.errors import ConfigError

__all__ = ["ROOT_SEED", "RandomSource", "root_uniforms", "uniform_numbers"]

RandomSource = Literal["numpy", "root"]

#: seed of a ``TRandom3()`` that was given none
ROOT_SEED = 4357
_TWO_TO_MINUS_32 = 2.3283064365386963e-10


def root_uniforms(seed: int, size: int) -> npt.NDArray[np.float64]:
    """Return the first numbers of ROOT's ``TRandom3(seed).Uniform()``, bit for bit, in (0, 1).

    Both generators are the 32-bit Mersenne twister with the same seeding; TRandom3 passes over a raw 0.

    Raises:
        ConfigError: if the seed is not in 1 ... 2^32 - 1 (0 means "from the clock" in ROOT).
    """
    if not 0 < seed < 2**32:
        msg = f"seed {seed}: numbers of ROOT's TRandom3 need a seed between 1 and {2**32 - 1} (ROOT's default: {ROOT_SEED})"
        raise ConfigError(msg)
    generator = np.random.RandomState(seed)._bit_generator  # the legacy seeding is the point
    raw = generator.random_raw(size)
    while (raw == 0).any():
        raw = raw[raw != 0]
        raw = np.concatenate([raw, generator.random_raw(size - raw.size)])
    return np.asarray(raw * _TWO_TO_MINUS_32, dtype=np.float64)


def uniform_numbers(source: RandomSource, seed: int, size: int) -> npt.NDArray[np.float64]:
    """Return uniform numbers in [0, 1).

    Args:
        source: ``"numpy"`` for ``numpy.random.default_rng(seed)``, ``"root"`` for :func:`root_uniforms`.
        seed: seed of the numbers.
        size: how many.

    Raises:
        ConfigError: if the seed does not suit the source.
    """
    if source == "root":
        return root_uniforms(seed, size)
    if seed < 0:
        msg = f"seed {seed}: expected a number that is not negative"
        raise ConfigError(msg)
    return np.random.default_rng(seed).random(size)
