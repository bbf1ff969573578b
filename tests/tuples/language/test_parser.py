"""Any text is an expression or an InputError of a few lines, quickly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from TauAdv.errors import InputError
from TauAdv.tuples.language.parser import parse
from TauAdv.tuples.selection import Selection

TOKENS = (
    "tau_pt", "x", "n", "v", "30", "0.9f", "1e400", "010", "0x1F", "10L", ".5", "true", "and", "or", "not", "&&", "||", "!",
    "(", ")", "[", "]", "?", ":", "<", "<=", "==", "=", "!=", "&", "|", "^", "~", "<<", ">>", "+", "-", "*", "/", "%", ",",
    "int", "(int)", "unsigned", "static_cast<float>", "std::", "abs", "TMath::Even", "TMath::Pi()", "std::max", "pow",
    "v.size()", "Length$(v)", "Entry$", "\u00a0", "\u200b", "\u2212", "\0", "\ud800", "'", '"', ";", "$", "@", ".",
    "é", "9" * 400,
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec=None), max_size=40),
    st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join),
    st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
)
COLUMNS = {
    "tau_pt": np.array([20.0, np.nan], np.float32),
    "x": np.array([-1.5, 1e300]),
    "n": np.array([0, -(2**31)], np.int32),
    "v": [[1.0], [2.0]],
}


def outcome(text):
    """Return the selection and which taus pass, or the error."""
    try:
        selection = Selection(text, parse(text))
        return selection, selection(COLUMNS)
    except InputError as error:
        return None, str(error)


@given(texts)
@settings(max_examples=600, deadline=None)
def test_any_text(text):
    selection, result = outcome(text)
    if selection is None:
        assert len(result.splitlines()) <= 11
        assert all(len(line) < 500 for line in result.splitlines())
        assert all(line.isprintable() for line in result.split("\n"))
    else:
        assert (result.dtype, result.shape) == (np.bool_, (2,))
        assert parse(str(selection.tree)) == selection.tree


@pytest.mark.parametrize(
    "text",
    [
        "foo(" * 20_000,
        "(" * 100_000,
        "a" * 100_000 + "(x)",
        "7" * 100_000,
        "0" * 100_000 + "9",
        "7." + "7" * 100_000 + "f",
        "x > 1e" + "9" * 100_000,
        " && ".join(f"branch_{number} > 3" for number in range(2_000)) + " && = 3",
        "(" + "unsigned " * 50_000 + ")x",
        "static_cast<" + "long " * 50_000 + ">(x)",
        "x." * 50_000,
        "'" * 100_000,
        "\u200b" * 100_000,
        "x" * 3_000_000,
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)
def test_long_and_wrong(text):
    with pytest.raises(InputError) as error:
        parse(text)
    assert len(str(error.value)) < 800


def test_many_missing_branches_are_counted():
    selection = Selection("", parse(" || ".join(f"branch_{number}" for number in range(3_000))))
    with pytest.raises(InputError, match="and 2995 more branches are missing") as error:
        selection.require([f"tau_{number}" for number in range(700)])
    assert len(str(error.value)) < 2000
