"""Hints at known names in messages."""

import pytest

from TauAdv.errors import first_line, nearest


def test_nearest_name():
    assert nearest("tau_ptt", ["tau_pt", "tau_eta"]) == " (did you mean 'tau_pt'?)"
    assert nearest("xyz", ["tau_pt", "tau_eta"]) == ""


def test_nearest_name_in_capital_letters():
    known = ["track_0_Z0", "track_0_D0", "track_0_D0D0"]
    assert nearest("track_0_d0", known) == " (did you mean 'track_0_D0'?)"
    assert nearest("TRACK_0_D", known) == " (did you mean 'track_0_D0'?)"
    assert nearest("mU", ["mu", "MU"]) in (" (did you mean 'mu'?)", " (did you mean 'MU'?)")
    assert nearest("roC", []) == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("\n  first \nsecond"), "first"),
        (KeyError(), "KeyError"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (ValueError("x" * 300), "x" * 200 + "..."),
    ],
)
def test_first_line_of_an_error(error, line):
    assert first_line(error) == line
