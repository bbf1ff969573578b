"""The notebooks of the jets run on the committed sample, save their plots and stay short."""

import nbformat
import papermill
import pytest

from TauAdv.jets.extract import ExtractionSettings, extract_jets

pytestmark = pytest.mark.slow

PLOTS = {
    "explore_dataset": ["jets", "tracks"],
    "defaults": ["absent"],
    "reweighting": ["eta", "pt", "weights"],
    "clean_preprocess": ["inputs"],
}
SHOWN = {
    "explore_dataset": ["fraction"],
    "defaults": ["published default", "track_5_vertex_energy_fraction"],
    "reweighting": ["mean weight"],
    "clean_preprocess": ["standard_deviations_off", "largest |mean| "],
}


@pytest.fixture(scope="module")
def sample(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "extracted"
    extract_jets(repository / "tests/data/jets/jets.json.gz", folder, ExtractionSettings())
    return folder


@pytest.mark.parametrize("name", PLOTS)
def test_notebook(name, sample, repository, tmp_path):
    parameters = {"extracted": str(sample), "plots": str(tmp_path / "plots")}
    if name == "clean_preprocess":
        parameters["prepared"] = str(tmp_path / "prepared")
    result = papermill.execute_notebook(
        str(repository / f"notebooks/{name}.ipynb"),
        str(tmp_path / "out.ipynb"),
        parameters,
        kernel_name="python3",
        progress_bar=False,
        cwd=str(tmp_path),
    )
    saved = sorted(path for path in (tmp_path / "plots").iterdir() if path.name != "checksums.json")
    assert [path.name for path in saved] == [f"{plot}.{kind}" for plot in PLOTS[name] for kind in ("pdf", "png")]
    assert all(path.stat().st_size > 5000 for path in saved)
    outputs = [output for cell in result.cells for output in cell.get("outputs", [])]
    shown = "".join(output.get("text", "") + output.get("data", {}).get("text/html", "") for output in outputs)
    assert all(text in shown for text in SHOWN[name])
    assert not [output for output in outputs if output.get("name") == "stderr" and "Warning" in output["text"]]


@pytest.mark.parametrize("name", PLOTS)
def test_notebook_is_short_and_its_first_cell_holds_the_parameters(name, repository):
    notebook = nbformat.read(repository / f"notebooks/{name}.ipynb", as_version=4)
    assert notebook.cells[0].metadata["tags"] == ["parameters"]
    assert sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code") < 60
