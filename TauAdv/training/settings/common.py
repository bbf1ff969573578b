"""What the settings of all trainings have in common, whatever they train."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator

from TauAdv.attacks.options import AttackSettings
from TauAdv.config import Settings
from TauAdv.config.durations import Hours
from TauAdv.errors import nearest
from TauAdv.taggers.registry import tagger, taggers
from TauAdv.taggers.spec import TaggerSpec
from TauAdv.training.devices.cluster import DeviceChoice
from TauAdv.training.methods.method import Method
from TauAdv.training.methods.registry import DEFAULT_KIND, method_class
from TauAdv.training.methods.trades import Trades
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.by_method import without_settings
from TauAdv.training.settings.key_hints import home_of
from TauAdv.training.settings.numbers import Count, NotNegative, Rate
from TauAdv.training.settings.precision import Precision
from TauAdv.training.settings.schedules import LearningRateSchedule

__all__ = [
    "FREE_ON_RESUME",
    "PLACES",
    "SETS",
    "DomainRows",
    "EarlyStopping",
    "PretrainedSettings",
    "TrainingSettings",
]

VALIDATION = ("validation_shards", "validation_fraction", "adv_validation_shards")
SETS = ("shards", "validation_shards", "adv_shards", "adv_validation_shards")

#: Settings that may change when a run is resumed: none of them touches the content of a step.
_ONLY_LOOKED_AT = ("system_metrics", "tensorboard")
FREE_ON_RESUME = (
    "checkpoint_hours",
    "checkpoint_steps",
    "devices",
    "early_stopping",
    "log_steps",
    "n_epochs",
    *_ONLY_LOOKED_AT,
)
#: Settings that say where something is: that may change, too, what is found there may not.
PLACES = (*SETS, "pretrained.file", "pretrained.mlpath")


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
        metric: name of an epoch's metric; smaller is better, except of accuracies and areas under a
            ROC curve (``auc``).
        patience: epochs without improvement.
        min_delta: smallest change that counts as an improvement.
        restore_best: end with the best epoch's weights instead of the last one's.
    """

    metric: str = "val_loss"
    patience: Count = 3
    min_delta: NotNegative = 0.0
    restore_best: bool = True

    @property
    def larger_is_better(self) -> bool:
        """Whether the metric is one that should grow."""
        return self.metric.endswith("accuracy") or "auc_" in self.metric

    def is_over(self, epoch: int, best_epoch: int) -> bool:
        """Return whether the best epoch is too long ago."""
        return epoch - best_epoch >= self.patience


