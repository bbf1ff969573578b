"""Words of a command line: which command they mean, its help, its options, and mistakes."""

import gc
import json
import subprocess
import sys
from importlib import import_module

import pytest

from TauAdv.cli import main, script
from TauAdv.cli.main import COMMANDS, command_parser
from TauAdv.cli.training.start import rare_collections
from TauAdv.commands import SCRIPTS, command, resume_line, scripts_in_messages

HELP_OF_ALL = """
import contextlib, io, json, sys
from TauAdv.cli import main
from TauAdv.cli.main import COMMANDS
texts = {}
for words in ([*name.split(), "--help"] for name in ["", "jets", *COMMANDS]):
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        main(words)
    texts[" ".join(words[:-1])] = text.getvalue()
loaded = {"tensorflow", "keras", "uproot", "awkward", "pandas", "pydantic", "numpy", "mlflow"} & set(sys.modules)
print(json.dumps([texts, sorted(loaded)]))
"""


@pytest.fixture(scope="module")
def helps():
    """Texts of --help, by command, and the large libraries that were loaded for them."""
    done = subprocess.run([sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_help_loads_no_large_library(helps):
    assert helps[1] == []


def test_help_of_every_command(helps):
    texts = helps[0]
    for name in COMMANDS:
        assert texts[name].startswith(f"usage: tauadv {name} "), name
        assert "python " not in texts[name], name
        assert "{" not in texts[name].replace("{ttree,rntuple}", "").partition("options:")[0].partition("\n\n")[2], name


def test_help_lists_every_command(helps):
    for name in COMMANDS:
        assert f"\n  {name} " in helps[0][""]
    assert "jets extract" in helps[0]["jets"]
    assert "pt-weights" not in helps[0]["jets"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected a command; tauadv --help lists them"),
        (["skmi"], "no command 'skmi' (did you mean 'skim'?); tauadv --help lists them"),
        (["jets", "extrct"], "no command 'jets extrct' (did you mean 'jets extract'?)"),
        (["--halp"], "no command '--halp'"),
        (["skim", "--sel", ""], "--sel: an empty text was given"),
        (["spectra", "--input", "a", "--output", "b", "--scale", "2"], "--scale goes with --target"),
        (["spectra", "--target", "r/p=a", "--output", "b", "--tau-type", "x"], "--tau-type goes with --input"),
        (["plot-loss", "--mlpath", "x", "--expID", "1", "--surface", "a", "b"], "--surface needs --test"),
        (["configs", "--copy", "x.yaml"], "--copy needs the name of a configuration"),
        (["shards", "--output", "x"], "no tuples to read: give --input"),
    ],
)
def test_mistakes(words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert len(said.splitlines()) == 1


def test_version(capsys):
    main(["--version"])
    assert capsys.readouterr().out.startswith("TauAdv ")


def test_module_is_the_same(capsys):
    done = subprocess.run([sys.executable, "-m", "TauAdv", "--help"], capture_output=True, text=True)
    main(["--help"])
    assert (done.returncode, done.stdout) == (0, capsys.readouterr().out)


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_of_scripts_names_scripts(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        script(name)(["--help"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {SCRIPTS[name].rpartition('/')[2]} ")
    assert "tauadv" not in shown.partition("options:")[0]


def test_dashes_and_underscores_are_the_same(monkeypatch):
    seen = []
    module = import_module(f"TauAdv.cli.{COMMANDS['drop']}")
    monkeypatch.setattr(module, "run", seen.append)
    for sign in "_-":
        words = ["--input_file", "a_b", "--target_file=c_d", "--target_histo", "e_f", "--save_path", "g_h.root"]
        main(["drop", *(word.replace("_", sign) if word.startswith("--") and "=" not in word else word for word in words)])
    assert seen[0] == seen[1]
    assert (seen[0].input_file, str(seen[0].target_file), seen[0].target_histo) == ("a_b", "c_d", "e_f")


def parser_of(name):
    return command_parser(import_module(f"TauAdv.cli.{COMMANDS[name]}"), name)


WITH_SETTINGS = [
    name for name in COMMANDS if {"overrides", "overwrite"} <= {action.dest for action in parser_of(name)._actions}
]


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_options_may_stand_between_settings(name):
    parser = parser_of(name)
    needed = [
        word
        for action in parser._actions
        if action.required and action.option_strings
        for word in (action.option_strings[0], "x")
    ]
    given = parser.parse_intermixed_args(["a=1", *needed, "--overwrite", "b=2"])
    assert given.overrides == ["a=1", "b=2"]
    assert given.overwrite


def test_messages_name_the_command_as_it_was_called():
    assert command("train jets") == "tauadv train"
    assert resume_line("train jets", "abc", "my runs/1") == "tauadv resume abc --mlpath 'my runs/1'"
    with scripts_in_messages(True):
        assert command("train jets") == "Training/train_jet_tagger.py"
        assert resume_line("train jets", "abc", "r/1") == "python Training/train_jet_tagger.py --resume abc --mlpath r/1"
    assert command("shards") == "tauadv shards"


def test_a_message_in_both_forms(tmp_path, capsys):
    (tmp_path / "set").mkdir()
    words = ["--format", "onnx", "--model", str(tmp_path / "a.pb"), "--output", str(tmp_path / "o")]
    (tmp_path / "a.pb").write_bytes(b"x")
    said = []
    for call in (lambda: main(["export", *words]), lambda: script("export")(words)):
        with pytest.raises(SystemExit, match="2"):
            call()
        said.append(capsys.readouterr().err)
    assert said[0].endswith("received a frozen graph; tauadv import-cms reads those of CMS\n")
    assert said[1].endswith("received a frozen graph; Training/import_cms_model.py reads those of CMS\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sel", "-evt<3"), "a value that begins with - is written --OPTION=VALUE"),
        (("--n-threads", "0"), "expected a whole number of 1 or more"),
    ],
)
def test_wrong_words_are_one_line(capsys, words, message):
    with pytest.raises(SystemExit, match="2"):
        main(["skim", "--input", "a.root", "--output", "b.root", *words])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert line.endswith("; see tauadv skim --help")


def test_collector_of_a_training_is_set_back():
    of_tests = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    with pytest.raises(ValueError, match="inside"), rare_collections():
        assert gc.get_threshold() == (10_000, 20, 20)
        raise ValueError("inside")
    assert gc.get_threshold() == (700, 10, 10)
    gc.set_threshold(*of_tests)
