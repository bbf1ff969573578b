"""One writer an output."""

import subprocess
import sys

import pytest

from TauAdv.errors import OutputLockedError
from TauAdv.io.locks import lock_path, output_lock

_HOLD = """
import sys
from TauAdv.io.locks import output_lock
with output_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_writer(tmp_path):
    output = tmp_path / "out.root"
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, output], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process, output
    process.kill()
    process.communicate()


def test_the_second_writer_hears_who_writes(other_writer):
    process, output = other_writer
    with (
        pytest.raises(OutputLockedError, match=rf"out\.root: is being written by process {process.pid} on "),
        output_lock(output),
    ):
        pass


def test_a_killed_writer_holds_nothing(other_writer):
    process, output = other_writer
    process.kill()
    process.wait()
    assert lock_path(output).exists()
    with output_lock(output):
        pass
    assert list(output.parent.iterdir()) == []


def test_a_planted_link_is_not_followed(tmp_path):
    foreign = tmp_path / "foreign"
    foreign.write_text("kept")
    lock_path(tmp_path / "out.root").symlink_to(foreign)
    with pytest.raises(OSError, match="cannot be locked"), output_lock(tmp_path / "out.root"):
        pass
    assert foreign.read_text() == "kept"
