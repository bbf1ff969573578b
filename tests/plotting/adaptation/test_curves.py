import numpy as np
import pytest

from TauAdv.plotting.adaptation.curves import curves_of_entries


def test_one_training_is_its_curve_and_several_are_a_mean_with_a_band(curve):
    one, other = curve(1.0), curve(3.0)
    found = curves_of_entries({"single": [one], "seeds": [one, other]})
    assert found["single"] is one
    assert found["seeds"].mis_id == pytest.approx(2 * one.mis_id)
    half = np.std([1.0, 3.0], ddof=1) * one.mis_id
    assert found["seeds"].high == pytest.approx(2 * one.mis_id + half)
    assert found["seeds"].low == pytest.approx(2 * one.mis_id - half)
