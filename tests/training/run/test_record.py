"""What a run says of the code that made it."""

import subprocess

from TauAdv import __version__
from TauAdv.training.run import record


def fake_git(answers):
    def run(command, **options):
        answer = answers.get(command[3])
        if answer is None:
            raise subprocess.CalledProcessError(128, command)
        return subprocess.CompletedProcess(command, 0, answer + "\n", "")

    return run


def test_state_of_a_checkout(monkeypatch):
    answers = {"rev-parse": "abc123", "status": " M TauAdv/x.py", "diff": " TauAdv/x.py | 3 +++"}
    monkeypatch.setattr(record.subprocess, "run", fake_git(answers))
    assert record.code_version() == {"TauAdv": __version__, "git_commit": "abc123", "git_modified": "True"}
    assert record.code_changes() == "TauAdv/x.py | 3 +++"
    monkeypatch.setattr(record.subprocess, "run", fake_git({"rev-parse": "abc123", "status": "", "diff": ""}))
    assert record.code_version()["git_modified"] == "False"
    assert record.code_changes() == ""


def test_package_outside_of_a_checkout(monkeypatch):
    monkeypatch.setattr(record.subprocess, "run", fake_git({}))
    assert record.code_version() == {"TauAdv": __version__, "git_commit": "none: the package is not in a git checkout"}
    assert record.code_changes() == ""
