"""Parquet tables of disturbed predictions are what was written, or are named before anything parses them."""

import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.files import write_table_file
from TauAdv.evaluation.robustness.predictions import read_disturbed
from TauAdv.evaluation.robustness.seeds import read_performance
from TauAdv.io.manifests.manifest import write_manifest

NAMES = ("robustness_test_1.parquet", "robustness_test_2.parquet")


@pytest.fixture
def run(tmp_path):
    """What reading needs of a run, with two tables."""
    for seed, name in enumerate(NAMES):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame({"line": np.arange(40), "label": rng.integers(0, 3, 40), "raw_p_b": rng.random(40)})
        write_table_file(tmp_path / "predictions" / name, table.to_parquet, {"step": "evaluate_robustness", "settings": {}})
    return SimpleNamespace(id="0123", artifacts=tmp_path)


def test_every_flipped_bit_is_noticed_or_changes_nothing(run):
    expected, rng = read_disturbed(run, name=NAMES[0]), np.random.default_rng(6)
    folder = run.artifacts / "predictions"
    for path in (folder / NAMES[0], folder / f"{NAMES[0]}.manifest.json"):
        content = path.read_bytes()
        for position in rng.integers(len(content), size=150):
            changed = bytearray(content)
            changed[position] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            with contextlib.suppress(InputError):
                pd.testing.assert_frame_equal(read_disturbed(run, name=NAMES[0]), expected)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content, other: content[:-10], "is cut short"),
        (lambda content, other: content[:200] + b"\xff" + content[201:], "is damaged"),
        (lambda content, other: other, "is damaged|is cut short|is too long"),
        (lambda content, other: b"", "is cut short: 0 bytes"),
    ],
)
def test_damaged_tables_are_named(run, damage, message):
    path, other = (run.artifacts / "predictions" / name for name in NAMES)
    path.write_bytes(damage(path.read_bytes(), other.read_bytes()))
    with pytest.raises(InputError, match=rf"{path.name}: ({message}).*move it away.*tauadv robustness"):
        read_disturbed(run, name=NAMES[0])


def test_tables_without_checksum_are_refused(run):
    """Damaged Parquet may end the interpreter: it is never parsed unverified."""
    path = run.artifacts / "predictions" / f"{NAMES[0]}.manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"], manifest["checksum"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="has no checksums: it was made by an earlier version"):
        read_disturbed(run, name=NAMES[0])
    path.unlink()
    with pytest.raises(InputError, match="no manifest"):
        read_disturbed(run, name=NAMES[0])


def test_table_of_a_report(tmp_path):
    table = pd.DataFrame({"run": ["a", "b"], "auc": [0.9, 0.8]})
    table.to_csv(tmp_path / "performance.csv", index=False)
    with pytest.warns(UserWarning, match="not verified"):
        read_performance(tmp_path)
    write_manifest(tmp_path, step="evaluate_robustness", settings={})
    pd.testing.assert_frame_equal(read_performance(tmp_path), table)
    (tmp_path / "performance.csv").write_text((tmp_path / "performance.csv").read_text().replace("0.9", "0.7"))
    with pytest.raises(InputError, match=r"performance\.csv: is damaged: .*make the report again"):
        read_performance(tmp_path)
