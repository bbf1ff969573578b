import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.production.skim.columns import choose_columns

NAMES = ["run", "tau_pt", "tau_eta", "boostedTau_pt", "pfCand_pt"]


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        ([], [], NAMES),
        (["tau_pt", "run"], [], ["run", "tau_pt"]),
        (["^tau_"], [], ["tau_pt", "tau_eta"]),
        (["^.*_pt"], ["^boosted"], ["tau_pt", "pfCand_pt"]),
        ([], ["^.*_pt$", "run"], ["tau_eta"]),
        (["tau_pt", "run"], ["tau_pt"], ["run"]),
    ],
)
def test_choice(include, exclude, kept):
    assert choose_columns(NAMES, include, exclude) == kept


def test_patterns_that_match_nothing_are_all_named():
    with pytest.raises(InputError, match=r"2 of the entries match no branch") as error:
        choose_columns(NAMES, ["tau_Pt", "^muon_", "run"])
    assert "tau_Pt (did you mean 'tau_pt'?)" in str(error.value)
    assert "^muon_" in str(error.value)


def test_nothing_left():
    with pytest.raises(InputError, match="leave no branch"):
        choose_columns(NAMES, ["run"], ["run"])


@pytest.mark.parametrize(
    "pattern", ["^(", "^" + "(" * 50_000 + "a" + ")" * 50_000, "^a{99999999999}", "^(?P<tau>a)(?P<tau>b)"]
)
def test_bad_regular_expression(pattern):
    with pytest.raises(ConfigError, match=r"'\^.*' is not a regular expression") as error:
        choose_columns(NAMES, [pattern])
    assert len(str(error.value)) < 250


def test_many_and_long_entries_are_shown_shortened():
    with pytest.raises(InputError, match="1000 of the entries match no branch") as error:
        choose_columns(NAMES, [f"branch_{number}" * 100 for number in range(1000)])
    assert len(str(error.value).splitlines()) < 25
    with pytest.raises(InputError, match=r"position 4 is CYRILLIC SMALL LETTER ER"):
        choose_columns(NAMES, ["tau\u0440_pt"])
