"""Batches of a set of shards as attacks leave them, and what taggers say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from TauAdv.attacks.constraints.constraints import Constraints
from TauAdv.attacks.objectives import Objective, label_loss
from TauAdv.attacks.settings import AttackSettings, make_attack
from TauAdv.errors import InputError
from TauAdv.shards.files import RowColumns
from TauAdv.shards.store import ShardSet, iterate
from TauAdv.taggers.registry import tagger_of_model

__all__ = ["AttackedBatch", "DisturbedBatches", "constraints_of", "label_objective", "probabilities_of"]

Batch = dict[str, Any]
Compute = Callable[[Mapping[str, Any]], NDArray[np.float32]]


def constraints_of(model: Any, shards: ShardSet) -> Constraints:
    """Return what attacks with a model may do to rows of a set."""
    return tagger_of_model(model).constraints(shards.table)


def label_objective(model: Any) -> Objective:
    """Return the cross entropy of the true class, which attacks make larger.

    A focal loss would give the same steps: it is a growing function of the cross entropy of each example.
    """
    import tensorflow as tf

    from TauAdv.models.jet_flavour.losses import crossentropy
    from TauAdv.models.scores import scores_are_logits

    if scores_are_logits(model):
        return label_loss(model, crossentropy)
    return label_loss(model, lambda y, p: -tf.reduce_sum(y * tf.math.log(tf.clip_by_value(p, 1e-7, 1.0)), axis=1))


def probabilities_of(model: Any) -> Compute:
    """Return a compiled function from a batch to class probabilities float32 [n, classes]."""
    from TauAdv.models.tagger import inference_function, network_inputs

    compute = inference_function(model)

    def probabilities(batch: Mapping[str, Any]) -> NDArray[np.float32]:
        outputs = compute(network_inputs(batch))
        return (outputs["main_output"] if isinstance(outputs, Mapping) else outputs).numpy()

    return probabilities


@dataclass(frozen=True)
class AttackedBatch:
    """One batch as one attack made with one model left it.

    Attributes:
        disturbance: name of the attack.
        model: name of the model that it was made with.
        rows: numbers of the rows in the set.
        clean: the batch before.
        inputs: the batch after.
        columns: identity, label and weight of the rows.
    """

    disturbance: str
    model: str
    rows: slice
    clean: Batch
    inputs: Batch
    columns: RowColumns


class DisturbedBatches:
    """All batches of a set under all disturbances made with all models.

    Args:
        models: name -> tagger.
        shards: labelled set.
        disturbances: name -> attack. Those that do not look at the model are made once, with the first model.
        batch_size: rows attacked together.
        seed: of noise and random starts; numbers differ from batch to batch.

    Raises:
        InputError: a set without labels or rows.
        ConfigError: an attack that does not fit the inputs.
    """

    def __init__(
        self,
        models: Mapping[str, Any],
        shards: ShardSet,
        disturbances: Mapping[str, AttackSettings],
        *,
        batch_size: int = 2048,
        seed: int = 1,
    ) -> None:
        shards.require_kind("classification")
        if shards.num_rows == 0:
            msg = f"{shards.folder}: holds no {shards.rows_name}, nothing to attack"
            raise InputError(msg)
        self.shards, self.batch_size, self.seed = shards, batch_size, seed
        self._functions: dict[tuple[str, str], Any] = {}
        for model_name, model in models.items():
            constraints = constraints_of(model, shards)
            for name, settings in disturbances.items():
                if settings.needs_gradient or model_name == next(iter(models)):
                    self._functions[name, model_name] = _compiled(model, shards, settings, constraints)

    @property
    def keys(self) -> list[tuple[str, str]]:
        """(disturbance, model it is made with), in the order in which batches are attacked."""
        return list(self._functions)

    def __call__(self, strengths: Sequence[float] = (1.0,), title: str = "attack") -> Iterator[tuple[float, AttackedBatch]]:
        """Yield (strength, attacked batch): every batch under every disturbance at every strength, which multiplies eps."""
        import tensorflow as tf

        from TauAdv.attacks.constraints.covariance import clear_errors

        total = self.shards.num_steps_per_epoch(self.batch_size)
        batches = tqdm(iterate(self.shards, self.batch_size), total=total, desc=title, unit=" batches", mininterval=1)
        stop = 0
        for number, (inputs, columns) in enumerate(batches):
            start, stop = stop, stop + len(columns["label"])
            clean = {name: tf.convert_to_tensor(value) for name, value in {**inputs, "y": columns["y"]}.items()}
            seed = tf.constant([self.seed, number], tf.int32)
            for (name, model), attack in self._functions.items():
                for strength in strengths:
                    with clear_errors(f"{self.shards.folder}, rows {start} to {stop - 1}, {name} with {model}"):
                        attacked = attack(clean, seed, tf.constant(strength, tf.float32))
                    yield strength, AttackedBatch(name, model, slice(start, stop), clean, attacked, columns)


def _compiled(model: Any, shards: ShardSet, settings: AttackSettings, constraints: Constraints) -> Any:
    """Return an attack as one graph, traced once for all sizes of batches."""
    import tensorflow as tf

    attack, objective = make_attack(settings, constraints), label_objective(model)
    shapes = {**shards.layout.input_shapes(), "y": (np.float32, (None, len(shards.classes)))}
    batch_signature = {name: tf.TensorSpec(shape, dtype) for name, (dtype, shape) in shapes.items()}

    @tf.function(autograph=False)
    def compute(batch: Batch, seed: Any, strength: Any) -> Batch:
        return dict(attack(objective, batch, seed, strength))

    return compute.get_concrete_function(batch_signature, tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), tf.float32))
