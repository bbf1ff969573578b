import pytest

from TauAdv.errors import ConfigError, InputError
from TauAdv.production.columns import choose_columns

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


def test_bad_regular_expression():
    with pytest.raises(ConfigError, match=r"'\^\(' is not a regular expression"):
        choose_columns(NAMES, ["^("])
