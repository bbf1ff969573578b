"""The notebook runs on small inputs, saves its plots and stays without outputs."""

import os

import nbformat
import papermill
import pytest
from evaluation_inputs import write_run_of_tables

pytestmark = pytest.mark.slow

NOTEBOOK = "notebooks/evaluate_adversarial.ipynb"


@pytest.fixture(scope="module")
def executed(repository, make_table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    adversarial = write_run_of_tables(folder / "mlruns", make_table(400, 400))
    default = write_run_of_tables(folder / "mlruns", make_table(400, 400, data_shift=-1.0).drop(columns="y_pred_adv"))
    parameters = {"mlpath": str(folder / "mlruns"), "adversarial_run": adversarial.id, "default_run": default.id}
    cwd = os.getcwd()
    result = papermill.execute_notebook(
        str(repository / NOTEBOOK),
        str(folder / "out.ipynb"),
        parameters,
        kernel_name="python3",
        progress_bar=False,
        cwd=str(folder),
    )
    assert os.getcwd() == cwd
    return adversarial, result


def test_plots_are_saved_in_the_adversarial_run(executed):
    plots = executed[0].artifacts / "plots"
    expected = [
        f"{name}.{kind}" for name in ("adversarial_Djet", "adversarial_yadv", "default_Djet") for kind in ("pdf", "png")
    ]
    found = sorted(path for path in plots.iterdir() if path.name != "checksums.json")
    assert [path.name for path in found] == expected
    assert all(path.stat().st_size > 5000 for path in found)


def test_numbers_are_shown(executed):
    html = [
        output["data"]["text/html"]
        for cell in executed[1].cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    assert "chi2/ndf" in html[-2]
    assert "data/MC rate" in html[-2]
    assert "mean" in html[-1]


def test_a_run_without_adversarial_head_has_no_plot_of_it(repository, make_table, tmp_path, capsys):
    """As a run of ``method: mmd`` leaves its table; the cells run here, without a kernel."""
    run = write_run_of_tables(tmp_path / "mlruns", make_table(400, 400).drop(columns="y_pred_adv"))
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    first, *cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    given = {"mlpath": str(run.mlpath), "adversarial_run": run.id, "default_run": run.id}
    names = {}
    exec(first, names)
    exec("\n".join(cells), names | given)
    assert "the run has none" in capsys.readouterr().out
    saved = {path.stem for path in (run.artifacts / "plots").glob("*.pdf")}
    assert saved == {"default_Djet", "adversarial_Djet"}


def test_notebook_is_short_and_its_first_cell_holds_the_parameters(repository):
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    assert sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code") < 80