class TrainingSettings(Settings):
    """What every training has in common. Paths are relative to the working folder.

    Attributes:
        tagger: name of the tagger, ``deeptau``, ``jet_flavour``, or one that another package brings.
        method: ``none``: the class loss alone; ``reversal``, ``mmd``: the same features in two domains; or one that another
            package brings.
        rows: type of the rows that the training reads (no setting: it belongs to the class).
        class_size_key: name of the setting that tells the class rows per batch.
        shards: classification set.
        validation_shards: classification set to validate on after each epoch.
        validation_fraction: without ``validation_shards``, this share of the set is kept for validation.
        n_batches: batches per epoch; ``null``: as many as go once through the classification set.
        n_batches_val: batches of a validation, at most; ``null``: all.
        n_epochs: number of epochs.
        shuffle: draw single rows at random; otherwise in the order of the set.
        network: name of a network that comes with TauAdv, or path of a YAML file; ``null``: that of the pretrained model,
            or without one that of the kind of tagger (``deeptau_v2p5``, ``jet_flavour``).
        attack: attack on the inputs that the tagger is trained against; ``null``: none.
        validation_attack: attack under which the validation set is looked at, too (metrics ``val_attacked_...``).
        validation_attack_epochs: epochs from one such look to the next.
        optimizer: ``nadam`` or ``adam``.
        learning_rate: of the common layers and the class head.
        schedule_decay: how fast Nadam's momentum warms up.
        learning_rate_schedule: how the learning rates change with the steps.
        clip_norm: largest norm of an optimiser's gradients together; ``null``: no limit.
        pretrained: model to start from.
        use_previous_opt: also start from the optimiser state of the pretrained run.
        precision: ``float32``; ``mixed_bfloat16``: half-precision products, at some cost in accuracy; ``float64``: slow.
        devices: ``one``; ``mirrored``: all GPUs of this machine (without any, its logical CPU devices) share each batch;
            ``multi_worker``: so do the processes that the environment variable TF_CONFIG names.
        early_stopping: when to stop before ``n_epochs``.
        seed: of initial weights, dropout, the order of rows and random attacks.
        mlruns: folder of the runs.
        experiment: name of the experiment.
        run_name: readable name of the run.
        log_steps: steps between two entries of the metrics per step.
        gradient_steps: steps between two measurements of the mean gradients of the losses on the common layers; 0: never.
        checkpoint_steps: steps between two checkpoints besides those after each epoch; ``null``: none.
        checkpoint_hours: hours between two checkpoints; also HH:MM:SS.
        system_metrics: also log processor time and memory of the process, and of GPUs.
        tensorboard: also write the metrics for TensorBoard.
    """

    rows: ClassVar[str]
    class_size_key: ClassVar[str]

    tagger: str
    method: Annotated[str, PlainValidator(without_settings)] = DEFAULT_KIND
    shards: Path
    validation_shards: Path | None = None
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    n_batches: Count | None = None
    n_batches_val: Count | None = None
    n_epochs: Count = 1
    shuffle: bool = True
    network: str | None = None
    attack: TrainingAttack | None = None
    validation_attack: AttackSettings | None = None
    validation_attack_epochs: Count = 1
    optimizer: Literal["nadam", "adam"] = "nadam"
    learning_rate: Rate = 0.001
    schedule_decay: NotNegative = 0.004
    learning_rate_schedule: LearningRateSchedule = LearningRateSchedule()
    clip_norm: Rate | None = None
    pretrained: PretrainedSettings | None = None
    use_previous_opt: bool = False
    precision: Precision = "float32"
    devices: DeviceChoice = "one"
    early_stopping: EarlyStopping | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    mlruns: Path = Path("mlruns")
    experiment: str = "training"
    run_name: str | None = None
    log_steps: Count = 100
    gradient_steps: Annotated[int, Field(ge=0)] = 100
    checkpoint_steps: Count | None = None
    checkpoint_hours: Hours = 12.0
    system_metrics: bool = True
    tensorboard: bool = False

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """Return which other training has a key."""
        return home_of(key, cls.rows)

    @property
    def spec(self) -> TaggerSpec:
        """The tagger to train."""
        return tagger(self.tagger)

    @property
    def n_rows(self) -> int | None:
        """Rows of the training set to use; ``None``: all."""
        return None

    @property
    def named_loss(self) -> str | None:
        """Name of a loss that may compare some of the classes only; ``None``: it compares all."""
        return None

    @property
    def keeps_statistics(self) -> bool:
        """Whether the batch normalisations of the common layers and the class head stay as they are."""
        return False

    def feature_table(self) -> Any:
        """Return the feature table that the shards must have; ``None``: whatever they have.

        Raises:
            InputError: if there is no such table.
        """
        return None

    def adapted(self, network: Any) -> Any:
        """Return the network that is trained, from the one that is named."""
        return network

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        known = [spec.name for spec in taggers().values() if spec.rows == self.rows]
        if self.tagger not in known:
            yield (
                ("tagger",),
                f"tagger '{self.tagger}'{nearest(self.tagger, known)}: of {self.rows} there are {', '.join(known)}",
            )
        reason = method_class(self.method).one_device_only
        if reason is not None and self.devices != "one":
            yield ("method", "devices"), f"method '{self.method}': on one device only: {reason}"
        if self.use_previous_opt and (self.pretrained is None or self.pretrained.run_id is None):
            message = "use_previous_opt needs pretrained.run_id: only a run keeps the state of its optimiser"
            yield ("use_previous_opt", "pretrained"), message
        if self.validation_shards is not None and self.validation_fraction:
            yield ("validation_shards", "validation_fraction"), "give validation_shards or validation_fraction, not both"
        stopping = self.early_stopping
        if stopping is not None and stopping.metric.startswith("val_") and not self.validates:
            message = f"early_stopping on {stopping.metric} needs validation_shards or validation_fraction"
            yield ("early_stopping", *VALIDATION), message
        if self.validation_attack is not None and not self.validates:
            yield ("validation_attack", *VALIDATION), "validation_attack needs validation_shards or validation_fraction"
        if stopping is not None and stopping.metric.startswith("val_attacked_") and self.validation_attack_epochs > 1:
            message = f"early_stopping on {stopping.metric} needs it after every epoch: validation_attack_epochs: 1"
            yield ("early_stopping", "validation_attack_epochs"), message

    def input_paths(self) -> dict[str, Path]:
        """Return the sets of shards, and the files of pretrained model, network and feature table, that are asked for."""
        paths: dict[str, Path] = {}
        for key in SETS:
            if getattr(self, key, None) is not None:
                paths[key] = getattr(self, key)
        for key in ("network", "features"):
            if (name := getattr(self, key, None)) is not None and Path(name).suffix in {".yaml", ".yml"}:
                paths[key] = Path(name)
        if self.pretrained is not None:
            paths |= {f"pretrained.{key}": path for key, path in self.pretrained.input_paths().items()}
        return paths

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return self.validation_shards is not None or self.validation_fraction > 0

    @property
    def n_class(self) -> int:
        """Class rows per batch."""
        return int(getattr(self, self.class_size_key))

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Rows of a training batch, by the setting that tells them: of the class set first."""
        return {self.class_size_key: self.n_class}

    @property
    def average_decay(self) -> float | None:
        """Decay per step of a moving average of the weights; ``None``: none is kept."""
        return None

    @property
    def methods(self) -> tuple[Method, ...]:
        """What is done beyond making the class loss smaller; those that add to it come first."""
        chosen = method_class(self.method)
        own = chosen(**{key: getattr(self, key) for key in chosen.model_fields})
        beta = None if self.acting_attack is None else self.acting_attack.trades_beta
        return (own,) if beta is None else (Trades(beta=beta), own)

    @classmethod
    def with_domains(cls) -> Any:
        """Return the class with the settings of rows of two domains."""
        raise NotImplementedError(cls.__name__)

    @property
    def domain_sets(self) -> tuple[Path, Path | None] | None:
        """The set of two domains, and the one to validate on; ``None``: none is read."""
        return None

    @property
    def command(self) -> str:
        """Command that starts such a training, a key of :data:`TauAdv.commands.SCRIPTS`."""
        return self.spec.trained_by[-1 if self.reads_domains else 0]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of a run that say what was trained, and how."""
        return {"kind": "training", "tagger": self.tagger, "method": self.method}

    @property
    def needs_head(self) -> bool:
        """Whether the network has an adversarial head."""
        return any(method.needs_head for method in self.methods)

    @property
    def reads_domains(self) -> bool:
        """Whether a second set, of two domains, is read with every batch."""
        return any(method.reads_domains for method in self.methods)

    @property
    def acting_attack(self) -> TrainingAttack | None:
        """The attack that is trained against; ``None`` in a training without one."""
        return self.attack if self.attack is not None and self.attack.acts else None


class DomainRows(TrainingSettings):
    """What all trainings have in common that read rows of two domains with every batch.

    Attributes:
        adversary_size_key: name of the setting that tells the adversarial rows per batch.
        adv_shards: adversarial set: data and simulation of the control region, or jets of two detectors.
        adv_validation_shards: adversarial set to validate on.
    """

    adversary_size_key: ClassVar[str]

    adv_shards: Path
    adv_validation_shards: Path | None = None

    @property
    def validates(self) -> bool:
        """Whether there is a validation after each epoch."""
        return super().validates or self.adv_validation_shards is not None

    @property
    def domain_sets(self) -> tuple[Path, Path | None] | None:
        """The set of two domains, and the one to validate on."""
        return self.adv_shards, self.adv_validation_shards

    @property
    def n_adversarial(self) -> int:
        """Adversarial rows per batch."""
        return int(getattr(self, self.adversary_size_key))

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Rows of a training batch, by the setting that tells them: of the class set first."""
        return {**super().batch_sizes, self.adversary_size_key: self.n_adversarial}
