"""What a wheel of the package holds: a command, configurations, tables, types."""

import configparser
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.slow

SETUP = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    """A wheel of the package, made in a copy of what git keeps: nothing of other builds comes into it."""
    folder = tmp_path_factory.mktemp("wheel")
    pytest.importorskip("setuptools", reason="builds wheels")
    build = "import os, sys; from setuptools import build_meta as m; os.chdir(sys.argv[1]); m.build_wheel(sys.argv[2])"
    source = folder / "source"
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "-z",
            "-co",
            "--exclude-standard",
            "TauAdv",
            *SETUP,
        ],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((repository / name).read_bytes())
    done = subprocess.run([sys.executable, "-c", build, source, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_has_the_command(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read(name).decode())
    assert dict(parser["console_scripts"]) == {"tauadv": "TauAdv.cli:main"}


def test_wheel_has_all_files_of_the_package(wheel, repository):
    packed = set(wheel.namelist())
    kept = {
        path.relative_to(repository).as_posix()
        for path in (repository / "TauAdv").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"TauAdv/py.typed", "TauAdv/__main__.py", "TauAdv/configs/pt_weights.yaml"} <= kept
    assert kept - packed == set()


_IN_PYTHON = """
import sys
sys.path.insert(0, sys.argv[1])
import TauAdv as ta
try:
    ta.tagger("nothing.keras")
except ValueError as error:
    print(error, ta.__file__)
"""


def test_wheel_runs_in_an_empty_folder(wheel, tmp_path):
    """The package as the wheel has it, where there is nothing else."""
    wheel.extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from TauAdv.cli import main; main(sys.argv[1:])"

    def tauadv(*words):
        command = [sys.executable, "-P", "-c", code, str(tmp_path / "site"), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path / "empty")

    assert tauadv("configs", "jet_nominal").stdout.startswith("# train: the jet-flavour network")
    done = tauadv("mix", "--input_dir", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "nowhere/SingleMuon_skimmed.root" in done.stderr
    done = subprocess.run(
        [sys.executable, "-P", "-c", _IN_PYTHON, tmp_path / "site"], capture_output=True, text=True, cwd=tmp_path / "empty"
    )
    assert (done.stderr, done.stdout.startswith("nothing.keras: no such model file")) == ("", True)
    assert str(tmp_path / "site") in done.stdout
    assert list((tmp_path / "empty").iterdir()) == []
