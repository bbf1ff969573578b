"""Blank words of a command line: an option that was meant to have a value."""

import pytest

from TauAdv.cli.report import report_errors
from TauAdv.config.words import names_between_commas, require_words
from TauAdv.errors import ConfigError

BLANK = ["", " ", "\t", "\u00a0", "\u200b", "\u2003\u200d "]


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize(
    "words", [["--sel", "{}"], ["--sel={}"], ["-s", "{}"], ["--sel", "a", "--input", "b", "{}"], ["{}"]]
)
def test_blank_words_are_refused(words, blank):
    with pytest.raises(ConfigError, match="an empty text was given"):
        require_words([word.format(blank) for word in words])


def test_the_option_is_named():
    with pytest.raises(ConfigError, match=r"^--sel: an empty text"):
        require_words(["--input", "a.root", "--sel", ""])
    with pytest.raises(ConfigError, match=r"^--sel: an empty text"):
        require_words(["--sel=", "--input", "a.root"])


def test_good_words():
    require_words(["--sel", "tau_pt > 30", "--dry-run", "--", "train.py", "a=", "-1", "x y", "größe", "--x= a"])


@pytest.mark.parametrize("word", ["a\0", "caf\udce9.root", "\x1b[0m"])
def test_characters_that_no_setting_has(word):
    with pytest.raises(ConfigError, match="expected a command line without"):
        require_words(["--input", word])


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b", "a, ,b", "a,\u200b"])
def test_nothing_between_commas(text):
    with pytest.raises(ConfigError, match="expected names between the commas"):
        names_between_commas(text, "--other-trees")


def test_names_between_commas():
    assert names_between_commas("a, ^b.* ,c", "--include-columns") == ["a", "^b.*", "c"]
    assert names_between_commas(None, "--include-columns") is None


@pytest.mark.parametrize("read_by_itself", [True, False])
def test_every_script_refuses_them(capsys, monkeypatch, read_by_itself):
    monkeypatch.setattr("sys.argv", ["script.py", "--sel", "" if read_by_itself else "x"])
    called = []

    @report_errors
    def main(argv=None):
        called.append(argv)

    with pytest.raises(SystemExit, match="2"):
        main(*([] if read_by_itself else [["--sel", ""]]))
    assert capsys.readouterr().err.startswith("error: --sel: an empty text was given")
    assert not called
