"""A real training as a batch job."""

import os
import subprocess
import sys

import pytest

from TauAdv.batch.submission import Submission, SubmissionSettings
from TauAdv.config import dump_settings, load_settings
from TauAdv.runs import list_runs


@pytest.mark.slow
def test_interrupted_training_is_a_job_to_go_on_with(settings_of_jets, repository, tmp_path, monkeypatch):
    """A real training in a job: told to end by SIGTERM, it ends with status 130; started again, it finishes its run."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "jets.yaml"
    config.write_text(dump_settings(settings_of_jets(n_epochs=2, run_name=None)))
    training = [str(repository / "Training/train_jet_tagger.py"), "--config", str(config)]
    job = Submission.of(load_settings(SubmissionSettings, None, {"name": "one"}), training)
    job.write()
    terminating = tmp_path / "sitecustomize.py"
    terminating.write_text(
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'TauAdv.training.run.train':\n"
        "            sys.meta_path.remove(self)\n"
        "            from TauAdv.training.run import loop\n"
        "            real = loop.Loop._step\n"
        "            def step(self, batch):\n"
        "                real(self, batch)\n"
        "                if self.state.step == 3: os.kill(os.getpid(), signal.SIGTERM)\n"
        "            loop.Loop._step = step\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    command = [sys.executable, repository / "Training/submit_training.py", "--run", job.folder]
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    first = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert first.returncode == 130, first.stderr
    assert "stopped; resume it with: python Training/train_jet_tagger.py --resume " in first.stdout + first.stderr
    terminating.unlink()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    (run,) = list_runs(tmp_path / "mlruns")
    assert (run.name, run.status) == ("one", "FINISHED")
    assert "resuming after step" in again.stdout + again.stderr
