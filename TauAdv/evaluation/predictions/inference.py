"""Apply a model to a set of shards, in stored order, with the identity of every row kept beside its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.domain.discriminators import choose_discriminators
from TauAdv.errors import InputError
from TauAdv.shards.store import ShardSet, iterate
from TauAdv.shards.tau.from_tuples import IDENTITY as IDENTITY_COLUMNS
from TauAdv.taggers.registry import tagger_of_model

__all__ = [
    "ADVERSARIAL_COLUMN",
    "FIRST_COLUMNS",
    "IDENTITY_COLUMNS",
    "PROBABILITY_COLUMNS",
    "Predictions",
    "predict",
    "require_finite",
    "score_columns",
]

FIRST_COLUMNS = ("Djet", "y", "weights", "y_pred_adv")
"""Columns that begin the table of a model of taus."""
ADVERSARIAL_COLUMN = "y_pred_adv"
PROBABILITY_COLUMNS = tuple(f"p_{name}" for name in TAU_CLASSES)


@dataclass(frozen=True)
class Predictions:
    """What a model says of a set of taus or jets.

    Attributes:
        table: one row per tau, in stored order: Djet, y (1 data, 0 simulation; or the class e, mu, tau, jet as 0 to 3),
            weights, y_pred_adv (only with an adversarial head), the identity columns, p_e, p_mu, p_tau, p_jet, and tau_dz
            (cm) where it is a feature. Jets have no Djet, and the probabilities of their own classes.
        features: common features ``[n, k]`` of the same rows, if asked for.
    """

    table: pd.DataFrame
    features: NDArray[np.float32] | None = None


def predict(
    model: Any,
    shards: ShardSet,
    *,
    batch_size: int = 1000,
    max_batches: int | None = None,
    with_features: bool = False,
    use_adversarial_head: bool = True,
) -> Predictions:
    """Return the predictions of a model for all rows of a set, or for the first ``batch_size * max_batches``.

    Args:
        model: tagger, with or without adversarial head.
        shards: set of either kind.
        batch_size: rows evaluated together; it does not change the results beyond float32 rounding.
        max_batches: most batches to evaluate; ``None`` for all rows.
        with_features: also return the common features that the heads see.
        use_adversarial_head: give y_pred_adv if the model has the head.

    Raises:
        InputError: numbers below 1, a set without rows, or outputs that are not finite.
    """
    for name, number in ((f"{shards.rows_name} per batch", batch_size), ("number of batches", max_batches)):
        if number is not None and number < 1:
            msg = f"{name}: expected 1 or more, received {number}"
            raise InputError(msg)
    total = shards.num_steps_per_epoch(batch_size)
    number_of_batches = total if max_batches is None else min(total, max_batches)
    if number_of_batches == 0:
        msg = f"{shards.folder}: holds no {shards.rows_name}, nothing to predict"
        raise InputError(msg)
    spec = tagger_of_model(model)
    compute = spec.inference(model, with_features=with_features, with_adversarial_head=use_adversarial_head)
    outputs: list[Mapping[str, NDArray]] = []
    columns: list[Mapping[str, NDArray]] = []
    batches = zip(range(number_of_batches), iterate(shards, batch_size), strict=False)
    for _, (inputs, batch) in tqdm(batches, total=number_of_batches, desc="predict", unit="batch", mininterval=1):
        outputs.append({name: values.numpy() for name, values in compute(inputs).items()})
        columns.append({**batch, **shards.row_type.physical(shards.table, inputs)})
    merged = {name: np.concatenate([part[name] for part in outputs]) for name in outputs[0]}
    require_finite(merged, shards.folder, shards.rows_name)
    stored = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    first, probabilities = score_columns(merged, shards.row_type.scores, shards.classes)
    labels = {"y": stored["label"], "weights": stored["weight"]}
    identity = {name: stored[name] for name in shards.layout.identity}
    adversarial = {name: first.pop(name) for name in [ADVERSARIAL_COLUMN] if name in first}
    physical = {name: values for name, values in stored.items() if name not in shards.column_names}
    table = pd.DataFrame({**first, **labels, **adversarial, **identity, **probabilities, **physical})
    return Predictions(table, merged.get("features"))


def require_finite(outputs: Mapping[str, NDArray], source: object, rows: str) -> None:
    """Refuse outputs that are not finite.

    Args:
        outputs: name -> values [n, ...].
        source: of the rows, for the message.
        rows: what they are called.

    Raises:
        InputError: says how many there are.
    """
    for name, values in outputs.items():
        wrong = int((~np.isfinite(values)).any(axis=1).sum())
        if wrong:
            msg = f"{source}: the model's {name} is not finite for {wrong} of {len(values)} {rows}"
            raise InputError(msg)


def score_columns(
    outputs: Mapping[str, NDArray], scores: Mapping[str, str], classes: Sequence[str]
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Return columns of a prediction table: those that begin it, and the probabilities of the classes.

    Args:
        outputs: of a model, by name.
        scores: name -> discriminator (:attr:`TauAdv.shards.row_layout.RowType.scores`).
        classes: in the order of the probabilities.
    """
    values = outputs["main_output"]
    chosen = choose_discriminators(classes, list(scores.values()))
    first: dict[str, NDArray] = {name: entry.score(values) for name, entry in zip(scores, chosen, strict=True)}
    if "adv_output" in outputs:
        first[ADVERSARIAL_COLUMN] = outputs["adv_output"][:, 0]
    return first, {f"p_{name}": column for name, column in zip(classes, values.T, strict=True)}
