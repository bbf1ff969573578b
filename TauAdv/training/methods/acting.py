"""A method at work in one training: what it adds to the compiled steps. In a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from TauAdv.taggers.objective import ClassObjective

__all__ = ["Acting", "Knobs", "StepView", "Surroundings"]

Batch = Mapping[str, Any]
Knobs = Mapping[str, Any]
"""What changes from step to step, by name: learning rates, factors."""


@dataclass(frozen=True)
class Surroundings:
    """What a method is given of the training.

    Attributes:
        model: that is trained.
        objective: of the class head.
        optimizer: (variables, learning rate, schedule decay, name) -> optimiser of the kind that the training asks for.
        n_adv: adversarial rows of a batch, on all devices; 0 if only the class set is read.
    """

    model: Any
    objective: ClassObjective
    optimizer: Callable[[list[Any], float, float, str], Any]
    n_adv: int = 0


@dataclass(frozen=True)
class StepView:
    """One batch, as a method sees it.

    Attributes:
        batch: clean inputs, labels and event weights; in paired batches the domain labels ``y_adv`` [n, 1] (1: data, or the
            second detector) and ``weight_adv`` [n] too, with weight zero for class rows.
        seen: the same with the inputs that the network is given.
        attacked: the same with attacked inputs; the clean ones in a training without attack.
        n_class, n_adv: what sums over class rows, and over adversarial rows, are divided by.
        forward: the network, with all outputs that the methods of the training ask for.
        knobs: what changes from step to step.
    """

    batch: Batch
    seen: Batch
    attacked: Batch
    n_class: Any
    n_adv: Any = None
    forward: Any = None
    knobs: Knobs = field(default_factory=dict)


class Acting:
    """A method in a training, which adds nothing: the base of each, and the whole of method ``none``.

    Attributes:
        optimizers: by name; their state is part of a checkpoint.
        compares_domains: whether :meth:`domain` gives a loss.
        sees_attacked: whether the network is given the attacked batch, in a training against an attack.
        layers_scale: whether layers of the model apply the factors of the gradients on the common layers.
        needs_features: whether the common features are to be among the outputs of the network.
        gradient_metric: name of the mean gradient of :meth:`domain` among the metrics.
    """

    compares_domains = False
    sees_attacked = True
    layers_scale = False
    needs_features = False
    gradient_metric: str | None = None

    def __init__(self) -> None:
        self.optimizers: dict[str, Any] = {}

    def before(self, knobs: Knobs) -> None:
        """Prepare the model for a step."""

    def attack_objective(self, training: bool) -> Callable[[Batch], Any] | None:
        """Return the function from a clean batch to what its attack makes larger; ``None``: the class loss."""
        return None

    def added(self, view: StepView, outputs: Any) -> Any | None:
        """Return what is added to the class loss: the replica's share; ``None``: nothing."""
        return None

    def domain(self, view: StepView, outputs: Any) -> Any | None:
        """Return the loss that compares two domains, before its factor; ``None``: there is none."""
        return None

    def domain_factor(self, knobs: Knobs) -> Any:
        """Return the factor of the gradient of :meth:`domain` on the common layers."""
        return 1.0

    def class_factor(self, knobs: Knobs) -> Any | None:
        """Return the factor of the gradient of the class loss on the common layers; ``None``: it is 1."""
        return None

    def class_layer_factor(self) -> Any | None:
        """Return the same as it is set in the model; ``None``: no layer of the model multiplies the gradient."""
        return None

    def plain_gradients(self) -> AbstractContextManager[Any]:
        """Return the context in which no layer of the model scales or reverses a gradient."""
        return nullcontext()

    def groups(self) -> dict[str, list[Any]]:
        """Return further variables that follow the losses, by the name of their group."""
        return {}

    def update(self, gradients: Mapping[str, list[Any]], view: StepView, outputs: Any, guard: Any) -> None:
        """Take the steps of the method's own optimisers; in a compiled step.

        Args:
            gradients: of all groups, checked.
            view: the step.
            outputs: of the network.
            guard: watches gradients and learning rates (:class:`~TauAdv.training.step.nan_guard.NanGuard`).
        """

    def ratios(self, view: StepView, outputs: Any, term: Any, n_class_rows: int) -> dict[str, Any]:
        """Return the metrics of a step as (numerator, denominator), of this replica.

        Args:
            view: the step.
            outputs: of the network.
            term: what :meth:`added` or :meth:`domain` gave; ``None``: neither gave anything.
            n_class_rows: rows of the batch that come before the adversarial ones.
        """
        return {}

    def validated(self, batch: Batch, outputs: Any) -> dict[str, Any]:
        """Return the metrics of a batch of the adversarial validation set, as (numerator, denominator)."""
        return {}

    def losses_by_row(self, batch: Batch, outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the method's losses of single rows with a name for messages, to search one that is not finite."""
        yield from ()

    def not_repeated(self) -> Iterator[str]:
        """Yield what of a step is left out when it is repeated to search what is not finite."""
        yield from ()
