import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from specification_region import CONTRIBUTIONS, REGION

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.io.ownership import files_in
from TauAdv.io.records import read_record
from TauAdv.production.pt_weights.closure_spectra import read_closure
from TauAdv.production.pt_weights.settings import PtWeightsSettings
from TauAdv.production.pt_weights.weights import make_pt_weights, pt_weights
from TauAdv.production.spectrum import EVENT_DROP_EDGES, Spectrum
from TauAdv.shards.tau.weights import PtWeights
from TauAdv.tuples.histograms import read_th1
from TauAdv.tuples.reader import read

pytestmark = pytest.mark.slow

SETTINGS = PtWeightsSettings(control_region=REGION)
EDGES = np.array([30.0, 40.0, 60.0])
KEYS = {0: "data", 1: "DYT", 2: "TTT", 3: "DYM", 4: "TTJ", 5: "WJ", 6: "QCD"}
counts = st.lists(st.integers(0, 1000), min_size=4, max_size=4).map(lambda found: np.array(found, dtype=np.float64))


def spectrum(contents):
    return Spectrum(EDGES, np.asarray(contents, dtype=np.float64), np.asarray(contents, dtype=np.float64))


@given(counts, counts, counts, counts, counts)
def test_weights_sum_to_the_data_and_close(data, first, second, wanted_first, wanted_second):
    reached = [wanted_first[first > 0], wanted_second[second > 0]]
    assume(data.any() and sum(part.sum() for part in reached) > 0)
    observed = {"data": spectrum(data), "a": spectrum(first), "b": spectrum(second)}
    found = pt_weights(observed, {"a": spectrum(wanted_first), "b": spectrum(wanted_second)}, "data")
    assert (found.weights["data"].contents == 1).all()
    total = sum((found.weights[name].contents * observed[name].contents).sum() for name in "ab")
    assert total == pytest.approx(data.sum(), rel=1e-12)
    for name, seen, wanted in (("a", first, wanted_first), ("b", second, wanted_second)):
        filled = seen > 0
        assert found.weighted[name].contents[filled] == pytest.approx(found.factor * wanted[filled], rel=1e-12)
        assert (found.weights[name].contents[~filled] == 0).all()
        assert found.empty_bins[name] == np.flatnonzero(~filled & (wanted > 0)).tolist()
        if wanted.any():
            assert found.unreached[name] == pytest.approx(wanted[~filled].sum() / wanted.sum())


@given(counts, counts)
def test_data_shape_is_reached_where_all_bins_are_filled(data, seen):
    assume(data.any())
    observed = {"data": spectrum(data), "a": spectrum(seen + 1)}
    found = pt_weights(observed, {"a": observed["data"].scaled(0.3)}, "data")
    assert found.weighted["a"].contents == pytest.approx(data, rel=1e-12, abs=1e-12)


def test_errors_of_the_weights():
    observed = {"data": spectrum([0, 10, 10, 0]), "a": spectrum([0, 4, 16, 0])}
    weights = pt_weights(observed, {"a": spectrum([0, 4, 16, 0])}, "data").weights["a"]
    assert np.sqrt(weights.variances[1:-1]) / weights.contents[1:-1] == pytest.approx(np.sqrt([2 / 4, 2 / 16]))


@pytest.mark.parametrize(
    ("data", "seen", "message"), [([0] * 4, [1] * 4, "no data taus"), ([1] * 4, [0] * 4, "no bin with both a target")]
)
def test_no_weights_can_be_made(data, seen, message):
    with pytest.raises(InputError, match=message):
        pt_weights({"data": spectrum(data), "a": spectrum(seen)}, {"a": spectrum([1] * 4)}, "data")


@pytest.fixture
def mixed(make_tuple):
    """A mixed file with all contributions."""
    rng = np.random.default_rng(7)
    dataset = rng.choice(7, 5000, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05]).astype(np.uint64)
    weights = rng.uniform(0.5, 1.5, 5000).astype(np.float32)
    return make_tuple("mixed.root", 5000, dataset_id=dataset, trainingWeight=weights, pfCand_pt=None)


def weights_of(mixed, weights_file):
    """Weights as the shards read them."""
    table = read(mixed)
    dataset, pt = np.asarray(table["dataset_id"]), np.asarray(table["tau_pt"])
    return dataset, pt, PtWeights.from_file(weights_file, KEYS)(dataset, pt).astype(np.float64)


