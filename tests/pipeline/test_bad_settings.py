"""Settings files that no script may hang or break on: each is refused in one message that names file and line."""

import shutil

import pytest

SCRIPTS = {
    "extract_jets": ("Production/extract_jets.py", "--input", "x", "--output", "out", "--config"),
    "generate_jets": ("Production/generate_jets.py", "--output", "out", "--cache", "cache", "--config"),
    "generate_tuples": ("Production/generate_tuples.py", "--output", "out", "--cache", "cache", "--config"),
    "make_pt_weights": ("Production/make_pt_weights.py", "--input", "x", "--output", "out", "--config"),
    "contributions": ("Production/make_pt_weights.py", "--input", "x", "--output", "out", "--contributions"),
    "make_shards": ("Production/make_shards.py", "--input", "x", "--output", "out", "--config"),
    "training_cfg": ("Production/make_shards.py", "--input", "x", "--output", "out", "--training_cfg"),
    "mix_events": ("Production/mix_events.py", "--config"),
    "prepare_jets": ("Production/prepare_jets.py", "--input", "x", "--output", "out", "--config"),
    "train_classifier": ("Training/train_classifier.py", "--config"),
    "train_adversarial": ("Training/train_adversarial.py", "--config"),
    "train_jet_tagger": ("Training/train_jet_tagger.py", "--config"),
    "submit_training": ("Training/submit_training.py", "--dry-run", "--config"),
    "training_of_job": ("Training/submit_training.py", "--dry-run", "--", "Training/train_classifier.py", "--config"),
    "evaluate_robustness": (
        *("Evaluation/evaluate_robustness.py", "--mlpath", "m", "--nominal", "n", "--test", "t", "--output", "out"),
        "--config",
    ),
}
# the same kinds as the files of the reference data, written here
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
)
FILES = {
    "bigint": (f"shards: x\nseed: {'9' * 5000}\n".encode(), "line 2: seed: expected a number of at most 300 digits"),
    "bomb": (BOMB.encode(), "line 6: a5: expected at most 200,000 values"),
    "nested": (f"shards: {'[' * 2000}x{']' * 2000}\n".encode(), "line 1: expected at most 100 lists and groups"),
    "taginttext": (b"shards: x\nseed: !!int x\n", "line 2: seed: expected no tag, received !!int"),
    "latin1": (b"# f\xfcr die Analyse\nshards: x\n", "line 1, column 4: the byte 0xfc is not UTF-8"),
    "twice": (b"shards: x\nseed: 1\nshards: y\n", "line 3: 'shards' is given twice"),
}


@pytest.fixture
def refused(repository, tmp_path, monkeypatch, run_script, capsys):
    """Return a function that runs a script with a settings file and returns its message."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Training").mkdir()
    shutil.copy(repository / "Training/train_classifier.py", tmp_path / "Training")

    def run(script, path):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit, match="2"):
            run_script(*SCRIPTS[script], path)
        assert sorted(tmp_path.rglob("*")) == before
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_names_file_and_line(refused, tmp_path, script):
    for name, (content, message) in FILES.items():
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(content)
        error = refused(script, path)
        assert error.startswith(f"error: {path}")
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_files_of_the_reference_data(refused, reference_data, script):
    for name in ("bigint", "bomb", "latin1", "nested", "taginttext"):
        path = reference_data / f"cases/settings/{name}.yaml"
        assert refused(script, path).startswith(f"error: {path}, line ")


def test_date_like_text_is_a_name(refused, tmp_path):
    (tmp_path / "date.yaml").write_text(f"data: {{shards: {tmp_path / 'x'}}}\noutput: {{run_name: 2026-02-30}}\n")
    error = refused("train_classifier", tmp_path / "date.yaml")
    assert error.splitlines()[1:] == [f"  data.shards: {tmp_path / 'x'}: no such file or folder"]


def test_keys_without_their_groups_are_told_where_they_belong(refused, reference_data, tmp_path):
    error = refused("train_classifier", reference_data / "cases/settings/date.yaml")
    assert "shards: unknown key; write data.shards" in error
    assert "run_name: unknown key; write output.run_name" in error


def test_a_list_that_is_not_utf_8(reference_data, run_script, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        run_script(
            *("Production/skim_tree.py", "--input", reference_data / "cases/settings/latin1_list.txt"),
            *("--output", tmp_path / "out.root"),
        )
    error = capsys.readouterr().err
    assert "latin1_list.txt" in error
    assert "UTF-8" in error
