"""Batch jobs: their files, their submission, and what they do when they are started again."""

import json
import os
import subprocess
import sys

import pytest

from TauAdv.batch.job import JOB_FILE, Job, job_tags, run_job, tf_config
from TauAdv.batch.submission import Submission, SubmissionSettings, submit
from TauAdv.config import load_settings
from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.runs import start_run
from TauAdv.training.devices.cluster import cluster_from_environment


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A training script that notes how it was called; the working folder is empty but for it and a configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train_anything.py").write_text("import sys\nprint('called with', *sys.argv[1:])\n")
    (tmp_path / "training.yaml").write_text("output: {mlruns: somewhere}\n")
    for name in ("train_jet_tagger.py", "train_classifier.py"):
        (tmp_path / name).write_text("")
    content = "tagger: deeptau\nmethod: none\nmodel: {network: deeptau_demo}\ndata: {shards: a, n_tau: 2}\n"
    (tmp_path / "taus.yaml").write_text(content)
    return tmp_path / "train_anything.py"


def settings(**changes):
    return load_settings(SubmissionSettings, None, {"name": "one", **changes})


def directives(text):
    found = [line.removeprefix("#SBATCH --").split("=", 1) for line in text.splitlines() if line.startswith("#SBATCH --")]
    return {words[0]: words[-1] for words in found}


def test_slurm_job(script):
    asked = settings(hours=1.5, gpus=2, cpus=8, memory_gb=20, partition="gpu", lines=["#SBATCH --constraint=a100"])
    job = Submission.of(asked, [str(script), "--config", "training.yaml", "schedule.n_epochs=3"])
    found = directives(job.files["job.sh"])
    assert (found["time"], found["output"]) == ("0-01:30:00", "log.txt")
    assert (found["gpus-per-node"], found["cpus-per-task"], found["mem"]) == ("2", "8", "20480M")
    assert (found["partition"], found["constraint"], found["signal"]) == ("gpu", "a100", "TERM@300")
    assert "account" not in found
    assert "@" not in job.files["job.sh"].replace("TERM@300", "")
    assert job.command == ("sbatch", "job.sh")
    assert json.loads(job.files[JOB_FILE])["arguments"] == [
        "--config",
        "training.yaml",
        "schedule.n_epochs=3",
        "output.run_name=one",
    ]


def test_condor_job(script):
    asked = settings(system="htcondor", gpus=1, hours=2, setup=["source setup.sh"], lines=['+JobFlavour = "tomorrow"'])
    job = Submission.of(asked, [str(script), "--config", "training.yaml"])
    pairs = [line.partition("=") for line in job.files["job.sub"].splitlines() if "=" in line and not line.startswith("#")]
    found = {key.strip(): value.strip() for key, _, value in pairs}
    assert (found["request_gpus"], found["+MaxRuntime"], found["+JobFlavour"]) == ("1", "7200", '"tomorrow"')
    assert (found["executable"], found["output"], job.command) == ("job.sh", "log.txt", ("condor_submit", "job.sub"))
    assert "source setup.sh" in job.files["job.sh"].splitlines()
    assert "@" not in job.files["job.sub"] + job.files["job.sh"]


