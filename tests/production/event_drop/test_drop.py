import os
import signal
import subprocess
import sys
import textwrap

import awkward as ak
import numpy as np
import pytest

import TauAdv.production.event_drop.drop as event_drop
from TauAdv.errors import ConfigError, InputError, OutputExistsError
from TauAdv.io.manifests.manifest import read_manifest
from TauAdv.production.event_drop.drop import EventDropSettings, drop_events
from TauAdv.tuples.reader import read

FALLING = np.geomspace(1000, 1, 17)


@pytest.fixture
def run(make_tuple, make_targets_file, tmp_path):
    """Return a function that drops from one tuple to ``dropped.root``; keywords are settings."""
    source, target = make_tuple("taus.root", 400), make_targets_file(mt__EMB=FALLING)

    def run(uniforms=None, overwrite=False, input_file=source, target_file=target, **settings):
        settings = EventDropSettings(**({"target_histogram": "mt/EMB"} | settings))
        return drop_events(
            input_file, target_file, tmp_path / "dropped.root", settings, uniforms=uniforms, overwrite=overwrite
        )

    run.source, run.output = source, tmp_path / "dropped.root"
    return run


def test_kept_taus_are_whole_and_in_order(run):
    manifest = run(seed=5, step_size=30)
    before, after = read(run.source), read(run.output)
    kept = np.isin(np.asarray(before["evt"]), np.asarray(after["evt"]))
    assert ak.array_equal(before[kept], after[before.fields], dtype_exact=True)
    assert manifest["counts"] == {"entries": 400, "read": 400, "kept": len(after), "dropped": 400 - len(after)}
    assert 0 < len(after) < 400


def test_step_size_changes_nothing(run):
    run(seed=5, step_size=7)
    small = read(run.output)
    run(seed=5, step_size=1000, overwrite=True)
    assert ak.array_equal(small, read(run.output))


def test_given_uniforms_decide(run):
    run(np.zeros(400))
    pt = np.asarray(read(run.source)["tau_pt"])
    assert np.array_equal(np.asarray(read(run.output)["tau_pt"]), pt)  # every bin has a target
    with pytest.raises(OutputExistsError):
        run(np.full(400, 0.2))
    run(np.full(400, 0.2), overwrite=True)
    assert len(read(run.output)) < 400


def test_too_few_uniforms(run, nothing_written):
    with pytest.raises(InputError, match="400 taus are read, but only 399 uniform numbers"):
        run(np.zeros(399))
    nothing_written("dropped.root")


def test_first_taus_only_and_spectrum_of_all(run):
    manifest = run(n_tau=100)
    assert manifest["counts"]["read"] == 100
    assert sum(manifest["drop"]["observed"]) == 400
    assert np.asarray(read(run.output)["evt"]).max() < np.asarray(read(run.source)["evt"])[100]


def test_more_taus_than_there_are(run, nothing_written):
    with pytest.raises(InputError, match=r"taus.root: n_tau asks for 401 taus, but there are only 400"):
        run(n_tau=401)
    nothing_written("dropped.root")


def test_event_weights_make_the_observed_spectrum(run, make_tuple):
    weights = np.linspace(0.5, 2, 300)
    source = make_tuple("weighted.root", 300, trainingWeight=weights.astype(np.float32))
    manifest = run(input_file=source, weights="trainingWeight")
    assert sum(manifest["drop"]["observed"]) == pytest.approx(weights.sum())


@pytest.fixture
def signed(make_tuple):
    """Two taus in 35-40 GeV of weights 1 and -3, two in 40-45 of 1 and 2, ten in 100-120 of 1."""
    pt = np.array([36, 37, 41, 42, *[110] * 10], np.float32)
    return make_tuple("signed.root", 14, tau_pt=pt, genWeight=np.array([1, -3, 1, 2, *[1] * 10], np.float32))


