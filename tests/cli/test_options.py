"""Numbers and paths of options: what is typed is what is meant."""

import argparse
import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from TauAdv.cli.options import count, number, path, whole_number

NO_NUMBERS = [
    "1_000",
    " 5",
    "5 ",
    "0123",
    "-007",
    "１２",
    "٣",
    "",
    "five",
    "nan",
    "inf",
    "-inf",
    "infinity",
    "True",
    "1,5",
    ".",
]
FOLDERS = ("Production", "Training", "Evaluation", "demo")


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.0", "1e3", "0.5"])
def test_texts_that_are_no_whole_number(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"^expected a whole number.*, such as 20; received '"):
        whole_number(text)


@pytest.mark.parametrize("text", [*NO_NUMBERS, ".nan", ".inf", "1e999", "1_0.5", "0x1p3"])
def test_texts_that_are_no_number(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"^expected a number.*, such as 0\.5; received '"):
        number(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers(value):
    assert whole_number(str(value)) == value


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "9" * 20])
def test_whole_numbers_of_more_than_64_bits(text):
    """The manifest of an output could not be read back."""
    with pytest.raises(argparse.ArgumentTypeError, match=rf"fits into 64 bits, .*; received {text}"):
        whole_number(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers(value):
    assert number(repr(value)) == value


@pytest.mark.slow
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_refused(text):
    for kind in (whole_number, number, count):
        try:
            found = kind(text)
        except argparse.ArgumentTypeError:
            continue
        assert text.isascii()
        assert not set(text) & set("_ \t\n")
        assert math.isfinite(found)


def test_counts():
    assert [count(text) for text in ("1", "20")] == [1, 20]
    for text in ("0", "-1"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"^expected a whole number of 1 or more; received '{text}'$"):
            count(text)


def test_the_option_is_named(run_script, capsys):
    words = ("--input_file", "a.root", "--target_file", "b.root", "--target_histo", "h", "--save_path", "c.root")
    with pytest.raises(SystemExit) as ended:
        run_script("Production/EventDrop.py", *words, "--seed", "0123")
    assert ended.value.code == 2
    said = "argument --seed: expected a whole number without leading zeros, such as 20; received '0123'"
    assert said in capsys.readouterr().err


def test_home_is_replaced(monkeypatch):
    monkeypatch.setenv("HOME", "/a/home")
    assert str(path("~/a.root")) == "/a/home/a.root"
    assert [str(path(name)) for name in ("a/~b", "$HOME/a", "./~")] == ["a/~b", "$HOME/a", "~"]


def test_scripts_have_no_other_numbers_and_paths(repository):
    """``int``, ``float`` and ``Path`` take what is not meant."""
    wrong = []
    for script in (file for folder in FOLDERS for file in sorted((repository / folder).glob("*.py"))):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "type" and ast.unparse(node.value) in ("int", "float", "Path"):
                wrong.append(f"{script.name}:{node.value.lineno}")
    assert wrong == []
