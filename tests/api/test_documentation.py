"""The page on Python and the notebooks on scores: what they show runs, here and in this process."""

import re
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

import TauAdv as ta
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow

PAGE = "docs/python.md"
NOTEBOOKS = ("score_taus", "score_jets")


@pytest.fixture
def run_cells():
    """Return a function that runs cells with the variables given, and returns all variables."""
    from IPython.core.interactiveshell import InteractiveShell

    def run(cells, **given):
        shell = InteractiveShell(user_ns=given)
        shell.history_manager.enabled = False
        for cell in cells:
            shell.run_cell(cell, store_history=False).raise_error()
        return SimpleNamespace(**{name: value for name, value in shell.user_ns.items() if name.isidentifier()})

    return run


@pytest.fixture(scope="module")
def few_taus(taus, tmp_path_factory):
    path = tmp_path_factory.mktemp("few") / "taus.root"
    with TupleWriter(path) as writer:
        (arrays,) = ta.tuples(taus.tuples).iterate(entry_stop=40)
        writer.extend(arrays)
    return path


@pytest.fixture
def array(jets):
    """Physical values of 50 jets."""
    shards = ta.shards(jets.test)
    scaled, _ = shards.take(slice(0, 50))
    values = shards.table.unscale(scaled.x)
    values[scaled.x_default] = np.nan
    return values


def code_of(repository, name):
    notebook = nbformat.read(repository / f"notebooks/{name}.ipynb", as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    return [cell.source for cell in notebook.cells[1:] if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_short(name, repository):
    assert sum(len(cell.splitlines()) for cell in code_of(repository, name)) <= 14


def test_notebook_of_taus(repository, taus, few_taus, run_cells, capsys):
    given = {"mlpath": taus.mlruns, "run_id": taus.classifier.id, "files": few_taus}
    found = run_cells(code_of(repository, "score_taus"), **given)
    tables = found.scores
    assert tables["as they are"].equals(ta.tagger(taus.classifier).predict(dict(found.branches)))
    assert not np.array_equal(*(table["Djet"] for table in tables.values()))
    assert "as they are      40 taus, mean Djet 0." in capsys.readouterr().out


def test_notebook_of_jets(repository, jets, array, run_cells, tmp_path, capsys):
    np.save(tmp_path / "jets.npy", array)
    given = {"mlpath": jets.mlruns, "run_id": jets.run.id, "file": tmp_path / "jets.npy"}
    found = run_cells(code_of(repository, "score_jets"), **given)
    expected = ta.tagger(jets.run).predict(ta.shards(jets.test)).iloc[:50]
    assert found.scores["p_b"].to_numpy() == pytest.approx(expected["p_b"].to_numpy(), abs=1e-5)
    assert "50 jets, mean BvsL 0." in capsys.readouterr().out


def test_page_names_all_names(repository):
    text = (repository / PAGE).read_text()
    missing = [name for name in ta.__all__ if not name.startswith("_") and not re.search(rf"`ta\.{name}\b", text)]
    assert missing == []


@pytest.mark.filterwarnings("ignore:.*holds files that its manifest does not list")
def test_page_runs(repository, taus, jets, few_taus, array, run_cells, tmp_path, monkeypatch):
    text = (repository / PAGE).read_text()
    first, *others = [block.replace("\n    ", "\n").strip() for block in re.findall(r"\n\n((?:    .*\n|\n(?=    ))+)", text)]
    assert len(others) >= 2
    for folder in ("data", "shards", "jets", "plots"):
        (tmp_path / folder).mkdir()
    (tmp_path / "mlruns").symlink_to(taus.mlruns)
    (tmp_path / "jets" / "mlruns").symlink_to(jets.mlruns)
    (tmp_path / "data" / "taus.root").symlink_to(few_taus)
    for name in ("test", "control"):
        (tmp_path / "shards" / name).symlink_to(getattr(taus, name))
    monkeypatch.chdir(tmp_path / "jets")
    found = run_cells([first], ta=ta, run_id=jets.run.id, array=array)
    assert len(found.scores) == 50
    monkeypatch.chdir(tmp_path)
    found = run_cells(others, ta=ta, tagger=ta.tagger(taus.classifier))
    assert len(found.scores) == 40
    assert set(found.curves) == {"nominal", "attacked"}
    assert (tmp_path / "plots" / "roc.pdf").is_file()
