import sys

import pytest

from TauAdv.tuples.reader import TupleReader

SCRIPT = "Production/generate_tuples.py"


def test_script(run_script, tmp_path, cache):
    options = ("--output", tmp_path / "out", "--cache", cache)
    run_script(SCRIPT, *options, "seed=4", "chunk_events=60", "minbias_events=30", "events={DYtautau: 60}")
    assert TupleReader(tmp_path / "out" / "DYtautau.root").num_entries > 0


def test_script_without_the_extra_writes_nothing(run_script, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(SystemExit) as status:
        run_script(SCRIPT, "--output", tmp_path / "out", "--cache", tmp_path / "cache", "events={DYtautau: 5}")
    assert status.value.code == 2
    assert "TauAdv[simulation]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_script_with_wrong_setting(run_script, tmp_path, capsys):
    with pytest.raises(SystemExit) as status:
        run_script(SCRIPT, "--output", tmp_path / "out", "--cache", tmp_path / "cache", "event={DYtautau: 5}")
    assert status.value.code == 2
    assert "did you mean 'events'" in capsys.readouterr().err
