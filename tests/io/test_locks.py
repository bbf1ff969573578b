"""One writer an output."""

import subprocess
import sys
from threading import Timer

import pytest

from TauAdv.errors import InputError, OutputLockedError, WriteError
from TauAdv.io.atomic import write_json
from TauAdv.io.locks import LONGEST_NAME, lock_path, locking, output_lock
from TauAdv.io.manifests.manifest import write_manifest

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


def test_a_decorated_step_holds_its_outputs(tmp_path):
    @locking("output", lambda arguments: [arguments["folder"] / "second.root"])
    def step(output, folder=tmp_path):
        return sorted(path.name for path in folder.iterdir())

    assert step(tmp_path / "out.root") == [".out.root.lock", ".second.root.lock"]
    assert list(tmp_path.iterdir()) == []


def test_one_of_several_outputs_is_enough(other_writer, tmp_path):
    _, output = other_writer
    with pytest.raises(OutputLockedError, match=r"out\.root"), output_lock(tmp_path / "another.root", output):
        pass
    assert not lock_path(tmp_path / "another.root").exists()


def test_who_waits_gets_it_after_the_other(other_writer):
    process, output = other_writer
    with pytest.raises(OutputLockedError), output_lock(output):
        pass
    Timer(0.2, process.kill).start()
    with output_lock(output, wait=True):
        assert lock_path(output).exists()


def test_folders_that_nothing_came_into_are_removed(tmp_path):
    with pytest.raises(ValueError, match="bad input"), output_lock(tmp_path / "new" / "folder" / "out.root"):
        raise ValueError("bad input")
    assert list(tmp_path.iterdir()) == []
    with output_lock(tmp_path / "new" / "out.root"):
        (tmp_path / "new" / "out.root").write_text("made")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.root"]


def test_what_is_there_may_be_looked_at_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "out.root").write_text("made before")
    monkeypatch.setattr("TauAdv.io.locks.os.access", lambda path, mode: False)
    with output_lock(tmp_path / "out.root"):
        assert [path.name for path in tmp_path.iterdir()] == ["out.root"]


_WITHOUT_LOCKS = """
import errno, fcntl, os, signal, sys
def refuse(*arguments):
    raise OSError(getattr(errno, sys.argv[2]), "no locks")
fcntl.flock = refuse
from TauAdv.cli.report import report_errors
from TauAdv.io.locks import output_lock
@report_errors
def main():
    with output_lock(sys.argv[1]):
        print("held", flush=True)
        if sys.stdin.read() == "die":
            os.kill(os.getpid(), signal.SIGKILL)
main()
"""


@pytest.mark.parametrize("answer", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_without_locks_a_marker_says_it_plainly(tmp_path, answer):
    output = tmp_path / "out.root"
    command = [sys.executable, "-c", _WITHOUT_LOCKS, output, answer]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    first = subprocess.Popen(command, text=True, **pipes)
    assert first.stdout.readline() == "held\n"
    second = subprocess.run(command, input="", text=True, capture_output=True)
    assert second.returncode == 2
    assert "this file system has no locks" in second.stderr
    assert f"error: {output}: is being written by process {first.pid} on " in second.stderr
    _, said = first.communicate("die")
    assert "this file system has no locks" in said
    third = subprocess.run(command, input="", text=True, capture_output=True)  # the one that died does not count
    assert (third.returncode, third.stdout) == (0, "held\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["/", "/usr/../", "//"])
def test_the_root_of_the_file_system_is_no_output(root):
    with pytest.raises(InputError, match="/: is the root of the file system; give the output a name"), output_lock(root):
        pass


def test_a_name_that_leaves_no_room_for_hidden_ones(tmp_path):
    longest = tmp_path / ("é" * (LONGEST_NAME // 2))
    with output_lock(longest):
        write_json(longest, {})
        write_manifest(longest, step="test", settings={})
    with pytest.raises(InputError, match="the name has 202 bytes; give one of at most 200"), output_lock(f"{longest}é"):
        pass


def test_a_place_that_takes_no_files_is_not_called_locked():
    with pytest.raises(WriteError, match=r"/proc/x: cannot be written"), output_lock("/proc/x"):
        pass
