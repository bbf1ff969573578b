"""The comparison of bench/regression.py: what is a difference of two recordings, and what a recording says of itself."""

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest

LAYER = np.array([[0.5, -1.5], [2.0, 0.25]], np.float32)


@pytest.fixture(scope="module")
def recordings(repository):
    sys.path.insert(0, str(repository / "bench"))
    try:
        yield lambda name: importlib.import_module(f"recordings.{name}")
    finally:
        sys.path.remove(str(repository / "bench"))


@pytest.fixture
def differences(recordings):
    return recordings("differences").differences


def bag(recordings, *arrays):
    return recordings("outputs").bag("weights", arrays)


def one_bit_more(array, at=(0, 0)):
    changed = array.copy()
    changed[at] = np.nextafter(changed[at], np.float32(9), dtype=changed.dtype)
    return changed


def test_equal_arrays(differences):
    arrays = {"loss": np.array([1.0, np.nan]), "names": np.array(["a", "b"]), "count": np.array(3), "x": LAYER}
    assert differences(arrays, {name: array.copy() for name, array in arrays.items()}) == []


def test_a_bit(differences):
    assert differences({"x": LAYER}, {"x": one_bit_more(LAYER)}) == ["x: 1 of 4 values differ, by at most 5.96e-08"]
    large = np.array([2**63 + 1], np.uint64)  # more than a float64 holds
    assert differences({"id": large}, {"id": large + np.uint64(1)}) == ["id: 1 of 1 values differ, by at most 1"]


def test_signs_of_zero_differ_and_patterns_of_nan_do_not(differences):
    assert differences({"x": np.array([0.0])}, {"x": np.array([-0.0])}) != []
    patterns = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    assert np.isnan(patterns).all()
    assert differences({"x": patterns[:1]}, {"x": patterns[1:]}) == []
    assert differences({"x": patterns[:1]}, {"x": np.array([1], np.float32)}) == ["x: 1 of 1 values differ, 1 not finite"]


@pytest.mark.parametrize(
    ("after", "found"),
    [
        ({}, "x: missing"),
        ({"x": LAYER.astype(np.float64)}, "x: float64 instead of float32"),
        ({"x": LAYER.T[:1]}, "x: shape [1, 2] instead of [2, 2]"),
        ({"x": LAYER, "y": LAYER}, "y: new"),
    ],
)
def test_missing_new_type_and_shape(differences, after, found):
    assert differences({"x": LAYER}, after) == [found]


def test_texts(differences):
    assert differences({"x": np.array(["a", "b"])}, {"x": np.array(["a", "c"])}) == [
        "x: 1 of 2 values differ, first 'c' instead of 'b'"
    ]


def test_order_of_weights_does_not_count(differences, recordings):
    other = LAYER + 1
    assert differences(bag(recordings, LAYER, other), bag(recordings, other, LAYER)) == []


def test_changed_weights_are_compared_with_the_nearest(differences, recordings):
    before, after = bag(recordings, LAYER, -LAYER, LAYER + 1), bag(recordings, LAYER + 1, one_bit_more(LAYER), -LAYER)
    assert differences(before, after) == ["weights: float32[2, 2]: 1 of 4 values differ, by at most 5.96e-08"]


def test_a_weight_less_or_of_another_type(differences, recordings):
    before = bag(recordings, LAYER, LAYER)
    assert differences(before, bag(recordings, LAYER)) == ["weights: float32[2, 2]: 1 arrays instead of 2"]
    assert differences(before, bag(recordings, LAYER, LAYER.astype(np.float64))) == [
        "weights: float32[2, 2]: 1 arrays instead of 2",
        "weights: float64[2, 2]: 1 arrays instead of 0",
    ]


