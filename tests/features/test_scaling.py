import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from TauAdv.features.scaling import ScalingConstants, scale

VALUES = arrays(np.float32, (37, 7), elements=st.floats(width=32))


@pytest.fixture(scope="module")
def electron(table):
    return table.blocks["Electron"].features


@given(values=VALUES, grid=st.sampled_from(["inner", "outer"]))
def test_scaled_values_are_finite_and_within_limits(electron, values, grid):
    scaled, counts = scale(values, {}, electron, grid)
    constants = ScalingConstants.of(electron, grid)
    assert np.isfinite(scaled).all()
    np.testing.assert_array_equal(scaled, np.clip(scaled, np.minimum(constants.low, 0)[:, None], constants.high[:, None]))
    limited = np.isfinite(constants.low)
    broken = np.isnan(values) | (~limited[:, None] & np.isinf(values))
    assert counts == {feature.path: int(n) for feature, n in zip(electron, broken.sum(axis=1), strict=True) if n}


@given(values=VALUES)
def test_agrees_with_apply(electron, values):
    scaled, _ = scale(values, {}, electron, "outer")
    applied = ScalingConstants.of(electron, "outer").apply(values.T).T
    np.testing.assert_array_equal(scaled, np.where(np.isfinite(applied), applied, 0))


def test_invalid_is_zero_after_scaling(electron):
    values = np.full((len(electron), 2), 7, np.float32)
    scaled, _ = scale(values, {1: np.array([True, False])}, electron, "inner")
    assert scaled[1, 1] == 0
    assert scaled[1, 0] == 5  # (7 - 0.9372) / 0.4817 is beyond the limit


def test_infinite_values_clip_where_there_is_a_limit(electron):
    values = np.zeros((len(electron), 1), np.float32)
    values[0], values[1], values[2] = np.inf, -np.inf, np.nan  # no_scaling, normal, linear
    scaled, counts = scale(values, {}, electron, "inner")
    assert scaled[0, 0] == 0
    assert scaled[1, 0] == -5
    assert scaled[2, 0] == 0
    assert counts == {"Electron/ele_valid": 1, "Electron/ele_deta": 1}


@given(arrays(np.float32, 37, elements=st.floats(-0.875, 0.875, width=32)))
def test_invert_round_trip(electron, scaled):
    constants = ScalingConstants.of(electron, "inner")
    np.testing.assert_allclose(constants.apply(constants.invert(scaled)), scaled, rtol=1e-4, atol=1e-4)
