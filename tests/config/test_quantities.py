"""Durations as they are typed, in files and on the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.config import Settings, dump_settings, load_settings
from TauAdv.config.quantities import Hours, Seconds
from TauAdv.errors import ConfigError


class Job(Settings):
    hours: Hours = 12.0
    notice: Seconds = 300


GOOD = {"12:00:00": 12, "12:30": 12.5, "1:30": 1.5, "0:00:36": 0.01, "1-06:00:00": 30, "2-00:00": 48, "100:00:00": 100}
NUMBERS = {"12": 12, "1.5": 1.5, "0.25": 0.25}


@pytest.mark.parametrize(("text", "hours"), (GOOD | NUMBERS).items())
def test_hours(tmp_path, text, hours):
    path = tmp_path / "job.yaml"
    for written in (text, f"'{text}'"):
        path.write_text(f"hours: {written}\n")
        assert load_settings(Job, path).hours == pytest.approx(hours, rel=1e-12)
    for overrides in ([f"hours={text}"], {"hours": text}):
        assert load_settings(Job, None, overrides).hours == pytest.approx(hours, rel=1e-12)


def test_numbers_stay_in_the_unit_of_the_setting():
    assert (load_settings(Job, None, {"hours": 12}).hours, load_settings(Job, None, ["notice=120"]).notice) == (12, 120)
    assert load_settings(Job, None, ["notice=0:05:00"]).notice == 300


BAD = [
    "12:60",
    "12:5",
    "1-24:00:00",
    "24h",
    "12:00:00:00",
    "1-2",
    "0123",
    "-1:00",
    "1_0",
    "12:00 pm",
    "0x10",
    "١٢:٠٠",
    "1,5",
    "yes",
]


@pytest.mark.parametrize("text", BAD)
def test_other_forms_are_refused_with_the_known_ones(text):
    with pytest.raises(ConfigError, match="hours: expected HH:MM, HH:MM:SS, d-HH:MM:SS or a number of hours; received"):
        load_settings(Job, None, [f"hours={text}"])


@pytest.mark.parametrize("value", ["0", "0:00", 0, -1, True, float("inf"), float("nan")])
def test_no_time_is_refused(value):
    with pytest.raises(ConfigError, match="hours"):
        load_settings(Job, None, {"hours": value})


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_days(days, hours, minutes, seconds):
    settings = load_settings(Job, None, [f"hours={days}-{hours:02}:{minutes:02}:{seconds:02}"])
    assert round(settings.hours * 3600) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def test_longer_than_ten_years_is_refused():
    assert load_settings(Job, None, ["hours=3650-00:00:00"]).hours == 87_600
    for hours in ("1e99", "87601", "99999-00:00:00"):
        with pytest.raises(ConfigError, match=r"expected .*87600"):
            load_settings(Job, None, [f"hours={hours}"])


@given(st.floats(1e-6, 87_600))
def test_read_back_equal(tmp_path_factory, hours):
    path = tmp_path_factory.mktemp("job") / "job.yaml"
    path.write_text(dump_settings(Job(hours=hours)))
    assert load_settings(Job, path) == Job(hours=hours)
