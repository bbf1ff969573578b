"""One step of a training, compiled once: losses, gradients, optimisers, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.models.replicas import replica_share
from TauAdv.models.scores import class_scores, scoring_model
from TauAdv.models.tagger import Tagger, network_inputs
from TauAdv.models.transfer import copy_state
from TauAdv.models.variables import class_head_variables, common_variables
from TauAdv.training.devices.devices import ONE_DEVICE, Devices
from TauAdv.training.methods.acting import Acting, StepView, Surroundings
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.step.attacked_batches import TrainingAttacks
from TauAdv.training.step.combine import Combined, joint_gradients, mean_magnitude, separate_gradients
from TauAdv.training.step.head_steps import with_features
from TauAdv.training.step.losses import Losses, class_loss, losses_of, regularisation, row_count
from TauAdv.training.step.metrics import MetricSums, class_metrics, metrics_of
from TauAdv.training.step.nan_guard import NanGuard
from TauAdv.training.step.optimizers import Optimizer, make_optimizer
from TauAdv.training.step.validation import Look

__all__ = ["Trainer"]

Batch = Mapping[str, tf.Tensor]
_CLASS_COLUMNS: Mapping[str, int | None] = {"y": 0, "weight": None}  # 0: as many as there are classes
_DOMAIN_COLUMNS: Mapping[str, int | None] = {"y_adv": 1, "weight_adv": None}


class Trainer:
    """A model with its optimisers and the compiled functions that train and validate it, by the methods of the settings.

    On several devices, the model must have been built in their :meth:`~TauAdv.training.devices.devices.Devices.scope`.

    Attributes:
        model: the model.
        own_model: the one that was built for the present training, which differs from ``model`` after :meth:`restart`.
        methods: that are at work.
        optimizers: by name; their state is part of a checkpoint.
        guard: tells the first step that was not finite.
        metrics: those of a step, by name, with their meanings; method_metrics: those of them that methods bring.
        domain_metrics: those that are measured on the adversarial validation set.
        sums: metrics of the training steps since they were last taken.
        validation: metrics of a validation; attacked_validation: those of one under attack, if there is one.
        rows: rows of a training batch, on all devices together.
        devices: where it trains.
    """

    def __init__(
        self,
        model: Tagger,
        settings: TrainingSettings,
        devices: Devices = ONE_DEVICE,
        constraints: Constraints | None = None,
    ) -> None:
        self.model = self.own_model = model
        self.settings = settings
        self.devices = devices
        self.objective = settings.spec.objective(settings)
        self.loss, self.terms = self.objective.loss, self.objective.terms
        data, schedule = settings.data, settings.schedule
        self.rows = sum(data.batch_sizes.values())
        self.n_class, self.n_adv = data.n_class, self.rows - data.n_class
        self.columns = {**_CLASS_COLUMNS, **_DOMAIN_COLUMNS} if settings.reads_domains else _CLASS_COLUMNS
        self.metrics = metrics_of(settings.methods)
        self.method_metrics = [name for method in settings.methods for name in method.metrics]
        names = [*self.metrics, *self.terms]
        with devices.scope():
            variables = [*common_variables(model), *class_head_variables(model)]
            rates = schedule.learning_rate, schedule.schedule_decay
            make = partial(make_optimizer, clip_norm=schedule.clip_norm, kind=schedule.optimizer)
            self.optimizers: dict[str, Optimizer] = {
                "optimizer": make(variables, *rates, name="optimizer", average_decay=schedule.average_decay)
            }
            self.guard = NanGuard()
            self.sums = MetricSums(names)
            self.methods = begun(settings, model, self.objective)
        for method in self.methods:
            self.optimizers |= method.optimizers
        self.attacks = TrainingAttacks.of(model, settings, constraints, self.objective, self.methods)
        self._forward = forward_of(model, self.methods)
        of_class = [name for name in names if name in _OF_VALIDATION or name in self.terms]
        self.domain_metrics = [name for method in settings.methods for name in method.validation_metrics]
        self.validation = Look("val_", [name for name in names if name in {*of_class, *self.domain_metrics}], self.objective)
        attacked = data.validation_attack is not None
        self.attacked_validation = Look("val_attacked_", of_class, self.objective) if attacked else None
        self._functions: dict[str, Any] = {}

    def restart(self, model: Tagger, settings: TrainingSettings) -> None:
        """Begin another training of the same graph, with the functions that are compiled already.

        Args:
            model: as it begins; its weights and random states are copied.
            settings: of the training (:func:`TauAdv.training.run.shared.graph_of` says which ask for the same graph).
        """
        self.settings, self.own_model = settings, model
        copy_state(model, self.model)
        self.attacks.seed.assign(settings.seed)
        for optimizer in self.optimizers.values():
            optimizer.restart()
        self.sums.take()

    def model_to_keep(self) -> Tagger:
        """Return the model for a file; its configuration, with the seeds of its layers, is that of this training."""
        if self.own_model is not self.model:
            copy_state(self.model, self.own_model)
        return self.own_model

    @property
    def validation_sums(self) -> MetricSums:
        """Sums of the metrics of a validation."""
        return self.validation.sums

    def train(self, batch: Batch | Sequence[Batch], knobs: Mapping[str, float], *, measure_gradients: bool = False) -> None:
        """Do one step.

        Args:
            batch: as the shards deliver it; on several devices, the parts of the replicas of this process.
            knobs: ``learning_rate`` and whatever else changes from step to step.
            measure_gradients: also take the mean gradient of each loss (costs a backward pass for each method's loss).
        """
        name = self._step_name(measure_gradients)
        if name not in self._functions:
            scalars = {key: tf.TensorSpec((), tf.float32) for key in knobs}
            body = partial(self._step, measured=name == _MEASURED)
            self._functions[name] = self._compile_for_replicas(body, self.columns, scalars)
        parts = [batch] if isinstance(batch, Mapping) else batch
        selected = [self._select(part, self.columns) for part in parts]
        self._functions[name](selected, {key: tf.constant(value) for key, value in knobs.items()})

    def is_traced(self, *, measure_gradients: bool = False) -> bool:
        """Return whether such a step was done before; the first one takes long, since its graph is made."""
        return self._step_name(measure_gradients) in self._functions

    def _step_name(self, measure_gradients: bool) -> str:
        # with one loss alone, its gradient is there anyway
        return _MEASURED if measure_gradients and any(method.compares_domains for method in self.methods) else _STEP

    def validate_class(self, batch: Batch) -> None:
        """Add a batch of class rows to the metrics of the validation."""
        if "class" not in self._functions:
            self._functions["class"] = self._compile(self._validate_class, _CLASS_COLUMNS)
        self._functions["class"](self._select(batch, _CLASS_COLUMNS))

    def validate_adversarial(self, batch: Batch) -> None:
        """Add a batch of adversarial rows to the metrics of the validation."""
        if "adversarial" not in self._functions:
            self._functions["adversarial"] = self._compile(self._validate_adversarial, _DOMAIN_COLUMNS)
        self._functions["adversarial"](self._select(batch, _DOMAIN_COLUMNS))

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

    def view_of(self, batch: Batch, attacked: Batch, knobs: Mapping[str, Any]) -> StepView:
        """Return a batch, with the weights that count, as the methods see it."""
        if self.settings.reads_domains:
            n_class = self.objective.divisor(batch["weight"], self.n_class)
            n_adv = self.objective.divisor(batch["weight_adv"], self.n_adv)
        else:
            n_class = self.objective.divisor(batch["weight"], row_count(batch["weight"]) * self.devices.n_replicas)
            n_adv = None
        seen = attacked if all(method.sees_attacked for method in self.methods) else batch
        return StepView(batch, seen, attacked, n_class, n_adv, self._forward, knobs)

    def combined(self, view: StepView, *, measured: bool = False) -> Combined:
        """Return the losses of a batch, and their gradients."""

        def compute() -> Losses:
            return losses_of(self.model, view, self.methods, self.loss, forward=self._forward)

        combine = separate_gradients if measured else joint_gradients
        return combine(self.model, compute, self.methods, view.knobs)

    def _step(self, batch: Batch, knobs: Mapping[str, tf.Tensor], *, measured: bool = False) -> None:
        for method in self.methods:
            method.before(knobs)
        batch = self.objective.weighted(batch)
        view = self.view_of(batch, self.attacks.attacked(batch, self.guard.step, knobs), knobs)
        found = self.combined(view, measured=measured)
        gradients = self.guard.checked(found)
        self._update(gradients, knobs)
        for method in self.methods:
            method.update(gradients, view, found.losses.outputs, self.guard)
        self.sums.add({**self._ratios(found.losses, view), **self._mean_gradients(found)})

    def _mean_gradients(self, found: Combined) -> dict[str, Any]:
        """Return the metrics of the gradients of single losses on the common layers, as far as they were worked out."""
        if found.losses.domain and not found.of_domain:
            return {}
        measured = {"class_gradient": _same_everywhere(mean_magnitude(found.of_class))}
        for (method, _), gradients in zip(found.losses.domain, found.of_domain, strict=True):
            if method.gradient_metric is not None:
                measured[method.gradient_metric] = _same_everywhere(mean_magnitude(gradients))
        return measured

    def _update(self, by_group: Mapping[str, list[tf.Tensor]], knobs: Mapping[str, tf.Tensor]) -> None:
        optimizer = self.optimizers["optimizer"]
        optimizer.learning_rate = self.guard.rate(knobs["learning_rate"])
        variables = [*common_variables(self.model), *class_head_variables(self.model)]
        optimizer.apply([*by_group["common"], *by_group["class_head"]], variables)

    def _ratios(self, losses: Losses, view: StepView) -> dict[str, Any]:
        shares = {"loss": losses.loss, "pure_loss": losses.pure, "reg_loss": losses.penalty}
        ratios = {name: (value, replica_share(1.0)) for name, value in shares.items()}
        # rows of the class set come first
        rows = slice(self.n_class // self.devices.n_replicas if self.settings.reads_domains else None)
        ratios |= class_metrics(view.batch["y"][rows], class_scores(losses.outputs)[rows], self.terms)
        terms = dict([*losses.added, *losses.domain])
        for method in self.methods:
            ratios |= method.ratios(view, losses.outputs, terms.get(method), rows.stop)
        return ratios

    def _validate_class(self, batch: Batch) -> None:
        self._look(batch, self.validation)

    def _validate_adversarial(self, batch: Batch) -> None:
        batch = self.objective.weighted(batch)
        outputs = self._forward(network_inputs(batch), training=False)
        found: dict[str, Any] = {}
        for method in self.methods:
            found |= method.validated(batch, outputs)
        self.validation.sums.add(found)

    def _validate_attacked(self, batch: Batch, number: tf.Tensor) -> None:
        assert self.attacked_validation is not None
        self._look(self.attacks.for_validation(batch, number), self.attacked_validation)

    def _look(self, batch: Batch, look: Look) -> None:
        batch = self.objective.weighted(batch)
        scores = class_scores(self._forward(network_inputs(batch), training=False))
        count = self.objective.divisor(batch["weight"], row_count(batch["weight"]))
        pure = class_loss(self.loss, batch, scores, 1.0)
        penalty = regularisation(self.model, "common") + regularisation(self.model, "class_head")
        penalty *= tf.cast(count, penalty.dtype)
        ratios = {"loss": (pure + penalty, count), "pure_loss": (pure, count), "reg_loss": (penalty, count)}
        look.sums.add({**ratios, **class_metrics(batch["y"], scores, self.terms)})
        look.separation.add(batch["y"], scores)


_STEP, _MEASURED = "step", "measured step"
_OF_VALIDATION = {"loss", "pure_loss", "reg_loss", "accuracy"}


def begun(settings: TrainingSettings, model: Tagger, objective: Any) -> list[Acting]:
    """Return the methods of the settings, at work on a model."""
    schedule, sizes = settings.schedule, settings.data.batch_sizes
    make = partial(make_optimizer, clip_norm=schedule.clip_norm, kind=schedule.optimizer)

    def optimizer(variables: list[Any], rate: float, decay: float, name: str) -> Optimizer:
        return make(variables, rate, decay, name=name)

    surroundings = Surroundings(model, objective, optimizer, sum(sizes.values()) - settings.data.n_class)
    return [method.begin(surroundings) for method in settings.methods]


def forward_of(model: Tagger, methods: Sequence[Acting]) -> Any:
    """Return the scoring model, with the common features among its outputs if a method asks for them."""
    return with_features(model) if any(method.needs_features for method in methods) else scoring_model(model)


def _same_everywhere(value: tf.Tensor) -> tuple[Any, Any]:
    """Return the ratio of a metric that every replica has worked out for the whole batch."""
    return replica_share(value), replica_share(1.0)