def test_negative_event_weights(run, signed, run_script, make_targets_file, capsys, nothing_written):
    flat = make_targets_file(mt__EMB=np.ones(17))
    script = ("Production/EventDrop.py", "--input_file", signed, "--target_file", flat, "--target_histo", "mt/EMB")
    options = ("--save_path", run.output, "--weights", "genWeight")
    with pytest.raises(SystemExit) as ended:
        run_script(*script, *options)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "signed.root: genWeight: 1 of 14 event weights are negative (-3)" in error
    assert "--allow-negative" in error
    nothing_written("dropped.root")
    run_script(*script, *options, "--allow-negative")
    printed = capsys.readouterr().out
    assert "1 of 14 event weights are negative" in printed
    assert "all taus kept in bin 2 (35 to 40): their event weights sum to 0 or less" in printed
    kept = np.asarray(read(run.output)["tau_pt"])
    assert np.isin([36, 37], kept).all()
    drop = read_manifest(run.output)["drop"]
    assert drop["negative_event_weights"] == 1
    assert drop["keep_probability"][2:4] == [1, 1]  # by the rule, and 1/3 of the largest ratio 1/3
    assert drop["keep_probability"][12] == pytest.approx(0.3)  # 1/10 of 1/3


def test_negative_target_counts_as_zero(run, make_targets_file, capsys):
    contents = np.where(np.arange(17) == 3, -5.0, 1000.0)
    manifest = run(np.zeros(400), target_file=make_targets_file("signed.root", mt__EMB=contents), allow_negative=True)
    pt = np.asarray(read(run.source)["tau_pt"])
    assert np.array_equal(np.asarray(read(run.output)["tau_pt"]), pt[(pt < 40) | (pt >= 45)])
    assert manifest["drop"]["negative_target_bins"] == [3]


@pytest.mark.parametrize("weights", ["mytauType", "pfCand_pt", "tau_pt"])
def test_weights_that_are_none(run, make_tuple, nothing_written, weights):
    values = {"tau_pt": np.full(200, np.inf, np.float32), "mytauType": np.zeros(200, np.int32)}
    source = make_tuple("bad.root", **{name: values[name] for name in [weights] if name in values})
    message = {
        "mytauType": r"event weights sum to 0 or less",
        "pfCand_pt": r"pfCand_pt: expected one number a tau, found var \* float32",
        "tau_pt": r"tau_pt: 200 of 200 values are not finite \(inf, inf,",
    }[weights]
    with pytest.raises(InputError, match=f"bad.root: .*{message}"):
        run(input_file=source, weights=weights)
    nothing_written("dropped.root")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_taus_without_a_momentum(run, make_tuple, nothing_written, bad):
    source = make_tuple("bad.root", 3, tau_pt=np.array([50, bad, 60], np.float32))
    with pytest.raises(InputError, match=r"bad.root: tau_pt: 1 of 3 values are not finite .*--sel"):
        run(input_file=source)
    nothing_written("dropped.root")


def test_candidates_without_a_tau_are_counted(run, make_tuple):
    source = make_tuple("raw.root", 4, tau_pt=np.array([50, -999, np.finfo(np.float32).min, 60], np.float32))
    drop = run(input_file=source)["drop"]
    assert drop["negative_tau_pt"] == 2
    assert drop["observed"][0] == 2


def test_manifest_says_what_was_done(run):
    manifest = run(rng="root", seed=11, maximum="robust", max_relative_error=0.5)
    assert manifest == read_manifest(run.output)
    assert manifest["seed"] == 11
    assert manifest["settings"]["rng"] == "root"
    drop = manifest["drop"]
    ratio = np.divide(drop["target"], drop["observed"], where=np.array(drop["observed"]) > 0, out=np.zeros(17))
    assert drop["ratio"] == pytest.approx(ratio)
    assert drop["keep_probability"] == pytest.approx(ratio / ratio[drop["maximum_bin"]])


def test_spectrum_approaches_the_target(run, make_tuple):
    source = make_tuple("many.root", 60_000, pfCand_pt=None)
    manifest = run(input_file=source)
    kept, target = np.histogram(np.asarray(read(run.output)["tau_pt"]), manifest["drop"]["edges"])[0], FALLING[1:-1]
    scale = kept.sum() / target.sum()
    assert np.abs((kept - scale * target) / np.sqrt(scale * target)).max() < 5


