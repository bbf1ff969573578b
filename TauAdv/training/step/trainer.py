"""One step of a training, compiled once: gradients, optimisers, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.models.deeptau.losses import adversarial_crossentropy, focal_adversarial_crossentropy
from TauAdv.models.gradient_reversal import set_gradient_scales
from TauAdv.models.replicas import replica_share
from TauAdv.models.scores import class_scores, scoring_model
from TauAdv.models.tagger import Tagger, network_inputs
from TauAdv.models.variables import adversarial_head_variables, class_head_variables, common_variables
from TauAdv.training.devices.devices import ONE_DEVICE, Devices
from TauAdv.training.settings.taus import DomainSettings, TrainingSettings
from TauAdv.training.step import gradients
from TauAdv.training.step.attacked_batches import TrainingAttacks
from TauAdv.training.step.head_steps import FEATURES, adversarial_head, head_gradients, with_features
from TauAdv.training.step.metrics import METRICS, MetricSums, adversarial_metrics, class_metrics
from TauAdv.training.step.nan_guard import NanGuard
from TauAdv.training.step.optimizers import Optimizer, make_optimizer
from TauAdv.training.step.validation import Look

__all__ = ["AdversarialTrainer", "ClassifierTrainer", "Trainer"]

Batch = Mapping[str, tf.Tensor]
_CLASS_COLUMNS: Mapping[str, int | None] = {"y": 0, "weight": None}  # 0: as many as there are classes
_ADVERSARIAL_COLUMNS = {"y_adv": 1, "weight_adv": None}


class Trainer:
    """A model with its optimisers and the compiled functions that train and validate it.

    On several devices, the model must have been built in their :meth:`~TauAdv.training.devices.devices.Devices.scope`.

    Attributes:
        model: the model.
        optimizers: by name; their state is part of a checkpoint.
        guard: tells the first step that was not finite.
        sums: metrics of the training steps since they were last taken.
        validation: metrics of a validation; attacked_validation: those of one under attack, if there is one.
        rows: rows of a training batch, on all devices together.
        devices: where it trains.
    """

    columns: Mapping[str, int | None] = _CLASS_COLUMNS

    def __init__(
        self,
        model: Tagger,
        settings: TrainingSettings,
        devices: Devices = ONE_DEVICE,
        constraints: Constraints | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self.devices = devices
        self.objective = settings.spec.objective(settings)
        self.loss, self.terms = self.objective.loss, self.objective.terms
        self.rows = sum(settings.batch_sizes.values())
        self.attacks = TrainingAttacks.of(model, settings, constraints, self.objective)
        self._forward = scoring_model(model)
        with devices.scope():
            self.optimizers = {"optimizer": self._make_optimizer("optimizer")}
            self.guard = NanGuard()
            self.sums = MetricSums(self.metric_names)
        of_validation = [name for name in self.metric_names if not name.endswith("_gradient") and name != "divergence"]
        self.validation = Look("val_", of_validation, self.objective)
        own = [name for name in of_validation if not name.startswith("adv_")]
        attacked = settings.validation_attack is not None
        self.attacked_validation = Look("val_attacked_", own, self.objective) if attacked else None
        self._functions: dict[str, Any] = {}

    @property
    def validation_sums(self) -> MetricSums:
        """Sums of the metrics of a validation."""
        return self.validation.sums

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics of a step."""
        return [*(name for name in self._names if not name.startswith("adv_")), *self.terms]

    @property
    def _names(self) -> list[str]:
        return [name for name in METRICS if name != "divergence" or self.attacks.trades_beta is not None]

    def _make_optimizer(self, name: str) -> Optimizer:
        settings = self.settings
        variables = [*common_variables(self.model), *class_head_variables(self.model)]
        rates = settings.learning_rate, settings.schedule_decay
        kind, decay = settings.optimizer, settings.average_decay
        return make_optimizer(variables, *rates, settings.clip_norm, name, kind, decay)

    def train(self, batch: Batch | Sequence[Batch], knobs: Mapping[str, float], *, measure_gradients: bool = False) -> None:
        """Do one step.

        Args:
            batch: as the shards deliver it; on several devices, the parts of the replicas of this process.
            knobs: ``learning_rate`` and whatever else changes from step to step.
            measure_gradients: also take the mean gradients of both losses (costs a second backward pass).
        """
        body = self._measured_step if measure_gradients else self._step
        name = body.__name__
        if not self.is_traced(measure_gradients=measure_gradients):
            scalars = {key: tf.TensorSpec((), tf.float32) for key in knobs}
            self._functions[name] = self._compile_for_replicas(body, self.columns, scalars)
        parts = [batch] if isinstance(batch, Mapping) else batch
        selected = [self._select(part, self.columns) for part in parts]
        self._functions[name](selected, {key: tf.constant(value) for key, value in knobs.items()})

    def is_traced(self, *, measure_gradients: bool = False) -> bool:
        """Return whether such a step was done before; the first one takes long, since its graph is made."""
        return (self._measured_step if measure_gradients else self._step).__name__ in self._functions

    def validate_class(self, batch: Batch) -> None:
        """Add a batch of class rows to the metrics of the validation."""
        if "class" not in self._functions:
            self._functions["class"] = self._compile(self._validate_class, _CLASS_COLUMNS)
        self._functions["class"](self._select(batch, _CLASS_COLUMNS))

    def validate_attacked(self, batch: Batch, number: int) -> None:
        """Add a batch of class rows, attacked, to the metrics of the validation under attack.

        Args:
            batch: class rows.
            number: of the batch; with the seed of the training, it decides the random numbers of the attack.
        """
        if "attacked" not in self._functions:
            self._functions["attacked"] = self._compile(self._validate_attacked, _CLASS_COLUMNS, tf.TensorSpec((), tf.int32))
        self._functions["attacked"](self._select(batch, _CLASS_COLUMNS), tf.constant(number, tf.int32))

    def _compile(self, body: Any, columns: Mapping[str, int | None], *scalars: tf.TensorSpec) -> Any:
        return tf.function(body, input_signature=[self._signature(columns), *scalars], autograph=False)

    def _compile_for_replicas(self, body: Any, columns: Mapping[str, int | None], scalars: Mapping[str, Any]) -> Any:
        """Return the compiled function of the parts of a batch, one for each replica of this process."""

        def on_each_replica(parts: Sequence[Batch], knobs: Mapping[str, tf.Tensor]) -> None:
            self.devices.on_each(body, parts, knobs)

        signature = [[self._signature(columns)] * len(self.devices.replicas), scalars]
        return tf.function(on_each_replica, input_signature=signature, autograph=False)

    def _signature(self, columns: Mapping[str, int | None]) -> dict[str, tf.TensorSpec]:
        # one signature for all batches: the number of filled cells varies, and each new shape would be traced again
        signature = {**self.model.input_signature(self.model.network), **self.attacks.masks}
        n_classes = self.model.network.n_classes
        for name, width in columns.items():
            signature[name] = tf.TensorSpec((None,) if width is None else (None, width or n_classes), tf.float32)
        return signature

    def _select(self, batch: Batch, columns: Mapping[str, int | None]) -> dict[str, tf.Tensor]:
        return {**network_inputs(batch), **{name: batch[name] for name in (*self.attacks.masks, *columns)}}

    def _step(self, batch: Batch, knobs: Mapping[str, tf.Tensor]) -> None:
        batch = self.objective.weighted(batch)
        count = self.objective.divisor(batch["weight"], _count(batch["weight"]) * self.devices.n_replicas)
        seen, further = self.attacks.seen(batch, self.guard.step, knobs, self._forward, count)
        result = gradients.classifier_gradients(
            self.model, seen, count, loss=self.loss, forward=self._forward, further=further
        )
        self._update(self.guard.checked(result), knobs)
        measured = {"class_gradient": _same_everywhere(gradients.mean_magnitude(result["gradients"]["common"]))}
        self.sums.add({**self._class_ratios(result, batch, class_scores(result["outputs"])), **measured})

    _measured_step = _step  # one loss: its gradient is there anyway

    def _update(self, by_group: Mapping[str, list[tf.Tensor]], knobs: Mapping[str, tf.Tensor]) -> None:
        optimizer = self.optimizers["optimizer"]
        optimizer.learning_rate = self.guard.rate(knobs["learning_rate"])
        variables = [*common_variables(self.model), *class_head_variables(self.model)]
        optimizer.apply([*by_group["common"], *by_group["class_head"]], variables)

    def _class_ratios(self, result: Mapping[str, Any], batch: Batch, scores: tf.Tensor) -> dict[str, Any]:
        shares = {"loss": result["loss"], "pure_loss": result["pure_loss"], "reg_loss": result["regularisation"]}
        if self.attacks.trades_beta is not None:
            shares["divergence"] = result["further"] / self.attacks.trades_beta
        ratios = {name: (value, replica_share(1.0)) for name, value in shares.items()}
        return {**ratios, **class_metrics(batch["y"], scores, self.terms)}

    def _validate_class(self, batch: Batch) -> None:
        self._look(batch, self.validation)

    def _validate_attacked(self, batch: Batch, number: tf.Tensor) -> None:
        assert self.attacked_validation is not None
        self._look(self.attacks.for_validation(batch, number), self.attacked_validation)

    def _look(self, batch: Batch, look: Look) -> None:
        batch = self.objective.weighted(batch)
        scores = class_scores(self._forward(network_inputs(batch), training=False))
        count = self.objective.divisor(batch["weight"], _count(batch["weight"]))
        pure = gradients.class_loss(self.loss, batch, scores, 1.0)
        penalty = gradients.regularisation(self.model, "common") + gradients.regularisation(self.model, "class_head")
        penalty *= tf.cast(count, penalty.dtype)
        ratios = {"loss": (pure + penalty, count), "pure_loss": (pure, count), "reg_loss": (penalty, count)}
        look.sums.add({**ratios, **class_metrics(batch["y"], scores, self.terms)})
        look.separation.add(batch["y"], scores)


