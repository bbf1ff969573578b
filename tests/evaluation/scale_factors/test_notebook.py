"""The notebook reads two runs by their identifiers, draws their scale factors and fits one bin."""

import json
import re

import nbformat
import papermill
import pytest
from control_region_inputs import control_table
from evaluation_inputs import write_run_of_tables

from TauAdv.evaluation.scale_factors.report import make_scale_factors

pytestmark = pytest.mark.slow

NOTEBOOK = "notebooks/scale_factors.ipynb"


@pytest.fixture(scope="module")
def executed(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    runs = [write_run_of_tables(folder / "mlruns", control_table(3000, shift=shift)) for shift in (-0.3, 0.0)]
    for run in runs:
        (run.artifacts / "working_points.json").write_text(json.dumps({"jet": {"Medium": 0.8, "Tight": 0.9}}))
    make_scale_factors(runs[0].mlpath, [run.id for run in runs])
    parameters = {"mlpath": str(folder / "mlruns"), "before_run": runs[0].id, "after_run": runs[1].id}
    result = papermill.execute_notebook(
        str(repository / NOTEBOOK),
        str(folder / "out.ipynb"),
        parameters,
        kernel_name="python3",
        progress_bar=False,
        cwd=str(folder),
    )
    return runs[1], [output for cell in result.cells for output in cell.get("outputs", [])]


def test_figure_is_saved_in_the_run_after_adaptation(executed):
    found = sorted(path.name for path in (executed[0].artifacts / "plots").iterdir())
    assert found == ["checksums.json", "scale_factors.pdf", "scale_factors.png"]


def test_fit_agrees_with_the_table(executed):
    printed = "".join(output.get("text", "") for output in executed[1])
    fitted, of_table = re.search(r"of the fit: ([\d.]+); of the table: ([\d.]+)", printed).groups()
    assert float(fitted) == pytest.approx(float(of_table), abs=2e-3)
    mu, low, high = map(float, re.search(r"mu_pass = ([\d.]+), 68 % interval ([\d.]+) to ([\d.]+)", printed).groups())
    assert low < mu < high
    warned = [output["text"] for output in executed[1] if output.get("name") == "stderr" and "Warning:" in output["text"]]
    assert [text for text in warned if "IProgress not found" not in text] == []  # MLflow's tqdm, without ipywidgets


def test_notebook_is_short_and_its_first_cell_holds_the_parameters(repository):
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    assert sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code") < 80
