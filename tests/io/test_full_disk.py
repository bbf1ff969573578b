"""Errors of a full disk name the output, whatever library raises them."""

import copy
import errno
import os
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import uproot

from TauAdv.cli.report import report_errors
from TauAdv.errors import InputError, WriteError
from TauAdv.io.atomic import new_file, new_folder, scratch_folder
from TauAdv.io.full_disk import reason_of
from TauAdv.io.locks import output_lock
from TauAdv.io.resumable import resumable_folder
from TauAdv.plotting.style import save_figure


class LibraryError(Exception):
    """As TensorFlow, HDF5 and SQLite raise them: no OSError, or one without a number."""


TEXTS = {
    "(sqlite3.OperationalError) database or disk is full": errno.ENOSPC,
    "Can't write data (file write failed: errno = 28, error message = 'No space left on device')": errno.ENOSPC,
    "RESOURCE_EXHAUSTED: model.data; No space left on device [Op:MergeV2Checkpoints]": errno.ENOSPC,
    "write: Disk quota exceeded": errno.EDQUOT,
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", [LibraryError, OSError])
def test_errors_that_say_it_as_text(tmp_path, kind, text):
    said = r"out\.h5: cannot be written: .*nothing was left there; free some"
    with pytest.raises(WriteError, match=said) as caught, new_file(tmp_path / "out.h5") as temporary:
        temporary.write_text("half")
        raise kind(text)
    assert caught.value.errno == TEXTS[text]
    assert list(tmp_path.iterdir()) == []


def test_the_cause_of_an_error_is_found():
    error = RuntimeError("could not save the model")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert reason_of(error) == errno.ENOSPC
    assert reason_of(RuntimeError("another")) is None
    assert reason_of(InputError("column 'no space left on device'")) is None


@pytest.mark.parametrize("opened", [new_file, new_folder, scratch_folder])
def test_other_errors_stay_what_they_are(tmp_path, opened):
    with pytest.raises(FileNotFoundError, match=r"input\.root"), opened(tmp_path / "out"):
        (tmp_path / "input.root").read_bytes()
    with pytest.raises(PermissionError, match=r"input\.root"), opened(tmp_path / "out"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "elsewhere" / "input.root"))


@pytest.fixture
def raised_by_a_script():
    """Return a function that raises an error within a script."""

    def run(error):
        @report_errors
        def main():
            raise error

        main()

    return run


def test_scripts_show_a_full_disk_of_any_library_in_one_line(raised_by_a_script, capsys):
    with pytest.raises(SystemExit) as caught:
        raised_by_a_script(LibraryError("(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT INTO ...]"))
    assert caught.value.code == 2
    said = "error: No space left on device: (sqlite3.OperationalError) database or disk is full [SQL: INSERT INTO ...]; free"
    assert capsys.readouterr().err.startswith(said)
    with pytest.raises(LibraryError, match="another"):
        raised_by_a_script(LibraryError("another"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f".a.b.{'0af3' * 8}.tmp.root", "a.b.root"),
        (f".a.{'0af3' * 8}.tmp", "a"),
        (".set.unfinished/shards-00001.arrow", "set"),
        (f".set.unfinished/inner/.part.{'0af3' * 8}.tmp.arrow", "set"),
        (f".report.{'0af3' * 8}.tmp/plots/roc.pdf", "report/plots/roc.pdf"),
        (".profile", ".profile"),
    ],
)
def test_errors_of_the_system_show_no_hidden_names(raised_by_a_script, capsys, name, shown):
    with pytest.raises(SystemExit):
        raised_by_a_script(OSError(errno.ENOSPC, "No space left on device", f"a/{name}"))
    assert capsys.readouterr().err == f"error: a/{shown}: No space left on device\n"


def of_arrow(path):
    schema = pa.schema([("x", pa.float64())])
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, schema) as writer:
        writer.write_batch(pa.record_batch({"x": np.zeros(100_000)}))


def of_uproot(path):
    with uproot.recreate(path, compression=None) as file:
        file["tree"] = {"x": np.random.default_rng(1).normal(size=100_000)}


def of_numpy(path):
    np.savez(path, x=np.zeros(100_000))


@pytest.fixture
def small_files():
    """Files larger than 64 kB cannot be written: as on a full disk, libraries get an error from the system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("write", "name"), [(of_arrow, "x.arrow"), (of_uproot, "x.root"), (of_numpy, "x.npz")])
def test_libraries_name_the_output(tmp_path, small_files, write, name):
    with (
        pytest.raises(WriteError, match=rf"{name}: cannot be written: File too large"),
        new_file(tmp_path / name) as temporary,
    ):
        write(temporary)
    assert list(tmp_path.iterdir()) == []


def test_a_plot_that_does_not_fit_leaves_nothing(tmp_path, small_files, capsys):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8))
    figure.add_subplot().imshow(np.random.default_rng(1).normal(size=(800, 800)), interpolation="none")

    @report_errors
    def main():
        save_figure(figure, tmp_path / "plots", "closure")

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "closure.pdf: cannot be written: File too large" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    said = r"file/out\.txt: cannot be written: .*file is a file, expected a folder; move it away, or choose another$"
    for opened in (new_file, new_folder, output_lock):
        with pytest.raises(WriteError, match=said), opened(tmp_path / "file" / "out.txt"):
            pass
    with pytest.raises(WriteError, match=r"name too long.*give a shorter name"), new_file(tmp_path / ("x" * 240)):
        pass


def resumable(path):
    return resumable_folder(path, {}, own=("*",))


def report(path):
    return new_folder(path)


@pytest.mark.parametrize("folder", [resumable, report])
@pytest.mark.parametrize("relative", [False, True])
def test_no_hidden_name_is_shown(tmp_path, monkeypatch, small_files, folder, relative):
    monkeypatch.chdir(tmp_path)
    output = Path("out") if relative else tmp_path / "out"
    said = r"^(?!.*/\.)(.*/)?out: cannot be written: File too large"
    with pytest.raises(WriteError, match=said) as caught, folder(output) as work:
        (work / "inner").mkdir()
        with new_file(work / "inner" / "part") as temporary:
            temporary.write_bytes(bytes(100_000))
    sent = copy.copy(caught.value)  # as by a worker process
    assert (str(sent), sent.filename) == (str(caught.value), caught.value.filename)
    assert not output.exists()