def test_the_reader_of_weights_gets_the_closure(mixed, tmp_path):
    manifest = make_pt_weights(mixed, tmp_path / "weights.root", SETTINGS)
    dataset, pt, weight = weights_of(mixed, tmp_path / "weights.root")
    data = dataset == 0
    assert (weight[data] == 1).all()
    assert weight[~data].sum() == pytest.approx(data.sum(), rel=1e-6)
    bins = [-np.inf, *EVENT_DROP_EDGES, np.inf]
    full = np.array([not any(index in empty for empty in manifest["counts"]["empty_bins"].values()) for index in range(17)])
    assert full.sum() > 8
    expected = np.histogram(pt[data], bins)[0] * manifest["factor"]
    assert np.histogram(pt[~data], bins, weights=weight[~data])[0][full] == pytest.approx(expected[full], rel=1e-6)
    assert manifest["counts"]["taus"]["data"] == data.sum()


def test_targets_of_a_file(mixed, make_targets_file, tmp_path):
    target = np.geomspace(100, 1, 17)
    processes = [entry.model_dump() for entry in SETTINGS.processes]
    processes[6] |= {"target": "mt/W", "fraction": None}
    settings = PtWeightsSettings(processes=processes)
    with pytest.raises(ConfigError, match="QCD name target histograms"):
        make_pt_weights(mixed, tmp_path / "weights.root", settings)
    manifest = make_pt_weights(mixed, tmp_path / "weights.root", settings, make_targets_file(mt__W=target))
    dataset, pt, weight = weights_of(mixed, tmp_path / "weights.root")
    qcd = dataset == 6
    spectrum = np.histogram(pt[qcd], [-np.inf, *EVENT_DROP_EDGES, np.inf], weights=weight[qcd])[0]
    filled = spectrum > 0
    assert spectrum[filled] == pytest.approx(manifest["factor"] * target[filled], rel=1e-6)


def test_event_weights(mixed, tmp_path):
    make_pt_weights(mixed, tmp_path / "weights.root", PtWeightsSettings(control_region=REGION, weights="trainingWeight"))
    dataset, _, weight = weights_of(mixed, tmp_path / "weights.root")
    event_weight = np.asarray(read(mixed)["trainingWeight"], dtype=np.float64)
    simulated = dataset > 0
    assert (weight * event_weight)[simulated].sum() == pytest.approx((dataset == 0).sum(), rel=1e-6)
    assert (weight[~simulated] == 1).all()


def test_negative_event_weights(make_tuple, tmp_path, run_script, capsys, nothing_written):
    dataset = np.array([0] * 5 + [1] * 5, np.uint64)
    pt = np.array([32, 32, 37, 37, 37, 32, 32, 37, 37, 37], np.float32)
    weight = np.array([1] * 5 + [1, -2, 1, 1, -1], np.float32)  # of process 1: -1 in 30-35, 1 in 35-40
    mixed, output, config = (
        make_tuple("mixed.root", 10, dataset_id=dataset, tau_pt=pt, w=weight),
        tmp_path / "w.root",
        tmp_path / "c.yaml",
    )
    config.write_text(
        "control_region:\n  contributions:\n  - {name: data, dataset_id: 0, label: data, color: black, data: true}\n"
        "  - {name: DYT, dataset_id: 1, label: DY, color: red}\n  targets: {DYT: {fraction: 1}}\n"
    )
    script = ("Production/make_pt_weights.py", "--input", mixed, "--output", output, "--config", config, "--weights", "w")
    with pytest.raises(SystemExit):
        run_script(*script)
    assert "mixed.root: w: 2 of 5 event weights are negative (-2, -1)" in capsys.readouterr().err
    nothing_written("w.root")
    run_script(*script, "--allow-negative")
    printed = capsys.readouterr().out
    assert "negative event_weights: 2" in printed
    assert "weight 0 in bin 1 (30 to 35): event weights that sum to 0 or less" in printed
    assert read_th1(output, "DYT").values(flow=True).tolist()[:3] == [0, 0, 5]  # 5 data taus over a sum of weights of 1


def test_negative_targets(mixed, make_targets_file, tmp_path):
    processes = [
        {"name": "data", "dataset_id": 0},
        *({"name": KEYS[n], "dataset_id": n, "target": "mt/W"} for n in range(1, 7)),
    ]
    contents = np.where(np.arange(17) == 2, -3.0, 1.0)
    target = make_targets_file(mt__W=contents)
    with pytest.raises(InputError, match=r"mt/W: 1 of 17 bins whose content is negative: bin 2 \(35 to 40\): -3"):
        make_pt_weights(mixed, tmp_path / "w.root", PtWeightsSettings(processes=processes), target)
    settings = PtWeightsSettings(processes=processes, allow_negative=True)
    make_pt_weights(mixed, tmp_path / "w.root", settings, target)
    assert read_th1(tmp_path / "w.root", "QCD").values(flow=True)[2] == 0


