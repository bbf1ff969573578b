"""The steps that the campaign tries: the scripts as a user runs them, on the committed samples, with small settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign.attempt import REPOSITORY, Attempt, call, run
from TauAdv.config import read_yaml

__all__ = ["JETS", "STEPS", "Step", "Workspace", "build", "require", "runs_of"]

DEMO, SAMPLE = REPOSITORY / "demo", REPOSITORY / "tests/data/sample"
JETS = REPOSITORY / "tests/data/jets/jets.json.gz"
SIMULATED = ("DYtautau", "DYmumu", "DYee", "TT", "WJets", "QCD")
DROPPED = ("DYtaus", "QCD")
NETWORK = """
name: campaign
dropout: 0.1
normalisation: {momentum: 0.9, epsilon: 0.001}
tau: {n_features: 43, widths: [6]}
components:
  egamma: {n_features: 86, widths: [4]}
  muon: {n_features: 64, widths: [4]}
  hadrons: {n_features: 38, widths: [4]}
merge: {widths: [5]}
grids:
  inner: {n_cells: 11, layers: [{kernel: 11, width: 5}]}
  outer: {n_cells: 21, layers: [{kernel: 21, width: 5}]}
class_head: {widths: [8]}
adversarial_head: {widths: [8]}
grid_mode: sparse
n_empty_rows: 16
"""
JET_NETWORK = (
    "{name: campaign, n_features: 184, hidden: [8, 8], dropout: 0.1, common_layers: 1, adversarial_head: {widths: [4]}}"
)


@dataclass(frozen=True)
class Workspace:
    """Where the inputs of all steps lie.

    Attributes:
        folder: of the workspace; ``inputs`` below it holds what a step reads.
    """

    folder: Path

    @property
    def inputs(self) -> Path:
        """Folder of the inputs."""
        return self.folder / "in"

    def path(self, name: str) -> str:
        """Return an input as a text."""
        return str(self.inputs / name)


Command = Callable[[Workspace, Path], list[str]]


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: of the step.
        script: that does it.
        arguments: (workspace, folder of outputs) -> arguments.
        copied: inputs that it changes, copied into the folder of outputs before.
        removed: pattern of what it makes itself, removed from these copies.
        resumes: whether it makes a run that is resumed instead of made again.
        tensorflow: whether it loads TensorFlow, which takes seconds.
    """

    name: str
    script: str
    arguments: Command
    copied: Sequence[str] = ()
    removed: str = ""
    resumes: bool = False
    tensorflow: bool = False

    def prepare(self, workspace: Workspace, folder: Path) -> None:
        """Make the folder of outputs."""
        folder.mkdir(parents=True)
        for name in self.copied:
            shutil.copytree(workspace.inputs / name, folder / name)
        for path in folder.glob(self.removed) if self.removed else ():
            shutil.rmtree(path)

    def command(self, workspace: Workspace, folder: Path) -> list[str]:
        """Return the arguments of the first run, or of the one that continues where an interrupted one was."""
        if self.resumes and (found := [run for run in runs_of(folder / "mlruns") if run["began"]]):
            return ["--resume", found[-1]["id"], "--mlpath", found[-1]["mlpath"]]
        return self.arguments(workspace, folder)


def runs_of(mlruns: Path) -> list[dict[str, str]]:
    """Return identifier, name, folder and status of the runs in a store, the newest last; none if it is not readable.

    ``began`` is empty for a run that was interrupted before it kept its settings: there is nothing to resume.
    """
    if not mlruns.is_dir():
        return []

    def show() -> None:
        from TauAdv.runs.store import list_runs

        found = [
            {
                **{"id": r.id, "name": r.name, "mlpath": str(r.mlpath), "status": r.status},
                "began": "began" if (r.artifacts / "input_cfg/training.yaml").is_file() else "",
            }
            for r in list_runs(mlruns)
        ]
        print("RUNS", json.dumps(found[::-1]))

    text = call(show).text
    return json.loads(text.rpartition("RUNS ")[2]) if "RUNS " in text else []


def require(attempt: Attempt, what: str) -> Attempt:
    """Stop if a step of the preparation failed."""
    if attempt.status != 0:
        raise SystemExit(f"{what}: status {attempt.status}\n{attempt.text}")
    return attempt


def _skim(name: str) -> list[str]:
    config = read_yaml(DEMO / "demo.yaml")
    skim = config["skims"][name]
    selection = config["selection"] + (f" && mytauType=={skim['mytauType']}" if "mytauType" in skim else "")
    module = ["--processing-module", "recompute_tautype.py:compute"] if "mytauType" in skim else []
    fast = ["--comp-algo", "zstd", "--comp-level", "1"]
    return ["--input", str(SAMPLE / f"{skim['input']}.root"), "--tree", "taus", "--sel", selection, *module, *fast]


