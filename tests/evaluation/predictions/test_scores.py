import numpy as np
import pytest

from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.scores import djet, score_against

ROWS = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.0, 0.0], [0, 0, 1, 0]], dtype=np.float32)


def test_scores_are_tau_over_tau_plus_background():
    assert djet(ROWS) == pytest.approx([3 / 7, 0, 1])
    assert score_against(ROWS, "e") == pytest.approx([3 / 4, 0, 1])
    assert score_against(ROWS, "mu") == pytest.approx([3 / 5, 0, 1])


def test_scores_near_one_stay_apart():
    p = np.array([[0, 0, 1, 1e-9], [0, 0, 1, 2e-9]], dtype=np.float32)
    first, second = djet(p)
    assert first > second
    assert 1 - first == pytest.approx(1e-9, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "background", "message"), [(ROWS, "tau", "e, mu or jet"), (ROWS[:, :3], "jet", r"\[3, 3\]")]
)
def test_bad_input(values, background, message):
    with pytest.raises(InputError, match=message):
        score_against(values, background)