class ClassifierTrainer(Trainer):
    """Training on class rows alone."""


class AdversarialTrainer(Trainer):
    """Training on class rows and adversarial rows together, with an optimiser of its own for the adversarial head."""

    columns = {**_CLASS_COLUMNS, **_ADVERSARIAL_COLUMNS}

    def __init__(
        self,
        model: Tagger,
        settings: DomainSettings,
        devices: Devices = ONE_DEVICE,
        constraints: Constraints | None = None,
    ) -> None:
        super().__init__(model, settings, devices, constraints)
        self.n_class, self.n_adv = settings.n_class, settings.n_adversarial
        gamma = settings.adv_focal_gamma
        self.adversarial_loss = adversarial_crossentropy if gamma is None else focal_adversarial_crossentropy(gamma)
        variables, rates = adversarial_head_variables(model), (settings.adv_learning_rate, settings.adv_schedule_decay)
        with devices.scope():
            self.optimizers["adv_optimizer"] = make_optimizer(
                variables, *rates, settings.clip_norm, "adv_optimizer", settings.optimizer
            )
        self.more_head_steps = settings.adv_head_steps - 1
        if self.more_head_steps:
            self._forward = with_features(model)
        self._head = adversarial_head(model) if self.more_head_steps else None

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics of a step."""
        return [*self._names, *self.terms]

    def validate_adversarial(self, batch: Batch) -> None:
        """Add a batch of adversarial rows to the metrics of the validation."""
        if "adversarial" not in self._functions:
            self._functions["adversarial"] = self._compile(self._validate_adversarial, _ADVERSARIAL_COLUMNS)
        self._functions["adversarial"](self._select(batch, _ADVERSARIAL_COLUMNS))

    def _step(self, batch: Batch, knobs: Mapping[str, tf.Tensor]) -> None:
        set_gradient_scales(self.model, knobs["k1"], knobs["k2"])
        batch, counts, options = self._prepared(batch, knobs)
        result = gradients.adversarial_gradients(self.model, *counts, **options)
        self._update(self.guard.checked(result), knobs)
        self._update_head_further(result["outputs"], batch, knobs)
        self.sums.add(self._paired_ratios(result, batch))

    def _prepared(self, batch: Batch, knobs: Mapping[str, tf.Tensor]) -> tuple[Batch, tuple[Any, ...], dict[str, Any]]:
        """Return the weighted batch; what the network sees and the divisors of both losses; the losses."""
        batch = self.objective.weighted(batch)
        count = self.objective.divisor(batch["weight"], self.n_class)
        count_adv = self.objective.divisor(batch["weight_adv"], self.n_adv)
        seen, further = self.attacks.seen(batch, self.guard.step, knobs, self._forward, count)
        losses = {"loss": self.loss, "adversarial_loss": self.adversarial_loss}
        return batch, (seen, count, count_adv), {**losses, "forward": self._forward, "further": further}

    def _measured_step(self, batch: Batch, knobs: Mapping[str, tf.Tensor]) -> None:
        batch, counts, options = self._prepared(batch, knobs)
        result = gradients.two_tape_gradients(self.model, *counts, k1=knobs["k1"], k2=knobs["k2"], **options)
        by_group = self.guard.checked(result)
        self._update(by_group, knobs)
        self._update_head_further(result["outputs"], batch, knobs)
        measured = {
            "class_gradient": _same_everywhere(gradients.mean_magnitude(by_group["common_class"])),
            "adv_gradient": _same_everywhere(gradients.mean_magnitude(by_group["common_adv"])),
        }
        self.sums.add({**self._paired_ratios(result, batch), **measured})

    def _update(self, by_group: Mapping[str, list[tf.Tensor]], knobs: Mapping[str, tf.Tensor]) -> None:
        super()._update(by_group, knobs)
        optimizer = self.optimizers["adv_optimizer"]
        optimizer.learning_rate = self.guard.rate(knobs["adv_learning_rate"])
        optimizer.apply(by_group["adversarial_head"], adversarial_head_variables(self.model))

    def _update_head_further(self, outputs: Mapping[str, tf.Tensor], batch: Batch, knobs: Mapping[str, tf.Tensor]) -> None:
        """Take the steps of the adversarial head that follow the joint one."""
        variables = adversarial_head_variables(self.model)
        optimizer = self.optimizers["adv_optimizer"]
        for _ in range(self.more_head_steps):
            count = self.objective.divisor(batch["weight_adv"], self.n_adv)
            found = head_gradients(self._head, variables, outputs[FEATURES], batch, count, self.adversarial_loss)
            found = self.guard.checked_further(found)
            optimizer.learning_rate = self.guard.rate(knobs["adv_learning_rate"])
            optimizer.apply(found, variables)

    def _paired_ratios(self, result: Mapping[str, Any], batch: Batch) -> dict[str, Any]:
        n_class = self.n_class // self.devices.n_replicas
        of_class = {key: batch[key][:n_class] for key in ("y", "weight")}
        ratios = self._class_ratios(result, of_class, class_scores(result["outputs"])[:n_class])
        data, weight = batch["y_adv"][n_class:], batch["weight_adv"][n_class:]
        accuracy = adversarial_metrics(data, result["outputs"]["adv_output"][n_class:], weight)
        return {**ratios, "adv_loss": (result["adv_loss"], replica_share(1.0)), **accuracy}

    def _validate_adversarial(self, batch: Batch) -> None:
        batch = self.objective.weighted(batch)
        scores = self._forward(network_inputs(batch), training=False)["adv_output"]
        total = gradients.adversary_loss(self.adversarial_loss, batch, scores, 1.0)
        accuracy = adversarial_metrics(batch["y_adv"], scores, batch["weight_adv"])
        count = self.objective.divisor(batch["weight_adv"], _count(batch["weight_adv"]))
        self.validation.sums.add({"adv_loss": (total, count), **accuracy})


def _same_everywhere(value: tf.Tensor) -> tuple[Any, Any]:
    """Return the ratio of a metric that every replica has worked out for the whole batch."""
    return replica_share(value), replica_share(1.0)


def _count(rows: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.shape(rows)[0], tf.float32)