def test_taus_that_belong_into_no_bin(make_tuple, tmp_path, nothing_written):
    mixed = make_tuple("mixed.root", 2, tau_pt=np.array([np.nan, 40], np.float32), dataset_id=np.array([0, 1], np.uint64))
    with pytest.raises(InputError, match=r"mixed.root: tau_pt: 1 of 2 values are not finite"):
        make_pt_weights(mixed, tmp_path / "w.root", SETTINGS)
    nothing_written("w.root")


def test_absent_process_has_zeros_and_is_reported(make_tuple, tmp_path):
    mixed = make_tuple("mixed.root", 500, dataset_id=np.arange(500, dtype=np.uint64) % 6)
    manifest = make_pt_weights(mixed, tmp_path / "weights.root", SETTINGS)
    assert manifest["counts"]["absent_processes"] == ["QCD"]
    assert not read_th1(tmp_path / "weights.root", "QCD").values(flow=True).any()


def test_unknown_dataset(make_tuple, tmp_path, nothing_written):
    mixed = make_tuple("mixed.root", 500, dataset_id=np.arange(500, dtype=np.uint64) % 9)
    with pytest.raises(
        InputError, match=r"mixed.root: dataset_id: expected one of 0 \(data\), .*; received \{7: 55, 8: 55\}"
    ):
        make_pt_weights(mixed, tmp_path / "weights.root", SETTINGS)
    nothing_written("weights.root")


def test_bad_inputs_write_nothing(mixed, make_tuple, make_targets_file, tmp_path, nothing_written):
    output = tmp_path / "weights.root"
    with pytest.raises(InputError, match=r"lacks 2 of the branches needed:\s+tau_pt.*\s+dataset_id"):
        make_pt_weights(make_tuple("bare.root", tau_pt=None, dataset_id=None), output, SETTINGS)
    with pytest.raises(InputError, match="no data taus"):
        make_pt_weights(make_tuple("mc.root", 50, dataset_id=np.ones(50, np.uint64)), output, SETTINGS)
    processes = [
        {"name": "data", "dataset_id": 0},
        *({"name": KEYS[n], "dataset_id": n, "target": "mt/W"} for n in range(1, 7)),
    ]
    for contents, message in ((np.zeros(17), "is above 0"), (np.full(17, np.nan), "is not a finite number")):
        with pytest.raises(InputError, match=message):
            make_pt_weights(mixed, output, PtWeightsSettings(processes=processes), make_targets_file(mt__W=contents))
    nothing_written("weights.root")


@pytest.mark.parametrize(
    ("processes", "message"),
    [
        ([{"name": "data", "dataset_id": 0}, {"name": "a", "dataset_id": 1}], "give either target"),
        (
            [{"name": "data", "dataset_id": 0}, {"name": "a", "dataset_id": 1, "target": "x", "fraction": 1}],
            "give either target",
        ),
        ([{"name": "data", "dataset_id": 0}], "at least one process"),
        ([{"name": "a", "dataset_id": 1, "fraction": 1}], "needs data"),
        ([{"name": "a", "dataset_id": 0}, {"name": "a", "dataset_id": 1, "fraction": 1}], "may occur once"),
    ],
)
def test_bad_settings(processes, message):
    with pytest.raises(ValueError, match=message):
        PtWeightsSettings(processes=processes)


def test_rerun_skips(mixed, tmp_path):
    output = tmp_path / "weights.root"
    first = make_pt_weights(mixed, output, SETTINGS)
    assert make_pt_weights(mixed, output, SETTINGS) == first
    with pytest.raises(OutputExistsError):
        make_pt_weights(mixed, output, PtWeightsSettings(control_region=REGION, edges=(30, 50, 100)))


def test_script_with_its_plots(mixed, tmp_path, repository, run_script, capsys):
    output, config = tmp_path / "weights.root", repository / "TauAdv/configs/pt_weights.yaml"
    arguments = ["--input", mixed, "--output", output, "--plots", tmp_path / "plots"]
    run_script("Production/make_pt_weights.py", *arguments, "--config", config)
    names = {f"weights_{stage}.{kind}" for stage in ("observed", "weighted") for kind in ("pdf", "png")}
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {*names, "checksums.json"}
    assert set(read_record(tmp_path / "plots" / "checksums.json")["files"]) == names
    closure = read_closure(output, [entry.name for entry in CONTRIBUTIONS])
    assert closure["weighted"].values(flow=True).sum() == pytest.approx(
        2 * closure["observed"]["data", :].values(flow=True).sum()
    )
    assert "data: " in capsys.readouterr().out
    run_script("Production/make_pt_weights.py", *arguments)  # the shipped settings are the defaults: nothing is made again