def test_a_case_is_read_as_it_was_written(differences, recordings, tmp_path):
    store = recordings("store")
    numbers = {"auc": {"value": 0.1 + 0.2, "error": None}, "edges": [0.5, float("nan")], "names": ["a"], "sensitive": True}
    table = f'score,run,jets\n{1 / 3!r},one,{2**63}\n,"two, three",2\n'
    store.write_case(tmp_path / "case", {"x": LAYER, "numbers": numbers, "table": table})
    read = store.read_case(tmp_path / "case")
    expected = {
        "x": LAYER,
        "numbers/auc/value": np.array(0.1 + 0.2),
        "numbers/auc/error": np.array("null"),
        "numbers/edges": np.array([0.5, np.nan]),
        "numbers/names/length": np.array(1),
        "numbers/names/0": np.array("a"),
        "numbers/sensitive": np.array(True),
        "table/score": np.array([1 / 3, np.nan]),
        "table/run": np.array(["one", "two, three"]),
        "table/jets": np.array([2**63, 2], np.uint64),
    }
    assert differences(expected, read) == []


def test_a_recording_of_another_machine_is_refused(recordings, tmp_path):
    store = recordings("store")
    assert store.read_description(tmp_path) is None
    store.write_description(tmp_path, commit="0123", cases={})
    assert store.read_description(tmp_path)["commit"] == "0123"
    path = tmp_path / "recording.json"
    content = json.loads(path.read_text())
    content["environment"]["numpy"] = "1.0"
    path.write_text(json.dumps(content))
    with pytest.raises(store.RecordingError, match=rf"numpy 1\.0, here {np.__version__};"):
        store.read_description(tmp_path)


def write_recording(recordings, folder, known=(), problems=(), **arrays):
    store, outcome = recordings("store"), {"what": "weights", "left out": False, "seconds": 1.0}
    for name, array in arrays.items():
        store.write_case(folder / name, {"x": array})
    cases = {name: {**outcome, "problem": None} for name in arrays}
    cases |= {name: {**outcome, "problem": "FAILED", "left out": name == "onnx"} for name in problems}
    store.write_description(folder, commit="0123", known=[*known, *cases], cases=cases)
    return folder


def test_verdict_on_cases(recordings, tmp_path, capsys):
    before = {"same": LAYER, "other": LAYER, "broken": LAYER}
    first = write_recording(recordings, tmp_path / "1", known=["gone"], problems=["onnx"], **before)
    after = {"same": LAYER, "other": one_bit_more(LAYER), "added": LAYER}
    second = write_recording(recordings, tmp_path / "2", problems=["broken", "onnx"], **after)
    verdict = recordings("verdict")
    rows = verdict.compare(first, second, ["same", "other", "broken", "added", "onnx"], every_case=True)
    found = {row["case"]: row["result"] for row in rows}
    expected = {
        "gone": "missing",
        "same": "equal",
        "other": "differs",
        "broken": "failed",
        "added": "new",
        "onnx": "left out",
    }
    assert found == expected
    assert not verdict.show(rows, "0123", 1.0)
    text = capsys.readouterr().out
    assert "x: 1 of 4 values differ, by at most 5.96e-08" in text
    assert "here: FAILED" in text
    assert text.endswith("goal: every bit as at 0123: 1 of 4 cases; 1 s\n")
    few = verdict.compare(first, second, ["same", "added", "onnx"], every_case=False)
    assert verdict.show(few, "0123", 1.0)
    assert not verdict.show(few[1:], "0123", 1.0)  # nothing was compared


def test_every_case_has_its_own_name_and_runs_after_what_it_needs(recordings):
    cases = recordings("cases")
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)
    for number, case in enumerate(cases.CASES):
        assert set(case.needs) <= set(names[:number])
    needed = [case.name for case in cases.with_needed(["tau-closure"])]
    assert needed == ["tau-classifier", "tau-adversarial", "tau-k2-schedule", "tau-predictions", "tau-closure"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "tau-classifer"], "--only tau-classifer: no such case; there are inputs, tau-classifier"),
        (["--against", "no-such-commit"], "no-such-commit"),
    ],
)
def test_mistyped(repository, words, message):
    done = subprocess.run([sys.executable, repository / "bench/regression.py", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