def test_rerun_skips_and_other_settings_are_refused(run):
    first = run(seed=5)
    time = run.output.stat().st_mtime_ns
    assert run(seed=5) == first
    assert run.output.stat().st_mtime_ns == time
    with pytest.raises(OutputExistsError, match="other settings"):
        run(seed=6)
    assert run(seed=6, overwrite=True)["seed"] == 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_histogram": "mt/W"}, "no histogram 'mt/W'"),
        ({"tree": "events"}, "no tree 'events'"),
        ({"weights": "weight"}, "lacks 1 of the branches"),
    ],
)
def test_bad_settings(run, nothing_written, settings, message):
    with pytest.raises(InputError, match=message):
        run(**settings)
    nothing_written("dropped.root")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (np.zeros(17), "is above 0"),
        (
            np.where(np.arange(17) == 3, np.nan, 1),
            r"mt/EMB: 1 of 17 bins whose content is not a .*: bin 3 \(40 to 45\): nan",
        ),
        (np.where(np.arange(17) > 15, -2, 1), r"1 of 17 bins whose content is negative: overflow \(from 400\): -2"),
        ((np.ones(5), [30.0, 50.0, 80.0, 400.0]), "has the bin edges"),
    ],
)
def test_bad_targets(run, make_targets_file, nothing_written, contents, message):
    with pytest.raises(InputError, match=message):
        run(target_file=make_targets_file("bad.root", mt__EMB=contents))
    nothing_written("dropped.root")


def test_no_tau_kept(run, nothing_written):
    with pytest.raises(InputError, match="none of the 400 taus read is kept"):
        run(np.full(400, 2.0))
    nothing_written("dropped.root")


def test_empty_and_damaged_inputs(run, make_tuple, tmp_path, nothing_written):
    with pytest.raises(InputError, match="no entries"):
        run(input_file=make_tuple("none.root", 0))
    whole = run.source.read_bytes()
    (tmp_path / "cut.root").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="truncated"):
        run(input_file=tmp_path / "cut.root")
    (tmp_path / "empty.root").write_bytes(b"")
    with pytest.raises(InputError, match="empty file"):
        run(input_file=tmp_path / "empty.root")
    nothing_written("dropped.root")


def test_failure_while_writing_leaves_the_old_output(run, monkeypatch, nothing_written):
    run(seed=5)
    before = run.output.read_bytes(), read_manifest(run.output)

    class Broken(event_drop.TupleWriter):
        def extend(self, arrays):
            raise KeyboardInterrupt

    monkeypatch.setattr(event_drop, "TupleWriter", Broken)
    with pytest.raises(KeyboardInterrupt):
        run(seed=6, overwrite=True)
    assert (run.output.read_bytes(), read_manifest(run.output)) == before
    nothing_written()


def test_killed_in_the_middle_and_started_again(run, make_targets_file, tmp_path):
    """A process that kills itself while it writes leaves no output; the next one makes it."""
    target = make_targets_file(mt__EMB=FALLING)
    program = f"""
        import os, signal
        from TauAdv.production.event_drop import drop as event_drop

        class Killed(event_drop.TupleWriter):
            def extend(self, arrays):
                super().extend(arrays)
                os.kill(os.getpid(), signal.SIGKILL)

        event_drop.TupleWriter = Killed
        settings = event_drop.EventDropSettings(target_histogram="mt/EMB", step_size=50)
        event_drop.drop_events({str(run.source)!r}, {str(target)!r}, {str(run.output)!r}, settings)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, env=os.environ)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not run.output.exists()
    run()
    assert len(read(run.output)) == read_manifest(run.output)["counts"]["kept"]


def test_script(run, run_script, make_targets_file, capsys):
    arguments = ["--input_file", run.source, "--target_file", make_targets_file(mt__EMB=FALLING), "--target_histo", "mt/EMB"]
    run_script("Production/EventDrop.py", *arguments, "--n_tau", 300, "--save_path", run.output, "--rng", "root")
    counts = read_manifest(run.output)["counts"]
    assert f"{counts['kept']} of 300 taus kept" in capsys.readouterr().out
    assert read_manifest(run.output)["settings"]["rng"] == "root"
    with pytest.raises(SystemExit):
        run_script("Production/EventDrop.py", *arguments, "--n_tau", 3000, "--save_path", run.output, "--overwrite")
    assert "only 400" in capsys.readouterr().err
    assert read_manifest(run.output)["counts"] == counts


def test_seed_of_root_numbers(run):
    with pytest.raises(ConfigError, match="seed 0"):
        run(rng="root", seed=0)