def test_plots_are_of_their_output_and_stay_if_another_file_is_put_there(mixed, tmp_path, run_script, capsys):
    for name in ("a", "b"):
        run_script("Production/make_pt_weights.py", "--input", mixed, "--output", tmp_path / f"{name}.root")
    assert {f"{name}_{stage}.pdf" for name in "ab" for stage in ("observed", "weighted")} <= set(files_in(tmp_path))
    (tmp_path / "a_observed.pdf").write_text("my own")
    with pytest.raises(SystemExit):
        run_script("Production/make_pt_weights.py", "--input", mixed, "--output", tmp_path / "a.root", "--overwrite")
    assert "a_observed.pdf: its content is not what TauAdv wrote" in capsys.readouterr().err
    assert (tmp_path / "a_observed.pdf").read_text() == "my own"


@pytest.mark.parametrize("place", ["link", "folder", "file"])
def test_plots_that_cannot_be_written_are_known_before_the_weights(mixed, tmp_path, run_script, capsys, place):
    output, plots = tmp_path / "weights.root", tmp_path / "plots"
    if place == "file":
        plots.write_text("no folder")
    else:
        plots.mkdir()
        taken = plots / "weights_weighted.png"
        taken.mkdir() if place == "folder" else taken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(SystemExit):
        run_script("Production/make_pt_weights.py", "--input", mixed, "--output", output, "--plots", plots)
    assert capsys.readouterr().err.startswith("error: ")
    assert not output.exists()


def test_plots_of_somebody_else_stay(mixed, tmp_path, run_script, capsys, nothing_written):
    thesis = tmp_path / "weights_weighted.png"
    thesis.write_text("years of work")
    with pytest.raises(SystemExit):
        run_script("Production/make_pt_weights.py", "--input", mixed, "--output", tmp_path / "weights.root", "--overwrite")
    assert "weights_weighted.png: exists, and no manifest says that TauAdv made it" in capsys.readouterr().err
    assert thesis.read_text() == "years of work"
    nothing_written("weights.root", "weights_observed.png", "checksums.json")


@pytest.fixture
def own_region(tmp_path, make_tuple, run_script):
    """A control region of two contributions, and a file that was mixed by it."""
    region = tmp_path / "region.yaml"
    region.write_text(
        "contributions:\n- {name: data, dataset_id: 0, label: Data, color: black, data: true}\n"
        "- {name: W, dataset_id: 1, label: W, color: red}\n"
        "mixing: {data: {files: data.root, per_batch: 5}, W: {files: w.root, per_batch: 5}}\n"
        "targets: {W: {fraction: 1}}\n"
    )
    make_tuple("data.root", sample_type=0)
    make_tuple("w.root", seed=2)
    outputs = ("outputs={trainval: {file: mixed.root, batches: 9}}", "--output_dir", tmp_path / "out", "seed=2")
    run_script("Production/mix_events.py", "--input_dir", tmp_path, f"control_region={region}", *outputs)
    return region, tmp_path / "out/mixed.root"


def test_script_with_an_own_control_region(own_region, tmp_path, run_script, capsys):
    region, mixed = own_region
    script = ("Production/make_pt_weights.py", "--input", mixed, "--output", tmp_path / "weights.root")
    with pytest.raises(SystemExit):
        run_script(*script)
    assert "by pt_weights (the default of --config) and of" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_script(*script, "--contributions", region, "--config", "TauAdv/configs/pt_weights.yaml")
    assert "dataset_id 1: name 'W' / 'DYT'" in capsys.readouterr().err
    run_script(*script, "--contributions", region)
    assert "W: 45 taus, 45 after the weights" in capsys.readouterr().out
    words = (f"control_region={region}", "--plots", tmp_path / "plots", "edges=[30, 50, 100]")
    run_script(*script[:3], "--output", tmp_path / "wide.root", *words)
    assert read_th1(tmp_path / "wide.root", "W").axes[0].edges.tolist() == [30, 50, 100]


def test_plot_needs_labels(mixed, tmp_path, run_script, capsys, nothing_written):
    config = tmp_path / "weights.yaml"
    lines = "".join(
        f"- {{name: {name}x, dataset_id: {number}{', fraction: 1' if number else ''}}}\n" for number, name in KEYS.items()
    )
    config.write_text("processes:\n" + lines)
    with pytest.raises(SystemExit):
        run_script("Production/make_pt_weights.py", "--input", mixed, "--output", tmp_path / "w.root", "--config", config)
    assert "no label and colour for datax, DYTx, TTTx" in capsys.readouterr().err
    nothing_written("w.root")  # before anything is made
