"""Gradient reversal: an adversarial head learns to tell two domains apart, and the common features to prevent it.

(Y. Ganin and V. Lempitsky, arXiv:1409.7495.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import Field, model_validator

from TauAdv.config.quantities import Count
from TauAdv.config.scalars import Written, is_null
from TauAdv.training.methods.acting import Acting, Batch, Knobs, StepView, Surroundings
from TauAdv.training.methods.method import Method
from TauAdv.training.schedules.k2 import K2Schedule
from TauAdv.training.settings.numbers import Factor, Rate

__all__ = ["Reversal"]


class Reversal(Method):
    """The common layers follow k1 dL_class - k2 dL_adv, each head its own loss.

    Attributes:
        adv_parameter: k1, k2: the common layers follow k1 dL_class - k2 dL_adv.
        k2: the second number of ``adv_parameter`` alone, in its place; both from one place (a file, or one
            command line) are refused, else the one on the command line counts.
        k2_schedule: how k2 grows to its value.
        adv_learning_rate: of the adversarial head.
        adv_schedule_decay: how fast the momentum of the head's optimiser warms up.
        adv_head_steps: updates of the adversarial head per step: the joint one, and further ones of the head alone.
        adv_focal_gamma: exponent of a focal adversarial loss; ``null``: plain cross entropy.
    """

    reads_domains = True
    needs_head = True
    former_names = ("domain",)
    metrics = {
        "adv_loss": "sum of weight x cross entropy of data against simulation over adversarial rows / their number",
        "adv_accuracy": "share of the weight of adversarial rows on the right side of y_adv = 0.5",
    }
    validation_metrics = ("adv_loss", "adv_accuracy")
    gradient_metrics = {
        "adv_gradient": "mean over common variables of the mean |gradient| of the adversarial loss, before k2"
    }
    per_step = ("adv_parameter", "k2_schedule", "adv_learning_rate")

    kind: Literal["reversal"] = "reversal"
    adv_parameter: tuple[Factor, Factor] = (1.0, 10.0)
    k2: Factor | None = Field(default=None, exclude=True)
    k2_schedule: K2Schedule = K2Schedule()
    adv_learning_rate: Rate = 0.01
    adv_schedule_decay: Factor = 0.004
    adv_head_steps: Count = 1
    adv_focal_gamma: Factor | None = None

    @model_validator(mode="before")
    @classmethod
    def _typed_before_written(cls, given: Any) -> Any:
        """Leave out the ``k2`` of a file where ``adv_parameter`` is typed; refuse both from one place."""
        both = {"k2", "adv_parameter"}
        if not isinstance(given, Mapping) or not both <= {key for key, value in given.items() if not is_null(value)}:
            return given
        typed = {key for key in both if not _is_of_file(given[key])}
        if typed == {"adv_parameter"}:
            return {key: value for key, value in given.items() if key != "k2"}
        if typed != {"k2"}:
            msg = "k2 and adv_parameter both say how strong the adversary is; leave one out"
            raise ValueError(msg)
        return given

    @model_validator(mode="after")
    def _one_home_of_k2(self) -> Reversal:
        """Move ``k2`` into ``adv_parameter``, so that equal settings are equal however they were written."""
        if self.k2 is not None:
            self.__dict__ |= {"adv_parameter": (self.adv_parameter[0], self.k2), "k2": None}
        return self

    def begin(self, training: Surroundings) -> Acting:
        """Return the method at work."""
        return _Opposed(self, training)

    def knobs(self, step: int, n_steps: int, rate: float) -> dict[str, float]:
        """Return k1, k2 and the learning rate of the head."""
        k1, k2 = self.adv_parameter
        found = {"adv_learning_rate": self.adv_learning_rate * rate}
        return {**found, "k1": k1, "k2": k2 * self.k2_schedule.factor(step, n_steps)}


def _is_of_file(value: Any) -> bool:
    """Return whether a value, or one of a list, stands in a file."""
    if isinstance(value, list | tuple):
        return any(_is_of_file(one) for one in value)
    return isinstance(value, Written) and value.line is not None


class _Opposed(Acting):
    compares_domains = True
    layers_scale = True
    gradient_metric = "adv_gradient"

    def __init__(self, method: Reversal, training: Surroundings) -> None:
        from TauAdv.models.deeptau.losses import adversarial_crossentropy, focal_adversarial_crossentropy
        from TauAdv.models.variables import adversarial_head_variables
        from TauAdv.training.step.head_steps import adversarial_head

        super().__init__()
        gamma = method.adv_focal_gamma
        self.loss = adversarial_crossentropy if gamma is None else focal_adversarial_crossentropy(gamma)
        self._training, self._model = training, training.model
        self._variables = adversarial_head_variables(self._model)
        rates = method.adv_learning_rate, method.adv_schedule_decay
        self.optimizers = {"adv_optimizer": training.optimizer(self._variables, *rates, "adv_optimizer")}
        self.more_head_steps = method.adv_head_steps - 1
        self.needs_features = self.more_head_steps > 0
        self._head = adversarial_head(self._model) if self.needs_features else None

    def before(self, knobs: Knobs) -> None:
        from TauAdv.models.gradient_reversal import set_gradient_scales

        set_gradient_scales(self._model, knobs["k1"], knobs["k2"])

    def domain(self, view: StepView, outputs: Any) -> Any:
        from TauAdv.training.step.losses import adversary_loss

        return adversary_loss(self.loss, view.seen, outputs["adv_output"], view.n_adv)

    def domain_factor(self, knobs: Knobs) -> Any:
        return -knobs["k2"]

    def class_factor(self, knobs: Knobs) -> Any:
        return knobs["k1"]

    def class_layer_factor(self) -> Any:
        from TauAdv.models.gradient_reversal import CLASS_GRADIENT

        return self._model.get_layer(CLASS_GRADIENT).scale

    @contextmanager
    def plain_gradients(self) -> Iterator[None]:
        from TauAdv.models.gradient_reversal import ADVERSARIAL_GRADIENT, CLASS_GRADIENT, set_gradient_scales

        scales = [self._model.get_layer(name).scale.read_value() for name in (CLASS_GRADIENT, ADVERSARIAL_GRADIENT)]
        set_gradient_scales(self._model, 1.0, -1.0)  # plain gradients through both branches
        try:
            yield
        finally:
            set_gradient_scales(self._model, *scales)

    def groups(self) -> dict[str, list[Any]]:
        return {"adversarial_head": self._variables}

    def update(self, gradients: Mapping[str, list[Any]], view: StepView, outputs: Any, guard: Any) -> None:
        self._apply(gradients["adversarial_head"], view.knobs, guard)
        for _ in range(self.more_head_steps):
            self._update_head_further(view, outputs, guard)

    def _apply(self, gradients: list[Any], knobs: Knobs, guard: Any) -> None:
        optimizer = self.optimizers["adv_optimizer"]
        optimizer.learning_rate = guard.rate(knobs["adv_learning_rate"])
        optimizer.apply(gradients, self._variables)

    def _update_head_further(self, view: StepView, outputs: Any, guard: Any) -> None:
        """Take a step of the adversarial head that follows the joint one."""
        from TauAdv.training.step.head_steps import FEATURES, head_gradients

        count = self._training.objective.divisor(view.batch["weight_adv"], self._training.n_adv)
        found = head_gradients(self._head, self._variables, outputs[FEATURES], view.batch, count, self.loss)
        self._apply(guard.checked_further(found), view.knobs, guard)

    def ratios(self, view: StepView, outputs: Any, term: Any, n_class_rows: int) -> dict[str, Any]:
        from TauAdv.models.replicas import replica_share
        from TauAdv.training.step.metrics import adversarial_metrics

        labels, weights = view.batch["y_adv"][n_class_rows:], view.batch["weight_adv"][n_class_rows:]
        accuracy = adversarial_metrics(labels, outputs["adv_output"][n_class_rows:], weights)
        return {"adv_loss": (term, replica_share(1.0)), **accuracy}

    def validated(self, batch: Batch, outputs: Any) -> dict[str, Any]:
        from TauAdv.training.step.losses import adversary_loss, row_count
        from TauAdv.training.step.metrics import adversarial_metrics

        total = adversary_loss(self.loss, batch, outputs["adv_output"], 1.0)
        accuracy = adversarial_metrics(batch["y_adv"], outputs["adv_output"], batch["weight_adv"])
        divisor = self._training.objective.divisor(batch["weight_adv"], row_count(batch["weight_adv"]))
        return {"adv_loss": (total, divisor), **accuracy}

    def losses_by_row(self, batch: Batch, outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        labels, scores = batch["y_adv"], outputs["adv_output"]
        yield "adversarial loss", self.loss(labels, scores) * batch["weight_adv"]

    def not_repeated(self) -> Iterator[str]:
        if self.more_head_steps:
            yield "the further steps of the adversarial head (adv_head_steps), which are not repeated"