@pytest.mark.parametrize("system", ["slurm", "htcondor"])
def test_job_file_is_a_valid_script_that_trains(script, system):
    """The script, run as the batch system would; srun is replaced by what it runs."""
    job = Submission.of(settings(system=system, gpus=1), [str(script), "--config", "training.yaml"])
    job.write()
    tools = script.parent / "tools"
    tools.mkdir()
    (tools / "srun").write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    (tools / "srun").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "SLURM_JOB_NUM_NODES": "1"}
    done = subprocess.run([job.folder / "job.sh"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "called with --config training.yaml output.run_name=one" in done.stdout


AWKWARD = [
    "with space",
    "it's",
    'say "so"',
    "$HOME",
    "100%j",
    "#1",
    "$(touch x)",
    "a;b&c",
    "@seconds@",
    "back\\slash",
    "größe",
    "-x",
]


@pytest.mark.slow
@pytest.mark.parametrize("system", ["slurm", "htcondor"])
@pytest.mark.parametrize("name", AWKWARD)
def test_any_folder_name(tmp_path, monkeypatch, system, name):
    """The job of a folder whose name means something to a shell, Slurm or HTCondor, run as its file says."""
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "train_it.py").write_text("import os, sys\nprint('in', os.getcwd(), 'called with', *sys.argv[1:])\n")
    jobs = folder / f"jobs {name}"
    jobs.mkdir()  # of such a name, only a folder that is there is taken
    asked = settings(system=system, jobs=str(jobs), python=sys.executable)
    job = Submission.of(asked, ["./train_it.py", "output.run_name=scan #3", f"output.mlruns={name}"])
    job.write()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "srun").write_text('#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n')
    (tools / "srun").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "SLURM_JOB_NUM_NODES": "1"}
    # what the batch system reads of the description holds no path at all
    description = job.files["job.sub" if system == "htcondor" else "job.sh"]
    read = [line for line in description.splitlines() if system == "htcondor" or line.startswith("#SBATCH")]
    assert not any(str(tmp_path) in line for line in read)
    done = subprocess.run([job.folder / "job.sh"], capture_output=True, text=True, env=environment, cwd=job.folder)
    assert done.returncode == 0, done.stderr
    assert f"in {folder} called with output.run_name=scan #3 output.mlruns={name}" in done.stdout


@pytest.mark.parametrize("name", ["line\nend", "caf\udce9", "bell\x07"])
def test_folder_names_that_no_job_can_hold(script, tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match="cannot be in a job"):
        Submission.of(settings(), [str(script)])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["hours=12:00:00"], {"time": "0-12:00:00"}),
        (["hours=2-06:30:00", "account=0123"], {"time": "2-06:30:00", "account": "0123"}),
        (
            ["hours=36", "partition=1e3", "notice_seconds=0:10:00"],
            {"time": "1-12:00:00", "partition": "1e3", "signal": "TERM@600"},
        ),
        (["hours=0.1"], {"time": "0-00:06:00"}),
    ],
)
def test_what_is_typed_is_asked_for(script, typed, expected):
    asked = load_settings(SubmissionSettings, None, ["name=one", *typed])
    found = directives(Submission.of(asked, [str(script)]).files["job.sh"])
    assert {key: found[key] for key in expected} == expected


