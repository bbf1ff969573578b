"""Options that are given twice: lists are joined, single values refused."""

from importlib import import_module

import pytest

from TauAdv.cli.main import COMMANDS, command_parser
from TauAdv.cli.parser import Parser


@pytest.fixture
def parser():
    made = Parser(prog="prog")
    made.add_argument("--input", nargs="+")
    made.add_argument("--target", action="append")
    made.add_argument("--sel", "--selection")
    made.add_argument("--n", type=int, default=1)
    made.add_argument("--pair", nargs=2)
    made.add_argument("--kind", choices=["a", "b"])
    made.add_mutually_exclusive_group().add_argument("--mode")
    made.add_argument("overrides", nargs="*")
    return made


def test_lists_are_joined(parser):
    given = parser.parse_intermixed_args(
        ["--input", "a", "b", "--n", "2", "x=1", "--input", "c", "--target", "d", "--target=e"]
    )
    assert (given.input, given.target, given.n, given.overrides) == (["a", "b", "c"], ["d", "e"], 2, ["x=1"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sel", "a>1", "--selection", "b>2"], "--sel/--selection comes twice, with 'a>1' and with 'b>2'; give it once"),
        # the first value equals the default
        (["--n", "1", "--n", "2"], "--n comes twice, with '1' and with '2'; give it once"),
        (["--pair", "a", "b", "x=1", "--pair", "c", "d"], "--pair comes twice, with 'a b' and with 'c d'; give it once"),
        (["--kind", "a", "--kind", "b"], "--kind comes twice, with 'a' and with 'b'; give it once"),
        (["--mode", "a", "--mode=b"], "--mode comes twice, with 'a' and with 'b'; give it once"),
    ],
)
def test_single_values_come_once(parser, words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parser.parse_intermixed_args(words)
    assert capsys.readouterr().err == f"error: {message}; see prog --help\n"


def test_each_command_line_is_its_own(parser):
    assert [parser.parse_intermixed_args(["--n", n, "--input", n]).input for n in "12"] == [["1"], ["2"]]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_has_an_option_that_drops_values(name):
    """Every option that takes values is one of those tested above, or keeps all that it is given."""
    parser = command_parser(import_module(f"TauAdv.cli.{COMMANDS[name]}"), name)
    kinds = {type(action).__name__ for action in parser._actions if action.option_strings and action.nargs != 0}
    assert kinds <= {"_Store", "_AppendAction"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--inputs", "a"], "no option --inputs (did you mean '--input'?)"),
        (["-input", "a"], "no option -input (did you mean '--input'?)"),
        (["--selektion=a"], "no option --selektion (did you mean '--selection'?)"),
        (["--xyzzy"], "no option --xyzzy;"),
    ],
)
def test_misspelt_options(parser, words, message, capsys):
    parser.add_argument("--needed", required=True)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_intermixed_args(words)
    assert message in capsys.readouterr().err


def test_options_may_be_shortened_and_values_may_look_like_them(parser):
    given = parser.parse_intermixed_args(["--inp", "a", "--sel=-tau_pt > 3", "--n", "-3", "x=1"])
    assert (given.input, given.sel, given.n, given.overrides) == (["a"], "-tau_pt > 3", -3, ["x=1"])
