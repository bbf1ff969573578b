"""What scripts show of errors: one message and a status, no traceback; everything else is a defect and stays visible."""

import errno
import warnings

import pytest

from TauAdv.cli.report import report_errors
from TauAdv.errors import ConfigError, InputError, InputWarning


def run(error, capsys):
    """Exit status and message of a script that raises."""

    @report_errors
    def main():
        raise error

    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize("kind", [InputError, ConfigError])
def test_errors_of_the_user(kind, capsys):
    assert run(kind("a.root: no branch 'tau_pt'"), capsys) == (2, "error: a.root: no branch 'tau_pt'\n")


def test_warnings_are_plain_lines():
    before = warnings.formatwarning
    shown = []

    @report_errors
    def main():
        shown.extend(warnings.formatwarning("cut short", kind, "x.py", 3) for kind in (InputWarning, UserWarning))

    main()
    assert shown == ["warning: cut short\n", before("cut short", UserWarning, "x.py", 3)]
    assert warnings.formatwarning is before


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "out/skimmed.root"),
            "out/skimmed.root: Permission denied",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x.root"), "x.root: File name too long; give a shorter name"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    ],
)
def test_errors_of_the_file_system(error, message, capsys):
    status, text = run(error, capsys)
    assert status == 2
    assert text.startswith("error: ")
    assert message in text


def test_interruption(capsys):
    assert run(KeyboardInterrupt(), capsys) == (130, "interrupted\n")


def test_defects_are_not_hidden():
    @report_errors
    def main():
        raise KeyError("cells")

    with pytest.raises(KeyError):
        main()


def test_script_that_cannot_write(run_script, repository, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    sample = repository / "tests/data/sample/DYtautau.root"
    with pytest.raises(SystemExit) as stopped:
        run_script("Production/make_spectra.py", "--input", sample, "--output", tmp_path / "file" / "spectrum.root")
    assert stopped.value.code == 2
    assert "error: " in (text := capsys.readouterr().err)
    assert "Traceback" not in text
