"""The attacked versions of batches, made within a compiled step with the weights of the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from TauAdv.attacks.constraints.constraints import Batch, Constraints
from TauAdv.attacks.objectives import Objective, label_loss
from TauAdv.attacks.options import AttackSettings
from TauAdv.attacks.settings import make_attack
from TauAdv.errors import ConfigError
from TauAdv.taggers.objective import ClassObjective
from TauAdv.training.methods.acting import Acting
from TauAdv.training.settings.attack import TrainingAttack
from TauAdv.training.settings.common import TrainingSettings

__all__ = ["STRENGTH", "AttackedBatches", "TrainingAttacks"]

STRENGTH = "attack_strength"
"""Name of the knob that multiplies eps while it grows."""

_CHOICE = 1_000_003  # tells the choice of attacked rows from the random numbers of the attack itself


class AttackedBatches:
    """A function from a batch to its attacked version.

    Only rows with a label move: not those of the adversarial set, nor the clean part of a mixed batch.

    Args:
        model: that is attacked.
        settings: the attack, and how much of a batch it concerns.
        constraints: facts about the inputs.
        objective: class loss of the training.
        methods: one of which may make something else larger than the class loss.

    Raises:
        ConfigError: if the attack does not fit the inputs.
    """

    def __init__(
        self,
        model: Any,
        settings: AttackSettings,
        constraints: Constraints,
        objective: ClassObjective,
        methods: Sequence[Acting] = (),
    ) -> None:
        self.settings = settings
        self._attack = make_attack(settings, constraints)
        self._fraction = settings.fraction if isinstance(settings, TrainingAttack) else 1.0
        self._uniform = isinstance(settings, TrainingAttack) and settings.strength == "uniform"
        self._objective_on = _objectives(model, settings, objective, methods)

    def __call__(self, batch: Batch, seed: tf.Tensor, strength: tf.Tensor | None = None) -> Batch:
        """Return the attacked batch.

        Args:
            batch: network inputs, masks, ``y``.
            seed: two whole numbers [2], others in every step and replica.
            strength: multiplies eps.
        """
        paired = "y_adv" in batch
        rows = tf.reduce_sum(batch["y"], axis=1) if paired or self._fraction < 1 or self._uniform else None
        if rows is not None and (self._fraction < 1 or self._uniform):
            rows *= tf.cast(self._shares(tf.shape(rows), seed), rows.dtype)
        if rows is not None:
            strength = rows if strength is None else rows * strength
        return self._attack(self._objective_on(batch), batch, seed, strength)

    def _shares(self, shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the share of eps that each row moves by: 0 for those that stay clean."""
        drawn = tf.random.stateless_uniform(shape, tf.random.experimental.stateless_fold_in(seed, _CHOICE))
        # given that it is below the fraction, the number over the fraction is uniform between 0 and 1
        share = drawn / self._fraction if self._uniform else tf.ones_like(drawn)
        return tf.where(drawn < self._fraction, share, tf.zeros_like(share))


def _objectives(
    model: Any, settings: AttackSettings, objective: ClassObjective, methods: Sequence[Acting]
) -> Callable[[Batch], Objective]:
    """Return the function from a clean batch to what its attack makes larger."""
    for method in methods:
        if (own := method.attack_objective(settings.training)) is not None:
            return own
    of_labels = label_loss(model, objective.loss, training=settings.training)
    return lambda batch: of_labels


@dataclass(frozen=True)
class TrainingAttacks:
    """The attacks of a training: on its batches, and on those of its validation.

    Attributes:
        constraints: facts about the inputs; ``None`` if nothing is attacked.
        objective: class loss.
        seed: of the training; a variable, so that another training of the same graph can set its own.
        training: makes the attacked training batches; ``None``: they stay clean.
        validation: makes the attacked validation batches.
    """

    constraints: Constraints | None
    objective: ClassObjective
    seed: tf.Variable
    training: AttackedBatches | None
    validation: AttackedBatches | None

    @classmethod
    def of(
        cls,
        model: Any,
        settings: TrainingSettings,
        constraints: Constraints | None,
        objective: ClassObjective,
        methods: Sequence[Acting] = (),
    ) -> TrainingAttacks:
        """Return the attacks on a model that the settings of a training name; ``methods`` are those at work in it.

        Raises:
            ConfigError: if an attack does not fit the inputs.
        """
        made: list[AttackedBatches | None] = []
        for key, attack in (("attack", settings.acting_attack), ("data.validation_attack", settings.data.validation_attack)):
            if attack is not None and constraints is None:
                msg = f"{key}: what may move is not known without the feature table of the inputs"
                raise ConfigError(msg)
            asking = methods if key == "attack" else ()
            made.append(
                None
                if constraints is None or attack is None
                else AttackedBatches(model, attack, constraints, objective, asking)
            )
        seed = tf.Variable(settings.seed, trainable=False, dtype=tf.int64, name="seed")
        return cls(constraints, objective, seed, *made)

    @property
    def masks(self) -> dict[str, tf.TensorSpec]:
        """Boolean tensors of a batch that say what is no value, and their shapes."""
        if self.constraints is None or (self.training is None and self.validation is None):
            return {}
        columns = [columns for columns in self.constraints.columns.values() if columns.mask is not None]
        return {str(found.mask): tf.TensorSpec((None, len(found)), tf.bool) for found in columns}

    def attacked(self, batch: Batch, step: Any, knobs: Mapping[str, Any]) -> Batch:
        """Return a training batch attacked, or as it is in a training without attacks.

        Args:
            batch: network inputs, masks, labels.
            step: number of the step; with the seed of the training, it decides all random numbers.
            knobs: the strength of the attack among them, if it changes.
        """
        return batch if self.training is None else self.training(batch, self._seed(step), knobs.get(STRENGTH))

    def for_validation(self, batch: Batch, number: Any) -> Batch:
        """Return a validation batch attacked; its number decides the random numbers."""
        return batch if self.validation is None else self.validation(batch, self._seed(number))

    def _seed(self, number: Any) -> tf.Tensor:
        """Return the seed of a step, another one for every replica."""
        pair = tf.stack([tf.cast(self.seed, tf.int32), tf.cast(number, tf.int32)])
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return pair
        return tf.random.experimental.stateless_fold_in(pair, context.replica_id_in_sync_group)
