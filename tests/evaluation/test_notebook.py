"""The notebook runs on small inputs, saves its plots and stays without outputs."""

import os
from types import SimpleNamespace

import nbformat
import papermill
import pytest
from evaluation_inputs import write_run_of_tables

pytestmark = pytest.mark.slow

SIDES, PARTS = ("adversarial", "default"), ("", "_dm1", "_pt20to200")
NOTEBOOK = "notebooks/evaluate_adversarial.ipynb"


def with_taus(table):
    """Return a prediction table with the columns that panels are made by."""
    return table.assign(tau_decayMode=table.index % 2, tau_pt=25.0 + table.index % 50)


@pytest.fixture(scope="module")
def executed(repository, make_table, tmp_path_factory):
    """The notebook, executed twice by one kernel: with a run that has an adversarial head, and with one that has none."""
    folder = tmp_path_factory.mktemp("notebook")
    adversarial = write_run_of_tables(folder / "mlruns", with_taus(make_table(400, 400)))
    default = write_run_of_tables(
        folder / "mlruns", with_taus(make_table(400, 400, data_shift=-1.0)).drop(columns="y_pred_adv")
    )
    headless = write_run_of_tables(folder / "mlruns", with_taus(make_table(400, 400)).drop(columns="y_pred_adv"))
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    again = [nbformat.v4.new_code_cell(f"adversarial_run, decay_modes, pt_edges = {headless.id!r}, [], []")]
    again += [nbformat.v4.new_code_cell(cell.source) for cell in notebook.cells[1:] if cell.cell_type == "code"]
    notebook.cells += again
    nbformat.write(notebook, folder / "twice.ipynb")
    panels = {"decay_modes": [1], "pt_edges": [20, 200]}
    parameters = panels | {"mlpath": str(folder / "mlruns"), "adversarial_run": adversarial.id, "default_run": default.id}
    cwd = os.getcwd()
    result = papermill.execute_notebook(
        str(folder / "twice.ipynb"),
        str(folder / "out.ipynb"),
        parameters,
        kernel_name="python3",
        progress_bar=False,
        cwd=str(folder),
    )
    assert os.getcwd() == cwd
    cells = result.cells[: -len(again)], result.cells[-len(again) :]
    return SimpleNamespace(adversarial=adversarial, headless=headless, cells=cells[0], headless_cells=cells[1])


def saved_plots(run):
    found = sorted(path for path in (run.artifacts / "plots").iterdir() if path.name != "checksums.json")
    assert all(path.stat().st_size > 5000 for path in found)
    return [path.name for path in found]


def tables_in(cells):
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_plots_are_saved_in_the_adversarial_run(executed):
    expected = [
        f"{name}.{kind}"
        for name in sorted(["adversarial_yadv", *(f"{side}_Djet{part}" for side in SIDES for part in PARTS)])
        for kind in ("pdf", "png")
    ]
    assert saved_plots(executed.adversarial) == expected


def test_numbers_are_shown(executed):
    html = tables_in(executed.cells)
    assert "chi2/ndf" in html[-2]
    assert "data/MC rate" in html[-2]
    assert "mean" in html[-1]


def test_a_run_without_adversarial_head_has_no_plot_of_it(executed):
    """As a run of ``method: mmd`` leaves its table."""
    expected = [f"{side}_Djet.{kind}" for side in SIDES for kind in ("pdf", "png")]
    assert saved_plots(executed.headless) == expected
    assert "chi2/ndf" in tables_in(executed.headless_cells)[-1]
    printed = "".join(output.get("text", "") for cell in executed.headless_cells for output in cell["outputs"])
    assert "the run has none" in printed


def test_notebook_is_short_and_its_first_cell_holds_the_parameters(repository):
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    assert sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code") < 80