def _drop(w: Workspace, out: Path, name: str = "DYtaus") -> list[str]:
    drop = read_yaml(DEMO / "demo.yaml")["drops"][name]
    return [
        *("--input_file", w.path(f"{name}_skimmed.root"), "--target_file", w.path("datacard.root")),
        *("--target_histo", drop["target_histo"], "--maximum", "robust"),
        *("--max_relative_error", str(drop["max_relative_error"])),
        *("--save_path", str(out / f"{name}_skimmed_reweighted.root")),
    ]


def _targets(w: Workspace, out: Path) -> list[str]:
    pairs = [("EMB", "SingleMuon"), ("W", "Wjets")]
    targets = [text for key, name in pairs for text in ("--target", f"mt_inclusive/{key}={w.path(f'{name}_skimmed.root')}")]
    return [*targets, "--output", str(out / "datacard.root")]


def _spectrum(w: Workspace, out: Path) -> list[str]:
    return ["--input", *(str(SAMPLE / f"{name}.root") for name in SIMULATED), "--output", str(out / "spectrum.root")]


def _mix(w: Workspace, out: Path) -> list[str]:
    outputs = "outputs={train: {file: train.root, batches: 2}, test: {file: test.root, batches: 1}}"
    config = ["--config", str(DEMO / "mix.yaml"), "--input_dir", w.path("")]
    return [*config, "--output_dir", str(out / "mixed"), outputs]


def _pt_weights(w: Workspace, out: Path) -> list[str]:
    config = ["--config", str(DEMO / "pt_weights.yaml")]
    return ["--input", w.path("mixed/train.root"), "--output", str(out / "pt_weights.root"), *config]


def _adversarial(w: Workspace, out: Path) -> list[str]:
    weights = ["--weights", w.path("pt_weights.root")]
    config = ["--config", str(DEMO / "shards_adversarial.yaml")]
    return [*config, "--input", w.path("mixed/train.root"), *weights, "--output", str(out / "adversarial")]


def _classification(w: Workspace, out: Path) -> list[str]:
    inputs = [word for name in SIMULATED for word in ("--input", str(SAMPLE / f"{name}.root"))]
    spectra = [f"{role}_spectrum={w.path('spectrum.root')}" for role in ("input", "target")]
    config = ["--config", str(DEMO / "shards_classification.yaml")]
    return [*config, *inputs, "--output", str(out / "classification"), "--n_workers", "2", *spectra]


def _extract(w: Workspace, out: Path) -> list[str]:
    return ["--input", str(JETS), "--output", str(out / "jets"), "part_lines=1500"]


def _prepare(w: Workspace, out: Path) -> list[str]:
    return [
        "--config",
        str(REPOSITORY / "TauAdv/configs/prepare_jets.yaml"),
        "--input",
        w.path("jets"),
        "--output",
        str(out / "prepared"),
    ]


def _training(w: Workspace, out: Path, name: str) -> list[str]:
    steps = [
        "schedule.n_epochs=2",
        "schedule.n_batches=3",
        "data.n_tau=32",
        "output.checkpoint_steps=2",
        "output.log_steps=2",
    ]
    return [
        f"data.shards={w.path('classification')}",
        f"model.network={w.path('network.yaml')}",
        f"output.mlruns={out / 'mlruns'}",
        f"output.run_name={name}",
        *steps,
    ]


def _classifier(w: Workspace, out: Path) -> list[str]:
    return ["--config", w.path("training.yaml"), *_training(w, out, "nominal")]


def _adversarial_training(w: Workspace, out: Path) -> list[str]:
    more = [f"data.adv_shards={w.path('adversarial')}", "data.n_adv_tau=24", "method.adv_parameter=[1,2]"]
    return ["--config", w.path("training.yaml"), *_training(w, out, "adversarial"), *more]


def _jet_training(w: Workspace, out: Path) -> list[str]:
    sets = [f"data.shards={w.path('prepared/train')}", f"data.validation_shards={w.path('prepared/val')}"]
    steps = [
        "attack={kind: fgsm, eps: 0.01}",
        "schedule.n_epochs=2",
        "data.batch_size=512",
        "output.log_steps=2",
        "output.checkpoint_steps=3",
        "output.run_name=jets",
    ]
    return [
        "--config",
        w.path("training.yaml"),
        *sets,
        f"model.network={w.path('jet_network.yaml')}",
        f"output.mlruns={out / 'mlruns'}",
        *steps,
    ]


def _named(w: Workspace, out: Path, name: str) -> list[str]:
    found = [r for r in runs_of(out / "mlruns") if r["name"] == name][-1]
    return [found["id"], str(out / "mlruns" / Path(found["mlpath"]).name)]


def _apply(w: Workspace, out: Path) -> list[str]:
    run_id, mlpath = _named(w, out, "adversarial")
    return ["--expID", run_id, "--mlpath", mlpath, "--eval_ds", w.path("adversarial")]


