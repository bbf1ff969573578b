import re

import numpy as np
import pytest
from cms_graphs import TF1, V2P5_INPUTS, random_model, small_network, write_network

from TauAdv.errors import OutputExistsError
from TauAdv.features.table import FeatureTable
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.models.cms.parts import version_of
from TauAdv.models.loading import load_model
from TauAdv.runs import find_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eagerly")]

SCRIPT = "Training/import_cms_model.py"


@pytest.fixture(scope="module")
def model():
    return random_model(small_network(**V2P5_INPUTS))


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    return write_network(model, tmp_path_factory.mktemp("graphs"), version="deepTau_test")


def options(files, output, *more):
    return [
        *(text for part, path in files.items() for text in (f"--{part}", path)),
        "--output",
        output,
        "--n_taus",
        20,
        *(() if "--features" in more else ("--features", "none")),
        *more,
    ]


def test_file_manifest_and_run(files, model, run_script, tmp_path, capsys):
    output, mlruns = tmp_path / "out" / "model.keras", tmp_path / "mlruns"
    arguments = options(files, output, "--features", "deeptau_v2p5", "--mlpath", mlruns)
    run_script(SCRIPT, *arguments)
    imported, manifest = load_model(output), read_manifest(output)
    assert imported.name == "deepTau_test"
    np.testing.assert_array_equal(imported.get_layer("tau_dense_1").kernel, model.get_layer("tau_dense_1").kernel)
    assert manifest["dialect"] == "TF2-frozen"
    assert manifest["comparison"]["largest_difference"] < 1e-5
    assert [entry["name"] for entry in manifest["inputs"]] == [path.name for path in files.values()]
    assert "weights used" in (text := capsys.readouterr().out)

    run = find_run(manifest["run"]["mlpath"], manifest["run"]["id"])
    assert f"pretrained.run_id={run.id}" in text
    assert run.tags["kind"] == "imported"
    assert run.status == "FINISHED"
    assert (run.artifacts / "model" / "model.keras").read_bytes() == output.read_bytes()
    assert FeatureTable.load(run.artifacts / "input_cfg" / "features.yaml").digest == run.tags["feature_table"]
    assert run.tags["feature_table_chosen_by"] == "user"
    assert "feature table deeptau_v2p5: the user's choice" in text

    written = output.stat().st_mtime_ns
    run_script(SCRIPT, *arguments)  # nothing to do
    assert output.stat().st_mtime_ns == written
    assert "made before" in capsys.readouterr().out
    assert len(list(run.mlpath.iterdir())) == 1
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *arguments, "--dropout", 0.1)
    assert "made with other settings" in capsys.readouterr().err


def test_table_that_does_not_fit(files, run_script, tmp_path, capsys):
    other = write_network(random_model(small_network()), tmp_path / "graphs")
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *options(other, tmp_path / "model.keras", "--features", "deeptau_v2p5"))
    assert (
        r"'deeptau_v2p5' is not that of the network 'test': features of a tau: network 7, table 43"
        in capsys.readouterr().err
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graphs"]


def test_refused_graphs_leave_nothing(files, run_script, tmp_path, capsys):
    cut = tmp_path / "graphs" / "deepTau_test_core.pb"
    cut.parent.mkdir()
    cut.write_bytes(files["core"].read_bytes()[:-100])
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *options({**files, "core": cut}, tmp_path / "model.keras", "--mlpath", tmp_path / "mlruns"))
    assert "truncated" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graphs"]


def test_unknown_files_need_a_table(files, run_script, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *options(files, tmp_path / "model.keras")[:-2])
    assert "deepTau_test_core.pb: no network that TauAdv knows by its digest" in capsys.readouterr().err
    run_script(SCRIPT, *options(files, tmp_path / "model.keras", "--features", "none"))
    assert read_manifest(tmp_path / "model.keras")["feature_table"] == {"name": "none", "chosen_by": "user"}


def cell_files_swapped(files, folder):
    return {**files, "inner": files["outer"], "outer": files["inner"]}


def missing(files, folder):
    return {**files, "outer": folder / "deepTau_absent_outer.pb"}


def not_a_graph(files, folder):
    (folder / "notes.pb").write_text("inner, outer and core are elsewhere\n")
    return {**files, "inner": folder / "notes.pb"}


def of_another_version(files, folder):
    network = small_network(**{**V2P5_INPUTS, "merge": {"widths": [9, 7]}})
    return {**files, "core": write_network(random_model(network), folder, version="deepTau_test")["core"]}


def of_another_dialect(files, folder):
    model = random_model(small_network(**V2P5_INPUTS))
    return {**files, "inner": write_network(model, folder, TF1, "deepTau_test")["inner"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cell_files_swapped, r"deepTau_test_outer.pb: given as the inner graph, but .* it is the outer graph"),
        (missing, r"deepTau_absent_outer.pb: no such file"),
        (not_a_graph, r"notes.pb: 36 bytes that are not a frozen TensorFlow graph"),
        (of_another_version, r"deepTau_test_core.pb: takes inner cells of 7 features, but the inner graph makes 8"),
        (of_another_dialect, r"graphs of different versions, made in different ways: deepTau_test_inner.pb TF1-folded"),
    ],
)
def test_bad_input_is_one_message(change, message, files, run_script, tmp_path, capsys):
    (tmp_path / "graphs").mkdir()
    with pytest.raises(SystemExit) as stopped:
        run_script(SCRIPT, *options(change(files, tmp_path / "graphs"), tmp_path / "model.keras"))
    assert stopped.value.code == 2
    assert re.match(f"error: .*{message}", capsys.readouterr().err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graphs"]


def test_unknown_options_are_refused(files, run_script, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_script(SCRIPT, *options(files, tmp_path / "model.keras", "--dropout", 1.5))
    assert "dropout" in capsys.readouterr().err


def test_output_without_manifest_is_kept(files, run_script, tmp_path, capsys):
    (tmp_path / "model.keras").write_text("mine")
    with pytest.raises(SystemExit) as stopped:
        run_script(SCRIPT, *options(files, tmp_path / "model.keras"))
    assert isinstance(stopped.value.__cause__, OutputExistsError)
    assert (tmp_path / "model.keras").read_text() == "mine"


def test_version_of_file_names():
    assert version_of("a/deepTau_2018v2p5_core.pb") == "deepTau_2018v2p5"
    assert version_of("graph.pb") == "graph"