def test_job_is_submitted_once(script, tmp_path, monkeypatch, capsys):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sbatch").write_text('#!/bin/bash\ntest -f "$1" && echo Submitted batch job 17\n')
    (tools / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    submit(settings(), [str(script), "--config", "training.yaml"])
    assert "Submitted batch job 17" in capsys.readouterr().out
    with pytest.raises(OutputExistsError, match="choose another name"):
        submit(settings(), [str(script)])
    (tools / "sbatch").write_text("#!/bin/bash\necho no such partition >&2\nexit 1\n")
    with pytest.raises(InputError, match="failed: no such partition; the job is in"):
        submit(settings(name="two"), [str(script)])


def test_script_prints_the_job_and_writes_nothing(script, run_script, capsys):
    before = sorted(script.parent.iterdir())
    words = ("--dry-run", "system=htcondor", "name=one", "--", script, "--config", "training.yaml", "attack.eps=0.1")
    run_script("Training/submit_training.py", *words)
    shown = capsys.readouterr().out
    assert "submitted by: condor_submit" in shown
    assert '"attack.eps=0.1"' in shown
    assert sorted(script.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["system=slurm", "--", "train_anything.py"], "there is no command 'sbatch' on this machine"),
        (["system=htcondor", "--", "train_anything.py"], "there is no command 'condor_submit'"),
        (["system=pbs", "--", "train_anything.py"], "system: expected 'slurm' or 'htcondor'"),
        (["system=htcondor", "nodes=2", "--", "train_anything.py"], "nodes: is of Slurm only"),
        (["--dry-run"], "received: nothing"),
        (["--dry-run", "--", "python", "x.py"], "expected, behind --, a training"),
        (["--dry-run", "--", "train_nothing.py"], "no such training script"),
        (["--dry-run", "--", "train_anything.py", "--config", "gone.yaml"], "gone.yaml: no such configuration"),
        (["--dry-run", "name=a b", "--", "train_anything.py"], "name"),
        (["--dry-run", "hours=12h", "--", "train_anything.py"], "expected HH:MM, HH:MM:SS, d-HH:MM:SS or a number of hours"),
        (["--dry-run", "account=a b", "--", "train_anything.py"], "account: "),
        (["--dry-run", "hours=0:05", "--", "train_anything.py"], "notice_seconds: 300 seconds leave no time"),
        (["--dry-run", "jobs=", "--", "train_anything.py"], "the value is empty"),
        (["--dry-run", "--", "train_anything.py", "--config", ""], "--config: an empty text was given"),
        (["--dry-run", "--", "train_anything.py", "output.run_name="], "the value is empty"),
        (["--dry-run", "train_anything.py", "--config", "training.yaml"], "-- is missing: put it before the training"),
        (["name=x", "train_anything.py", "--resume", "1"], "name=x -- train_anything.py --resume 1"),
        (["--dry-run", "train", "--config", "training.yaml"], "--dry-run -- train --config training.yaml"),
        (["python", "-m", "TauAdv", "resume", "1"], "-- python -m TauAdv resume 1"),
        (["--dry-run", "--", "tauadv", "skim"], "expected, behind --, a training"),
        (["--dry-run", "--", "train", "--config", "training.yaml"], "data.shards: required, but not given"),
        (["--dry-run", "--", "train", "--config", "training.yaml", "mlruns=x"], "mlruns: unknown key; write output.mlruns"),
        (["--dry-run", "--", "train_jet_tagger.py", "--config", "taus.yaml"], "this is for Training/train_classifier.py"),
        (["--dry-run", "--", "train_classifier.py", "--resume", "abc"], "mlruns: expected .../mlruns/EXPERIMENT_ID with"),
        (["--dry-run", "--", "resume", "abc", "--mlpath", "there/1"], "there/1: expected .../mlruns/EXPERIMENT_ID with"),
        (["--run", "nowhere"], "expected the folder of a job"),
    ],
)
def test_errors(script, run_script, capsys, monkeypatch, words, message):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SystemExit, match="2"):
        run_script("Training/submit_training.py", *words)
    assert message in capsys.readouterr().err
    assert not (script.parent / "jobs").exists()


def test_job_started_again_goes_on_with_its_own_run(script):
    job = Job.of(
        script, ["--config", "training.yaml", "output.mlruns=runs", "schedule.devices=mirrored"], "one", several=False
    )
    assert job.command({}) == [str(script), *job.arguments]
    with start_run("runs", "e", "one") as foreign:  # of the same name, from a different job
        foreign.log_text("shards: a\n", "input_cfg/training.yaml")
    tags = job_tags({"TAUADV_JOB": job.id})
    with pytest.raises(KeyboardInterrupt), start_run("runs", "e", "any name", tags) as run:
        assert job.command({}) == [str(script), *job.arguments]  # nothing to resume yet
        run.log_text("shards: a\n", "input_cfg/training.yaml")
        raise KeyboardInterrupt
    assert job.command({}) == [str(script), "--resume", run.id, "--mlpath", "runs", "schedule.devices=mirrored"]
    several = Job(**{**job.__dict__, "several": True})
    assert several.command({}) == [str(script), *job.arguments]
    assert several.command({"SLURM_RESTART_COUNT": "1"})[1] == "--resume"


@pytest.mark.parametrize("called", [["train"], ["tauadv", "train"], ["python3", "-m", "TauAdv", "train"]])
def test_job_of_a_command(script, called):
    """``tauadv train`` in a job: of the package alone, which resumes with ``tauadv resume``."""
    submission = Submission.of(settings(), [*called, "--config", "training.yaml", "schedule.devices=mirrored"])
    content = json.loads(submission.files[JOB_FILE])
    job = Job(**{name: content[name] for name in ("script", "arguments", "mlruns", "several", "id")})
    tauadv = ["-P", "-m", "TauAdv"]
    assert job.command({}) == [
        *tauadv,
        "train",
        "--config",
        "training.yaml",
        "schedule.devices=mirrored",
        "output.run_name=one",
    ]
    with pytest.raises(KeyboardInterrupt), start_run("somewhere", "e", "any name", job_tags({"TAUADV_JOB": job.id})) as run:
        run.log_text("shards: a\n", "input_cfg/training.yaml")
        raise KeyboardInterrupt
    assert job.command({}) == [*tauadv, "resume", run.id, "--mlpath", "somewhere", "schedule.devices=mirrored"]


