"""What a run keeps to explain itself, and what the console says of it."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from TauAdv.config import dump_settings
from TauAdv.errors import InputError
from TauAdv.io.checksums import describe_file
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables
from TauAdv.runs import Run
from TauAdv.runs.layout import CHANGES, FEATURES, INPUTS, METRICS, MODEL, NETWORK, SHARDS, TRAINING
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.run.plan import network_lines
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.precision import precision_note
from TauAdv.training.step.metrics import metrics_of
from TauAdv.version import __version__

__all__ = [
    "announcement",
    "code_changes",
    "code_version",
    "parameters",
    "record_inputs",
    "require_same_inputs",
    "require_same_pretrained",
    "save_model",
    "stored_network",
]

_WHERE = {"training": "shards", "validation": "validation_shards"}
_PRETRAINED = "pretrained"
_START_ANEW = "start a new run"


def code_version() -> dict[str, str]:
    """Return version of the package and, in a checkout, the commit and whether files differ from it."""
    version = {"TauAdv": __version__}
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {**version, "git_commit": "none: the package is not in a git checkout"}
    modified = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {**version, "git_commit": commit, "git_modified": str(modified)}


def code_changes() -> str:
    """Return which files of a checkout differ from its commit, and by how many lines; empty if none or no checkout."""
    return _git("diff", "--stat", "HEAD")


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def record_inputs(run: Run, inputs: Inputs, network: Any, pretrained: Path | None = None) -> None:
    """Write the merged settings, network, feature table, shard manifests and metric names to ``input_cfg/``.

    Args:
        run: the run.
        inputs: the sets that the training reads, and its settings.
        network: settings of the network.
        pretrained: file of the model that it starts from.
    """
    settings = inputs.settings
    objective = settings.spec.objective(settings)
    metrics = {"metrics": metrics_of(settings.methods), "loss_terms": sorted(objective.terms), "areas": objective.pairs}
    read = inputs.description()
    if pretrained is not None:
        read[_PRETRAINED] = {"name": pretrained.name, **describe_file(pretrained)}
    texts = {
        NETWORK: dump_settings(network),
        FEATURES: inputs.sets["training"].feature_table,
        METRICS: _json(metrics),
        INPUTS: _json(read),
    }
    texts |= {_manifest_copy(role): _json(shards.manifest) for role, shards in inputs.sets.items()}
    if changes := code_changes():
        texts[CHANGES] = changes + "\n"
    for path, text in texts.items():
        run.log_text(text, path, checked=True)
    run.log_params(parameters(settings))
    run.log_tags({"feature_table": inputs.table.digest, "network": network.name, **code_version()})
    run.log_text(dump_settings(settings), TRAINING, checked=True)  # last: a run that has it can be resumed


def parameters(settings: TrainingSettings) -> dict[str, Any]:
    """Return the settings by their keys, with groups; an attack is one parameter."""
    found = settings.model_dump(mode="json")
    attack = {"attack": found.pop("attack")}
    groups = {
        f"{name}.{key}": value for name, group in found.items() if isinstance(group, dict) for key, value in group.items()
    }
    return {name: value for name, value in found.items() if not isinstance(value, dict)} | groups | attack


def _manifest_copy(role: str) -> str:
    return f"{SHARDS}/{role.replace(' ', '_')}.json"


def require_same_inputs(run: Run, inputs: Inputs) -> None:
    """Check that a resumed run reads what it read before, wherever that is now.

    Raises:
        InputError: naming the sets that differ.
    """
    before, folders = run.read_json(INPUTS, _START_ANEW), inputs.folders()
    differing = [
        f"the {role} set changed since it was started ({_where(role)}: {folders[role]}, digest {_digest(now)}, expected "
        f"{_digest(before.get(role))})"
        for role, now in inputs.description().items()
        if _content(before.get(role)) != _content(now)
    ]
    if differing:
        msg = f"{run.title}: {'; '.join(differing)}; give the path of the one it was started with, or {_START_ANEW}"
        raise InputError(msg)


def require_same_pretrained(run: Run, file: Path) -> None:
    """Check that a resumed run that has no checkpoint yet starts from the model that it started from.

    Raises:
        InputError: if the file has another content.
    """
    before = run.read_json(INPUTS, _START_ANEW).get(_PRETRAINED)
    if before is not None and before.get("checksum") != describe_file(file)["checksum"]:
        msg = (
            f"{run.title}: the pretrained model {file} is not the one it was started with (another checksum); give the path "
            f"of that one (model.pretrained.file=PATH or model.pretrained.mlpath=PATH), or {_START_ANEW}"
        )
        raise InputError(msg)


def _content(description: Any) -> tuple[Any, Any]:
    """Return what identifies the content of an input, without its name."""
    found = description if isinstance(description, dict) else {}
    return found.get("size"), found.get("digest")


def _digest(description: Any) -> str:
    return str(_content(description)[1] or "none")[:12]


def _where(role: str) -> str:
    """Return the setting that names a set."""
    return "data." + ("adv_" if role.startswith("adversarial ") else "") + _WHERE[role.removeprefix("adversarial ")]


def stored_network(run: Run) -> Path:
    """Return the file of the network that a run trains.

    Raises:
        InputError: if it is not there, or damaged.
    """
    return run.require_file(NETWORK, _START_ANEW)


def save_model(run: Run, model: keras.Model) -> Path:
    """Write ``model/model.keras`` and return its path."""
    with run.new_file(MODEL, checked=True) as temporary:
        model.save(temporary)
    return run.artifacts / MODEL


def announcement(inputs: Inputs, model: keras.Model) -> Iterator[str]:
    """Yield lines that say what is read, trained and written."""
    settings = inputs.settings
    yield "inputs"
    for line in inputs.lines():
        yield f"  {line}"
    yield f"feature table '{inputs.table.name}', digest {inputs.table.digest[:12]}"
    yield f"network '{model.name}'"
    for line in network_lines(model):
        yield f"  {line}"
    for title, variables in _groups(model).items():
        if variables:
            yield f"  {title}: {_count(variables):,} trainable parameters"
    yield f"  all: {model.count_params():,} parameters, {_count(model.trainable_variables):,} trainable"
    sizes = [f"{size:,} {part}" for size, part in zip(inputs.batch_sizes.values(), ("class", "adversarial"), strict=False)]
    steps = f"{inputs.steps_per_epoch:,} step{'s' if inputs.steps_per_epoch != 1 else ''}"
    rows = inputs.rows_name if sum(inputs.batch_sizes.values()) != 1 else inputs.rows_name.removesuffix("s")
    yield (
        f"{settings.schedule.n_epochs} x {steps} of {' + '.join(sizes)} {rows}; "
        f"{inputs.n_steps * settings.data.n_class / inputs.sets['training'].num_rows:.1f} passes over the classification set"
    )
    yield from _attack_lines(settings)
    if note := precision_note(settings.model.precision):
        yield note
    output = settings.output
    yield f"runs in {output.mlruns}, experiment '{output.experiment}'"


def _attack_lines(settings: TrainingSettings) -> Iterator[str]:
    attack = settings.acting_attack
    if attack is None:
        if settings.attack is not None:
            yield "the attack of the configuration does NOT act: method nominal, kind none, or eps 0"
        return
    concerned = "every batch" if attack.fraction == 1 else f"{attack.fraction:.0%} of every batch"
    used = "as the loss sees it" if attack.trades_beta is None else f"for TRADES with beta {attack.trades_beta:g}"
    yield f"attack on {concerned}, {used}: {attack.kind}, eps {attack.eps} in units of the {attack.unit}"


def _groups(model: keras.Model) -> dict[str, list[Any]]:
    return {
        "common layers": common_variables(model),
        "class head": class_head_variables(model),
        "adversarial head": adversarial_head_variables(model),
    }


def _count(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1) + "\n"
