"""Settings of a training: of a classifier, and of an adversarial model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from TauAdv.config import Settings, load_settings
from TauAdv.errors import ConfigError
from TauAdv.models.settings import GridMode
from TauAdv.tracking import find_run
from TauAdv.training.cluster import DeviceChoice
from TauAdv.training.precision import Precision
from TauAdv.training.schedules import K2Schedule, LearningRateSchedule

__all__ = [
    "AdversarialSettings",
    "ClassifierSettings",
    "EarlyStopping",
    "PretrainedSettings",
    "TrainingSettings",
    "comparable",
    "resolved",
    "settings_of_run",
]

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

VALIDATION = ("validation_shards", "validation_fraction", "adv_validation_shards")
SETS = ("shards", "validation_shards", "adv_shards", "adv_validation_shards")

#: Settings that may change when a run is resumed: none of them touches the content of a step.
FREE_ON_RESUME = ("checkpoint_hours", "checkpoint_steps", "devices", "log_steps", "n_epochs")


class PretrainedSettings(Settings):
    """The model to start from: of a run, or of a file.

    Attributes:
        run_id: run whose ``model/model.keras`` is taken.
        mlpath: folder of that run's experiment, or the folder ``mlruns``; without it, ``mlruns`` of the training.
        file: a ``.keras`` file instead of a run.
    """

    run_id: str | None = None
    mlpath: Path | None = None
    file: Path | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if (self.run_id is None) == (self.file is None):
            yield ("run_id", "file"), "give either run_id (with mlpath) or file"

    def input_paths(self) -> dict[str, Path]:
        """Return the file or the folder of the run."""
        paths = {"file": self.file, "mlpath": self.mlpath}
        return {key: path for key, path in paths.items() if path is not None}


class EarlyStopping(Settings):
    """Stop when a metric has not improved for some epochs, and keep the weights of the best epoch.

    Attributes:
        metric: name of an epoch's metric; smaller is better, unless the name ends in ``accuracy``.
        patience: epochs without improvement.
        min_delta: smallest change that counts as an improvement.
        restore_best: end with the best epoch's weights instead of the last one's.
    """

    metric: str = "val_loss"
    patience: Count = 3
    min_delta: NotNegative = 0.0
    restore_best: bool = True


class TrainingSettings(Settings):
    """What every training has in common. Paths are relative to the working folder.

    Attributes:
        shards: classification set.
        validation_shards: classification set to validate on after each epoch.
        validation_fraction: without ``validation_shards``, this share of the set is kept for validation.
        n_tau: class rows per batch.
        n_batches: batches per epoch; ``null``: as many as go once through the classification set.
        n_batches_val: batches of a validation, at most; ``null``: all.
        n_epochs: number of epochs.
        shuffle: draw single taus at random; otherwise in the order of the set.
        network: name of a network that comes with TauAdv, or path of a YAML file; ``null``: that of the pretrained model,
            or ``deeptau_v2p5`` without one.
        features: name or path of the feature table that the shards must have; ``null``: whatever they have.
        loss: class loss, a name of the TauLosses family.
        learning_rate: of the common layers and the class head.
        schedule_decay: how fast Nadam's momentum warms up.
        learning_rate_schedule: how the learning rates change with the steps.
        clip_norm: largest norm of an optimiser's gradients together; ``null``: no limit.
        pretrained: model to start from.
        use_previous_opt: also start from the optimiser state of the pretrained run.
        batch_norm: ``mixed``: batch statistics of all rows of the batch; ``frozen``: the common layers and the class head
            keep the pretrained statistics, scale and offset of their batch normalisation.
        precision: ``float32``; ``mixed_bfloat16``: half-precision products, at some cost in accuracy; ``float64``: slow.
        grid_mode: ``sparse`` or ``dense``; ``null``: as the network says.
        n_empty_rows: rows that stand for the empty cells of a grid (sparse mode); ``null``: as the network says.
        devices: ``one``; ``mirrored``: all GPUs of this machine (without any, its logical CPU devices) share each batch;
            ``multi_worker``: so do the processes that the environment variable TF_CONFIG names.
        early_stopping: when to stop before ``n_epochs``.
        seed: of initial weights, dropout and the order of taus.
        mlruns: folder of the runs.
        experiment: name of the experiment.
        run_name: readable name of the run.
        log_steps: steps between two entries of the metrics per step.
        gradient_steps: steps between two measurements of the mean gradients of the losses on the common layers; 0: never.
        checkpoint_steps: steps between two checkpoints besides those after each epoch; ``null``: none.
        checkpoint_hours: hours between two checkpoints.
    """

    shards: Path
    validation_shards: Path | None = None
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    n_tau: Count = 100
    n_batches: Count | None = None
    n_batches_val: Count | None = None
    n_epochs: Count = 1
    shuffle: bool = True
    network: str | None = None
    features: str | None = None
    loss: str = "tau_crossentropy_v2"
    learning_rate: Rate = 0.001
    schedule_decay: NotNegative = 0.004
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule()
    clip_norm: Rate | None = None
    pretrained: PretrainedSettings | None = None
    use_previous_opt: bool = False
    batch_norm: Literal["mixed", "frozen"] = "mixed"
    precision: Precision = "float32"
    grid_mode: GridMode | None = None
    n_empty_rows: Count | None = None
    devices: DeviceChoice = "one"
    early_stopping: EarlyStopping | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    mlruns: Path = Path("mlruns")
    experiment: str = "tau tagging"
    run_name: str | None = None
    log_steps: Count = 100
    gradient_steps: Annotated[int, Field(ge=0)] = 100
    checkpoint_steps: Count | None = None
    checkpoint_hours: Rate = 12.0

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.use_previous_opt and (self.pretrained is None or self.pretrained.run_id is None):
            message = "use_previous_opt needs pretrained.run_id: only a run keeps the state of its optimiser"
            yield ("use_previous_opt", "pretrained"), message
        if self.batch_norm == "frozen" and self.pretrained is None:
            message = "batch_norm 'frozen' needs a pretrained model: fresh running statistics are not those of any data"
            yield ("batch_norm", "pretrained"), message
        if self.validation_shards is not None and self.validation_fraction:
            yield ("validation_shards", "validation_fraction"), "give validation_shards or validation_fraction, not both"
        if self.early_stopping is not None and self.early_stopping.metric.startswith("val_") and not self.validates:
            message = f"early_stopping on {self.early_stopping.metric} needs validation_shards or validation_fraction"
            yield ("early_stopping", *VALIDATION), message

    def input_paths(self) -> dict[str, Path]:
        """Return the sets of shards, and the files of pretrained model, network and feature table, that are asked for."""
        paths: dict[str, Path] = {}
        for key in SETS:
            if getattr(self, key, None) is not None:
                paths[key] = getattr(self, key)
        for key in ("network", "features"):
            if (name := getattr(self, key)) is not None and Path(name).suffix in {".yaml", ".yml"}:
                paths[key] = Path(name)
        if self.pretrained is not None:
            paths |= {f"pretrained.{key}": path for key, path in self.pretrained.input_paths().items()}
        return paths

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return self.validation_shards is not None or self.validation_fraction > 0


class ClassifierSettings(TrainingSettings):
    """Settings of ``Training/train_classifier.py``; see :class:`TrainingSettings`."""


class AdversarialSettings(TrainingSettings):
    """Settings of ``Training/train_adversarial.py``: those of :class:`TrainingSettings`, and these.

    Attributes:
        adv_shards: adversarial set: data and simulation of the control region.
        adv_validation_shards: adversarial set to validate on.
        n_adv_tau: adversarial rows per batch; need not equal ``n_tau``.
        adv_parameter: k1, k2: the common layers follow k1 dL_class - k2 dL_adv.
        k2_schedule: how k2 grows to its value.
        adv_learning_rate: of the adversarial head.
        adv_schedule_decay: how fast the momentum of the head's optimiser warms up.
        adv_head_steps: updates of the adversarial head per step: the joint one, and further ones of the head alone.
        adv_focal_gamma: exponent of a focal adversarial loss; ``null``: plain cross entropy.
    """

    adv_shards: Path
    adv_validation_shards: Path | None = None
    n_adv_tau: Count = 100
    adv_parameter: tuple[NotNegative, NotNegative] = (1.0, 10.0)
    k2_schedule: K2Schedule = K2Schedule()
    adv_learning_rate: Rate = 0.01
    adv_schedule_decay: NotNegative = 0.004
    adv_head_steps: Count = 1
    adv_focal_gamma: NotNegative | None = None
    experiment: str = "domain adaptation"

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return super().validates or self.adv_validation_shards is not None


def resolved(settings: TrainingSettings) -> TrainingSettings:
    """Return the settings with absolute paths, as a run keeps them."""
    update: dict[str, object] = {}
    for name in (*SETS, "mlruns"):
        if getattr(settings, name, None) is not None:
            update[name] = getattr(settings, name).resolve()
    if settings.pretrained is not None:
        paths = {name: getattr(settings.pretrained, name) for name in ("mlpath", "file")}
        pretrained = {name: path.resolve() for name, path in paths.items() if path is not None}
        update["pretrained"] = settings.pretrained.model_copy(update=pretrained)
    if settings.network is not None and Path(settings.network).suffix in {".yaml", ".yml"}:
        update["network"] = str(Path(settings.network).resolve())
    return settings.model_copy(update=update)


def comparable(settings: TrainingSettings) -> str:
    """Return the settings as text without what names places: these may differ between machines."""
    dumped = settings.model_dump(mode="json", exclude={*SETS, "mlruns", "network", "features", "pretrained"})
    return json.dumps(dumped, sort_keys=True)


Kind = TypeVar("Kind", bound=TrainingSettings)


def settings_of_run(kind: type[Kind], mlpath: Path | str, run_id: str, overrides: Iterable[str] = ()) -> Kind:
    """Return the settings that a run was started with, to resume it.

    Args:
        kind: class of the settings.
        mlpath: folder of the run's experiment, or the folder ``mlruns``.
        run_id: identifier of the run.
        overrides: ``"key=value"``; only of settings that leave the steps as they are (:data:`FREE_ON_RESUME`).

    Raises:
        InputError: if there is no such run.
        ConfigError: if an override would change the steps, or the run is not a training of this kind.
    """
    run = find_run(mlpath, run_id)
    path = run.artifacts / "input_cfg" / "training.yaml"
    if not path.is_file():
        msg = f"run {run_id} ({run.name}) keeps no input_cfg/training.yaml: it is not a training that can be resumed"
        raise ConfigError(msg)
    before = load_settings(kind, path)
    after = load_settings(kind, path, overrides)
    old, new = before.model_dump(), after.model_dump()
    changed = [name for name in old if old[name] != new[name] and name not in FREE_ON_RESUME]
    if changed:
        msg = f"{', '.join(changed)}: cannot change when a run is resumed; possible: {', '.join(FREE_ON_RESUME)}"
        raise ConfigError(msg)
    return after.model_copy(update={"mlruns": run.mlpath.parent})
