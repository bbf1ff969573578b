"""A slice of bench/reliability.py: kills, full disks, two processes at once, damaged files, generated inputs."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_a_slice_of_the_campaign(repository, tmp_path):
    program, table = repository / "bench" / "reliability.py", tmp_path / "table.json"
    done = subprocess.run(
        [sys.executable, program, "--slice", "--folder", tmp_path / "work", "--json", table],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["what"]: row for row in json.loads(table.read_text())["rows"]}
    assert {"kills", "pairs", "damaged jet shards", "generated selections"} <= rows.keys()
    assert all(row["attempts"] > 0 for row in rows.values())
    assert rows["damaged jet shards"]["notes"] == {"refused": rows["damaged jet shards"]["attempts"]}
