"""The notebooks of adaptation run on small inputs, save their figures and stay short."""

import nbformat
import papermill
import pytest
from compared_trainings import metrics_of, write_sweep

pytestmark = pytest.mark.slow

NAMES = ("inspect_inputs", "compare_runs", "choose_k2")


@pytest.fixture
def execute(repository, tmp_path):
    """Return a function that executes a notebook and returns what it shows."""

    def run(name, **parameters):
        result = papermill.execute_notebook(
            str(repository / f"notebooks/{name}.ipynb"),
            str(tmp_path / "out.ipynb"),
            {**parameters, "plots": str(tmp_path / "plots")},
            kernel_name="python3",
            progress_bar=False,
            cwd=str(tmp_path),
        )
        outputs = [output for cell in result.cells for output in cell.get("outputs", [])]
        data = [output.get("data", {}) for output in outputs]
        shown = [str(each.get(kind, "")) for each in data for kind in ("text/html", "text/markdown", "text/plain")]
        return "".join([*shown, *(output.get("text", "") for output in outputs)]), sum("image/png" in each for each in data)

    return run


def figures_in(folder):
    return sorted(path.name for path in folder.glob("*.png") if path.with_suffix(".pdf").stat().st_size > 1000)


def test_inspect_inputs(execute, sets, tmp_path):
    shown, images = execute("inspect_inputs", control=str(sets.control), most_taus=300, figures=1)
    assert "300 taus" in shown
    assert "TauFlat/" in shown
    assert (figures_in(tmp_path / "plots"), images) == (["inputs_1.png"], 1)


def test_choose_k2(execute, tmp_path):
    parent = write_sweep(tmp_path / "mlruns", (1, 3), (1, 2), lambda k2, seed: metrics_of(0.9 + 0.01 * k2 * seed, 1.25))
    shown, images = execute("choose_k2", mlpath=str(tmp_path / "mlruns"), runs=[parent.id])
    assert "off_spread" in shown
    assert "1.25" in shown
    assert (figures_in(tmp_path / "plots"), images) == (["choose_k2.png"], 1)


def test_compare_runs(execute, runs, sets, tmp_path):
    asked = {"nominal": runs.nominal.id, "seeds": [runs.fine_tune.id, runs.adversarial.id]}
    small = {"bins": 5, "folds": 2, "head_folds": 2, "domain_rows": 60, "bootstrap": 4, "toys": 20, "closure_points": {}}
    files = {"mlpath": str(runs.mlruns), "control": str(sets.control), "test": str(sets.test)}
    shown, images = execute("compare_runs", runs=asked, settings=small, **files)
    assert "Something to repair" in shown
    assert "(2 runs)" in shown
    names = ["bins_decay_mode.png", "bins_eta.png", "bins_pT.png", "ratios.png", "roc.png"]
    assert (figures_in(tmp_path / "plots"), images) == (names, 5)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_short_and_its_first_cell_holds_the_parameters(name, repository):
    notebook = nbformat.read(repository / f"notebooks/{name}.ipynb", as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    assert sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code") < 80
