"""What the bench programs share: costs of jobs in processes of their own, rows of a table, the summary."""

import importlib
import json
import sys

import pytest


@pytest.fixture
def bench(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "bench"))
    names = ("apart", "report", "summary")
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


def test_cost_of_a_job_has_the_seconds_of_its_workers(bench, repository, tmp_path, monkeypatch):
    (tmp_path / "busy.py").write_text(
        "import subprocess, sys, time\n"
        "def work(seconds, path):\n"
        "    code = f'import time\\nwhile time.process_time() < {seconds}: pass'\n"
        "    subprocess.run([sys.executable, '-c', code], check=True)\n"
        "    open(path, 'w').write('done')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{repository}")
    cost = bench["apart"].Job("busy:work", (0.3, str(tmp_path / "said"))).cost()
    assert (tmp_path / "said").read_text() == "done"
    assert 0.3 <= cost.cpu <= cost.wall + 0.5
    assert cost.memory > 1
    with pytest.raises(SystemExit, match=r"busy:none failed:\n(.|\n)*has no attribute 'none'"):
        bench["apart"].Job("busy:none").cost()


def test_row_of_a_race_compares_processor_seconds(bench, tmp_path, capsys):
    cost, report = bench["apart"].Cost, bench["report"].Report("Title")
    report.race("skim", cost(2, 4, 0), cost(6, 5, 0), number=1000, peer_name="ROOT", goal=">= 2", limit=cost(0.5, 1, 0))
    report.finish(tmp_path / "figures.json")
    (row,) = json.loads((tmp_path / "figures.json").read_text())["rows"]
    assert row == {
        "what": "skim",
        "figure": "500/s",
        "baseline": "167/s (ROOT)",
        "ratio": 3.0,
        "goal": ">= 2",
        "limit": "2,000/s",
        "cpu": "2.00 / 6.00 s",
        "wall": "4.00 / 5.00 s",
    }
    assert "3.00" in capsys.readouterr().out


def test_medians_of_repetitions(bench):
    cost = bench["apart"].Cost
    assert bench["apart"].median_of([cost(1, 9, 5), cost(3, 2, 7), cost(2, 4, 6)]) == cost(2, 4, 7)


def test_summary_shows_every_program_with_its_command_or_its_error(bench):
    row = {"what": "a|b", "figure": "1", "baseline": "2", "ratio": 0.5, "goal": "-", "limit": "-", "cpu": "-", "wall": "-"}
    common = {"quick": True, "date": "2020-02-03", "commit": "abc", "seconds": 120.0, "load": 0.5, "machine": "two cores"}
    good = {"name": "skim", "title": "Skim", "rows": [row], **common}
    text = bench["summary"].text_of([good, {"name": "jets", "error": "no room", **common}])
    assert "| a\\|b | 1 | 2 | 0.50 | - | - | - | - |" in text
    assert "## Skim" in text
    assert "`python bench/skim.py`, `--quick`, 2020-02-03, commit abc, 2 min, load 0.5" in text
    assert "Failed: no room" in text
    assert text.count("Machine: two cores.") == 1


def test_summary_runs_programs_that_exist(bench, repository):
    assert all((repository / "bench" / f"{name}.py").is_file() for name in bench["summary"].PROGRAMS)
