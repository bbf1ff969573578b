"""TRADES: the loss of clean inputs, and the divergence of the class probabilities that an attack brings about.

(H. Zhang et al., arXiv:1901.08573.) The attack makes the divergence larger instead of the class loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from TauAdv.attacks.lazy import tf
from TauAdv.training.methods.acting import Acting, Batch, StepView, Surroundings
from TauAdv.training.methods.method import Method

__all__ = ["Trades"]


class Trades(Method):
    """Train with the loss of the clean examples and ``beta`` times the divergence of attacked from clean probabilities.

    Attributes:
        beta: factor of the divergence.
    """

    metrics = {"divergence": "of attacked from clean class probabilities, weighted as the loss (TRADES)"}

    kind: Literal["trades"] = "trades"
    beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    def begin(self, training: Surroundings) -> Acting:
        """Return the method at work."""
        return _Divergence(self.beta, training)


class _Divergence(Acting):
    sees_attacked = False

    def __init__(self, beta: float, training: Surroundings) -> None:
        super().__init__()
        self._beta, self._training = beta, training

    def attack_objective(self, training: bool) -> Callable[[Batch], Any]:
        from TauAdv.attacks.objectives import divergence

        return lambda batch: divergence(self._training.model, batch, training=training)

    def added(self, view: StepView, outputs: Any) -> Any:
        from TauAdv.attacks.objectives import kullback_leibler
        from TauAdv.models.scores import class_scores, log_probabilities
        from TauAdv.models.tagger import network_inputs

        clean, moved = (
            log_probabilities(class_scores(found), are_logits=self._training.objective.are_logits)
            for found in (outputs, view.forward(network_inputs(view.attacked), training=True))
        )
        weights = tf.cast(view.batch["weight"], clean.dtype)
        total = tf.reduce_sum(weights * kullback_leibler(clean, moved))
        return self._beta * total / tf.cast(view.n_class, clean.dtype)

    def ratios(self, view: StepView, outputs: Any, term: Any, n_class_rows: int) -> dict[str, Any]:
        from TauAdv.models.replicas import replica_share

        return {"divergence": (term / self._beta, replica_share(1.0))}

    def not_repeated(self) -> Any:
        yield "the divergence of TRADES, which is not repeated"
