"""Commands whose output nobody reads."""

import os
import subprocess
import sys

import pytest

from TauAdv.io.broken_pipes import STATUS, quiet_broken_pipes


def status(words, errors=None, **environment):
    """Return the exit status of a command whose output is a pipe that nobody reads, as head leaves it."""
    reader, writer = os.pipe()
    os.close(reader)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | environment
    command = [sys.executable, "-m", "TauAdv", *words]
    done = subprocess.run(command, stdout=writer, stderr=errors or writer, env=env)
    os.close(writer)
    return done.returncode


@pytest.mark.parametrize("words", [["configs", "jet_nominal"], ["skim", "--help"], ["--version"]], ids=" ".join)
def test_commands_end_quietly(words, tmp_path):
    with (tmp_path / "errors").open("w") as errors:
        assert status(words, errors) == STATUS
        assert status(words, errors, PYTHONUNBUFFERED="1") in {0, STATUS}  # argparse hides that help could not be written
    assert (tmp_path / "errors").read_text() == ""


def test_errors_that_nobody_reads():
    assert status(["nothing"]) == STATUS


def test_other_pipes_are_not_hidden():
    with pytest.raises(BrokenPipeError, match="to a worker"), quiet_broken_pipes():
        raise BrokenPipeError("to a worker")
