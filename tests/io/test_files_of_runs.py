"""Files of another run."""

import shutil

import pytest

from TauAdv.errors import InputError
from TauAdv.io.checked_files import require_undamaged, write_checked_text
from TauAdv.io.ownership import require_same_run, run_of

ONE, OTHER = "0123456789abcdef" * 2, "f" * 32


def folder(tmp_path, run):
    return tmp_path / "mlruns" / "1" / run / "artifacts"


def test_the_run_of_a_place(tmp_path):
    assert run_of(folder(tmp_path, ONE)) == run_of(folder(tmp_path, ONE) / "model" / "model.keras") == ONE
    assert run_of(tmp_path) is run_of(tmp_path / "artifacts" / "x") is run_of(tmp_path / ONE / "model") is None


def test_a_folder_of_another_run_is_refused(tmp_path):
    for run in (ONE, OTHER):
        (folder(tmp_path, run) / "model").mkdir(parents=True)
        write_checked_text(folder(tmp_path, run) / "model" / "a.txt", run)
    require_undamaged(folder(tmp_path, ONE) / "model" / "a.txt")
    shutil.rmtree(folder(tmp_path, ONE) / "model")
    shutil.copytree(folder(tmp_path, OTHER) / "model", folder(tmp_path, ONE) / "model")
    with pytest.raises(InputError, match=rf"a\.txt: it was written in run {OTHER}, and lies in run {ONE}"):
        require_undamaged(folder(tmp_path, ONE) / "model" / "a.txt")
    shutil.copytree(folder(tmp_path, OTHER) / "model", tmp_path / "anywhere")
    require_undamaged(tmp_path / "anywhere" / "a.txt")  # a copy that is no run's


def test_what_says_nothing_is_taken(tmp_path):
    require_same_run(folder(tmp_path, ONE), None)
    require_same_run(tmp_path, OTHER)
