import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from jet_lines import as_line, random_jet, random_jets, write_lines

from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.jets import extract as extract_module
from TauAdv.jets.columns import arrange
from TauAdv.jets.extract import ExtractionSettings, extract_jets
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import JetTable

pytestmark = pytest.mark.slow

CONTENT = random_jets(230, seed=8)
LINES = [as_line(jet) for jet in CONTENT]
SETTINGS = ExtractionSettings(part_lines=100)


@pytest.fixture
def dataset(tmp_path):
    return write_lines(tmp_path / "dataset.json.gz", LINES)


def expected(lines=LINES, n_tracks=6):
    return arrange(parse_lines(lines, 1, JetTable.load()), JetTable.load(), n_tracks)


def same(found, reference):
    for name in ("line", "n_tracks", "values"):
        np.testing.assert_array_equal(getattr(found, name), getattr(reference, name))
    assert found.columns == reference.columns


# 33 tracks in parts of one line would take ten seconds
@pytest.mark.parametrize(
    ("part_lines", "n_tracks"),
    [(lines, tracks) for lines in (1, 46, 115, 230, 1000) for tracks in (1, 6, 33) if (lines, tracks) != (1, 33)],
)
def test_extraction(dataset, tmp_path, n_tracks, part_lines):
    settings = ExtractionSettings(n_tracks=n_tracks, part_lines=part_lines)
    manifest = extract_jets(dataset, tmp_path / "jets", settings)
    jets = ExtractedJets.open(tmp_path / "jets")
    same(jets.read(), expected(n_tracks=n_tracks))
    assert len(jets) == len(CONTENT)
    assert jets.flavour_counts == {f: sum(jet[2] == f for jet in CONTENT) for f in (5, 4, 0)}
    assert len(jets.files) == -(-len(CONTENT) // part_lines)
    assert manifest == json.loads((tmp_path / "jets" / "manifest.json").read_text())
    assert [part["first_line"] for part in manifest["parts"]] == list(range(1, len(CONTENT) + 1, part_lines))
    assert sorted(p.name for p in (tmp_path / "jets").iterdir()) == sorted([*(p.name for p in jets.files), "manifest.json"])


@pytest.mark.parametrize("batch_size", [1, 60, 1000])
def test_batches(dataset, tmp_path, monkeypatch, batch_size):
    monkeypatch.setattr(extract_module, "_BLOCK", 30)
    extract_jets(dataset, tmp_path / "jets", SETTINGS)
    batches = list(ExtractedJets.open(tmp_path / "jets").iterate(step_size=batch_size))
    assert max(map(len, batches)) <= batch_size
    np.testing.assert_array_equal(np.concatenate([batch.line for batch in batches]), np.arange(1, len(CONTENT) + 1))


def test_a_part_is_an_ordinary_table(dataset, tmp_path):
    extract_jets(dataset, tmp_path / "jets", SETTINGS)
    table = pd.read_feather(ExtractedJets.open(tmp_path / "jets").files[1])
    np.testing.assert_array_equal(table["jet_eta"], expected()["jet_eta"][100:200])


def killed_at(monkeypatch, block):
    calls = []
    original = extract_module.parse_lines

    def parse(lines, *arguments):
        calls.append(len(lines))
        if len(calls) == block:
            raise KeyboardInterrupt
        return original(lines, *arguments)

    monkeypatch.setattr(extract_module, "parse_lines", parse)
    return calls


@pytest.mark.parametrize(("block", "again"), [(1, 230), (2, 130), (3, 30)])
def test_killed_run_continues_with_the_next_part(dataset, tmp_path, monkeypatch, block, again):
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        killed_at(patch, block)
        extract_jets(dataset, tmp_path / "jets", SETTINGS)
    assert not (tmp_path / "jets").exists()
    calls = killed_at(monkeypatch, -1)
    extract_jets(dataset, tmp_path / "jets", SETTINGS)
    assert sum(calls) == again
    same(ExtractedJets.open(tmp_path / "jets").read(), expected())


def test_nothing_of_a_run_killed_within_a_part_stays(dataset, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        killed_at(patch, 2)
        extract_jets(dataset, tmp_path / "jets", SETTINGS)
    (tmp_path / ".jets.unfinished" / f".jets-00001.{'0' * 32}.tmp.arrow").write_bytes(b"half")  # as kill -9 leaves it
    extract_jets(dataset, tmp_path / "jets", SETTINGS)
    names = sorted(path.name for path in (tmp_path / "jets").iterdir())
    assert names == ["jets-00000.arrow", "jets-00001.arrow", "jets-00002.arrow", "manifest.json"]


def test_rerun_and_other_settings(dataset, tmp_path, monkeypatch, capsys):
    first = extract_jets(dataset, tmp_path / "jets", SETTINGS)
    calls = killed_at(monkeypatch, -1)
    assert extract_jets(dataset, tmp_path / "jets", SETTINGS) == first
    assert calls == []
    assert "kept" in capsys.readouterr().out
    other = ExtractionSettings(n_tracks=3)
    with pytest.raises(OutputExistsError, match="n_tracks: 6 before, 3 now"):
        extract_jets(dataset, tmp_path / "jets", other)
    extract_jets(dataset, tmp_path / "jets", other, overwrite=True)
    same(ExtractedJets.open(tmp_path / "jets").read(), expected(n_tracks=3))


def test_bad_line_stops(tmp_path):
    lines = [*LINES[:150], b"[1, 2", *LINES[150:]]
    dataset = write_lines(tmp_path / "dataset.json.gz", lines)
    with pytest.raises(InputError, match=r"dataset.json.gz: line 151: .*column 6.*on_bad_line=skip"):
        extract_jets(dataset, tmp_path / "jets", SETTINGS)
    assert list(tmp_path.iterdir()) == [dataset]


def test_bad_lines_left_out_and_counted(tmp_path):
    lines = list(LINES)
    lines[0] = as_line([*CONTENT[0][:5], []])
    lines[120] = as_line(random_jet(np.random.default_rng(0), 34))
    lines[229] = b'["b"]'
    lines[228] = b""
    dataset = write_lines(tmp_path / "dataset.json.gz", lines)
    settings = ExtractionSettings(part_lines=100, on_bad_line="skip")
    with pytest.warns(UserWarning, match=r"4 of 230 lines left out \(zero tracks 1, too many tracks 1, .*first: line 1:"):
        manifest = extract_jets(dataset, tmp_path / "jets", settings)
    counts = {"zero tracks": 1, "too many tracks": 1, "empty line": 1, "number of entries": 1}
    assert manifest["counts"]["left_out"] == counts
    assert [fault["line"] for fault in manifest["faults"]] == [1, 121, 229, 230]
    kept = np.setdiff1d(np.arange(230), [0, 120, 228, 229])
    same(ExtractedJets.open(tmp_path / "jets").read(), expected().take(kept))


def test_block_without_jets(tmp_path, monkeypatch):
    monkeypatch.setattr(extract_module, "_BLOCK", 10)
    dataset = write_lines(tmp_path / "dataset.json.gz", [*LINES[:10], *[b"[]"] * 10, *LINES[20:]])
    with pytest.warns(UserWarning, match="10 of 230 lines left out"):
        extract_jets(dataset, tmp_path / "jets", ExtractionSettings(on_bad_line="skip"))
    same(ExtractedJets.open(tmp_path / "jets").read(), expected().take(np.setdiff1d(np.arange(230), np.arange(10, 20))))


def test_impossible_kinematics_stop_or_are_left_out(tmp_path):
    lines = list(LINES)
    lines[3] = as_line(["NaN", *CONTENT[3][1:]])
    lines[7] = as_line([-5, *CONTENT[7][1:]])
    dataset = write_lines(tmp_path / "dataset.json.gz", lines)
    with pytest.raises(InputError, match=r"line 4: pt nan \(entry 1\); expected a finite number.*on_bad_line=skip"):
        extract_jets(dataset, tmp_path / "jets", SETTINGS)
    with pytest.warns(UserWarning, match=r"2 of 230 lines left out \(impossible kinematics 2\)"):
        extract_jets(dataset, tmp_path / "jets", ExtractionSettings(on_bad_line="skip"))
    same(ExtractedJets.open(tmp_path / "jets").read(), expected().take(np.setdiff1d(np.arange(230), [3, 7])))


def test_more_tracks_than_the_table_has(dataset, tmp_path):
    with pytest.raises(ConfigError, match="n_tracks: expected 1 to 33, received 34"):
        extract_jets(dataset, tmp_path / "jets", ExtractionSettings(n_tracks=34))
    assert list(tmp_path.iterdir()) == [dataset]


def test_table_decides_how_many_tracks_a_jet_may_have(tmp_path):
    table = JetTable.from_text(JetTable.load().dump().replace("max_tracks: 33", "max_tracks: 40"))
    lines = [as_line(random_jet(np.random.default_rng(0), tracks)) for tracks in (34, 41)]
    dataset = write_lines(tmp_path / "dataset.json.gz", lines)
    with pytest.raises(InputError, match="line 2: 41 tracks; expected 1 to 40"):
        extract_jets(dataset, tmp_path / "jets", ExtractionSettings(n_tracks=40), table=table)


def test_truncated_file(tmp_path):
    dataset = write_lines(tmp_path / "dataset.json.gz", LINES)
    dataset.write_bytes(dataset.read_bytes()[: dataset.stat().st_size // 2])
    with pytest.warns(UserWarning, match="ends in the middle of its data"):
        manifest = extract_jets(dataset, tmp_path / "jets", SETTINGS)
    lines = manifest["counts"]["lines"]
    assert 50 < lines < 230
    assert 0 < manifest["truncated"]["bytes_behind_last_line"] < len(LINES[lines])
    same(ExtractedJets.open(tmp_path / "jets").read(), expected(LINES[:lines]))


def test_script_warns_in_one_plain_line(tmp_path, repository):
    dataset = write_lines(tmp_path / "dataset.json.gz", LINES)
    dataset.write_bytes(dataset.read_bytes()[: dataset.stat().st_size // 2])
    words = [repository / "Production" / "extract_jets.py", "--input", dataset, "--output", tmp_path / "jets"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0
    lines = done.stderr.split("\n")
    assert [line for line in lines if "middle of its data" in line] == [
        line for line in lines if line.startswith("warning: ")
    ]
    assert "warn(" not in done.stderr


def test_file_without_jets(tmp_path):
    dataset = write_lines(tmp_path / "dataset.json.gz", [])
    with pytest.raises(InputError, match="no jets in 0 lines"):
        extract_jets(dataset, tmp_path / "jets", SETTINGS)


def test_file_cut_before_its_first_jet(tmp_path):
    dataset = write_lines(tmp_path / "dataset.json.gz", LINES)
    dataset.write_bytes(dataset.read_bytes()[:50])
    with pytest.raises(InputError, match=r"dataset\.json\.gz: ends in the middle of its data.* 0 lines: no jets; fetch"):
        extract_jets(dataset, tmp_path / "jets", SETTINGS)


def test_file_of_bad_lines(tmp_path):
    dataset = write_lines(tmp_path / "dataset.json.gz", [b"[]", b"", b""])
    with pytest.raises(InputError, match=r"no jets in 3 lines, all left out \(number of entries 1, empty line 2\)"):
        extract_jets(dataset, tmp_path / "jets", ExtractionSettings(on_bad_line="skip"))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        extract_jets(tmp_path / "none.json.gz", tmp_path / "jets", SETTINGS)


def test_open_other_folder(tmp_path):
    (tmp_path / "manifest.json").write_text('{"step": "skim"}')
    with pytest.raises(InputError, match="made by step 'skim'"):
        ExtractedJets.open(tmp_path)


def test_script(run_script, dataset, tmp_path, capsys):
    run_script("Production/extract_jets.py", "--input", dataset, "--output", tmp_path / "jets", "n_tracks=2")
    assert ExtractedJets.open(tmp_path / "jets").manifest["settings"]["n_tracks"] == 2
    assert "'jets': 230" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_script("Production/extract_jets.py", "--input", dataset, "--output", tmp_path / "other", "tracks=2")
    assert "did you mean 'n_tracks'" in capsys.readouterr().err