def test_several_processes_train_together_as_was_asked_or_are_refused():
    job = Job.of("train", ["schedule.devices=multi_worker"], "one", several=True)
    assert job.arguments == ["schedule.devices=multi_worker", "output.run_name=one"]
    with pytest.raises(ConfigError, match=r"schedule\.devices=mirrored and schedule\.devices=multi_worker"):
        Job.of("train", ["schedule.devices=mirrored"], "one", several=True)


def test_job_that_resumes(script):
    job = Job.of("resume", ["abc", "--mlpath", "there/1"], "one", several=False)
    assert (job.id, job.mlruns, job.command({})[3:]) == (None, "there/1", ["resume", "abc", "--mlpath", "there/1"])


def test_finished_job_does_nothing(script, capsys):
    job = Submission.of(settings(), [str(script), "--config", "training.yaml"])
    job.write()
    with start_run("somewhere", "e", "renamed", {"job": Job.read(job.folder).id}):
        pass
    run_job(job.folder)
    assert "finished" in capsys.readouterr().out


def test_workers_of_several_nodes():
    environment = {"TAUADV_WORKERS": " a:7777 b:7777", "SLURM_PROCID": "1"}
    cluster = cluster_from_environment({"TF_CONFIG": tf_config(environment)})
    assert (cluster.addresses, cluster.index) == (("a:7777", "b:7777"), 1)
    assert tf_config({}) is None


def test_run_name_of_the_training_is_kept(script):
    job = Job.of(script, ["--config", "training.yaml", "output.run_name=mine"], "one", several=False)
    assert (job.mlruns, job.arguments[-1]) == ("somewhere", "output.run_name=mine")
    job = Job.of(script, ["--resume", "abc", "--mlpath=there/1"], "one", several=False)
    assert (job.id, job.mlruns) == (None, "there/1")


@pytest.mark.parametrize(
    ("words", "mlruns", "named"),
    [
        (["--config", "training.yaml", "output.mlruns=runs #1"], "runs #1", False),
        (["--conf=training.yaml"], "somewhere", False),
        (["--config", "a=b.yaml"], "0123", True),
        (["output.run_name=2026-02-30", "schedule.n_epochs=3"], "mlruns", True),
        (["output.run_name=null"], "mlruns", False),
    ],
)
def test_place_of_the_run(script, words, mlruns, named):
    (script.parent / "a=b.yaml").write_text(
        "output:\n  run_name: no\n  mlruns: 0123  # four digits\nschedule: {n_epochs: 3}\n"
    )
    job = Job.of(script, words, "one", several=False)
    assert (job.mlruns, job.arguments) == (mlruns, words if named else [*words, "output.run_name=one"])


@pytest.mark.parametrize("text", ["", "[]", '{"script": 1}', "{", "[" * 100_000, "\x00", '{"script": "a", "more": 1}'])
def test_a_damaged_job_is_named(tmp_path, text):
    (tmp_path / JOB_FILE).write_text(text)
    with pytest.raises(InputError, match=r"job.json: is not the description of a job"):
        run_job(tmp_path)


@pytest.mark.parametrize("name", ["a/b", "a b#c", ".", "..", "-x", "a\nb", "+"])
def test_names_that_are_none(name):
    with pytest.raises(ConfigError, match=r"name: expected letters, digits and _ \. \+ -, the first of them"):
        settings(name=name)


@pytest.mark.parametrize("name", ["a", "_1.5+x-y", "scan.3"])
def test_names(name):
    assert settings(name=name).name == name


@pytest.mark.parametrize("partition", ["a b", "-p", "x;y"])
def test_words_of_a_line_of_slurm(partition):
    with pytest.raises(ConfigError, match="partition: expected letters, digits and _ "):
        settings(partition=partition)