def _compare(w: Workspace, out: Path) -> list[str]:
    (nominal, mlpath), (adversarial, _) = (_named(w, out, name) for name in ("nominal", "adversarial"))
    sets = ["--control", w.path("adversarial"), "--test", w.path("classification")]
    few = ["head_folds=2", "folds=2", "bootstrap=3"]
    runs = ["--nominal", nominal, "--adversarial", adversarial, "--mlpath", str(Path(mlpath).parent)]
    return [*runs, *sets, "--output", str(out / "comparison"), *few]


def _export(w: Workspace, out: Path) -> list[str]:
    run_id, mlpath = _named(w, out, "nominal")
    return ["--format", "cms", "--expID", run_id, "--mlpath", mlpath, "--output", str(out / "exported")]


def _import(w: Workspace, out: Path) -> list[str]:
    (core,) = (w.inputs / "exported").glob("*_core.pb")
    graphs = [text for part in ("inner", "outer", "core") for text in (f"--{part}", str(core).replace("_core", f"_{part}"))]
    more = ["--features", "deeptau_v2p5", "--n_taus", "20", "--mlpath", str(out / "mlruns")]
    return [*graphs, "--output", str(out / "imported.keras"), *more]


#: A file of 711 branches is written in thousands of pieces, all by the same code: the steps are tried with a few of them.
FEW_BRANCHES = "run,lumi,evt,sampleType,tauType,mytauType,tau_index,tau_pt,tau_eta,tau_decayMode,pfCand_pt,ele_pt,dataset_id"


def _few(w: Workspace, out: Path) -> list[str]:
    return [*_skim("DYtaus"), "--include-columns", FEW_BRANCHES, "--output", str(out / "skimmed.root")]


def _few_dropped(w: Workspace, out: Path) -> list[str]:
    return [argument.replace("DYtaus_skimmed.root", "few/skimmed.root") for argument in _drop(w, out)]


def _few_mixed(w: Workspace, out: Path) -> list[str]:
    return [*_mix(w, out), f"branches=[{FEW_BRANCHES}]"]


STEPS = (
    Step("skim", "Production/skim_tree.py", _few),
    Step("target spectra", "Production/make_spectra.py", _targets),
    Step("spectrum", "Production/make_spectra.py", _spectrum),
    Step("event drop", "Production/EventDrop.py", _few_dropped),
    Step("mixing", "Production/mix_events.py", _few_mixed),
    Step("pt weights", "Production/make_pt_weights.py", _pt_weights),
    Step("adversarial shards", "Production/make_shards.py", _adversarial),
    Step("classification shards", "Production/make_shards.py", _classification),
    Step("jet extraction", "Production/extract_jets.py", _extract),
    Step("jet preparation", "Production/prepare_jets.py", _prepare),
    Step("classifier", "Training/train_classifier.py", _classifier, resumes=True, tensorflow=True),
    Step("adversarial training", "Training/train_adversarial.py", _adversarial_training, resumes=True, tensorflow=True),
    Step("jet training", "Training/train_jet_tagger.py", _jet_training, resumes=True, tensorflow=True),
    Step(
        "predictions",
        "Evaluation/apply_adversarial_training.py",
        _apply,
        copied=("mlruns",),
        removed="mlruns/*/*/artifacts/predictions",
        tensorflow=True,
    ),
    Step("comparison", "Evaluation/compare_runs.py", _compare, copied=("mlruns",), tensorflow=True),
    Step("export", "Evaluation/export_model.py", _export, copied=("mlruns",), tensorflow=True),
    Step("import", "Training/import_cms_model.py", _import, tensorflow=True),
)


def build(folder: Path, only: Sequence[str] | None = None, *, every_skim: bool = False) -> Workspace:
    """Make the inputs of all steps, by the steps themselves; or what the steps named ``only`` make, of one skim or every."""
    w, made = Workspace(folder), folder / "made"
    if made.exists():
        return w
    w.inputs.mkdir(parents=True, exist_ok=True)
    (w.inputs / "network.yaml").write_text(NETWORK)
    (w.inputs / "training.yaml").write_text("seed: 1\n")
    (w.inputs / "jet_network.yaml").write_text(JET_NETWORK)
    shutil.copy(JETS, w.inputs / JETS.name)
    for name in read_yaml(DEMO / "demo.yaml")["skims"] if only is None or every_skim else ["DYtaus"]:
        output = ["--output", w.path(f"{name}_skimmed.root")]
        require(run("Production/skim_tree.py", [*_skim(name), *output]), f"skim {name}")
    require(run("Production/skim_tree.py", _few(w, w.inputs / "few")), "skim of a few branches")
    for step in STEPS[1:]:
        if only is not None and step.name not in only:
            continue
        for arguments in _commands(step, w):
            require(run(step.script, arguments), step.name)
    made.touch()
    return w


def _commands(step: Step, w: Workspace) -> list[list[str]]:
    if step.name == "event drop":
        return [_drop(w, w.inputs, name) for name in DROPPED]
    if step.name == "mixing":
        return [_mix(w, w.inputs)]
    if step.name in ("comparison", "import"):
        return []  # nothing reads what they make
    return [step.arguments(w, w.inputs)]
