"""The attack that a tagger is trained against, and how its examples enter the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from TauAdv.attacks.options import AttackSettings
from TauAdv.config.quantities import NotNegative

__all__ = ["TrainingAttack"]


class TrainingAttack(AttackSettings):
    """An attack, made anew on every batch with the weights of the moment; and what the loss sees of it.

    By default every batch is replaced by its attacked version (arXiv:2203.13890). See
    :class:`~TauAdv.attacks.options.AttackSettings` for ``kind``, ``eps`` (0: no
    attack, the training is a nominal one), ``training`` and the limits.

    Attributes:
        fraction: of the examples that are attacked, chosen at random in every batch; the others stay clean.
        trades_beta: instead of the loss of attacked examples, train with the loss of the clean ones and this many times the
            divergence of the attacked from the clean probabilities (TRADES, arXiv:1901.08573).
        strength: ``full``: attacked examples move by eps; ``uniform``: each by a share of eps, drawn between 0 and 1 anew in
            every batch.
        warmup_epochs: epochs over which eps grows from 0 to its value.
    """

    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    trades_beta: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    strength: Literal["full", "uniform"] = "full"
    warmup_epochs: NotNegative = 0.0

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        yield from super().contradictions()
        if self.trades_beta is None:
            return
        if self.fraction < 1:
            yield (
                ("trades_beta", "fraction"),
                "trades_beta: TRADES sees every example clean and attacked; leave fraction out",
            )
        if self.starts_at_clean_inputs:
            message = "trades_beta: the divergence has no slope at the clean inputs; take kind pgd with random_start"
            yield ("trades_beta", "kind", "random_start"), message
