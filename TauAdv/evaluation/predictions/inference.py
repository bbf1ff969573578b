"""Apply a model to a set of shards, in stored order, with the identity of every tau kept beside its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from TauAdv.domain.classes import TAU_CLASSES
from TauAdv.errors import InputError
from TauAdv.evaluation.predictions.scores import djet
from TauAdv.shards.store import ShardSet, iterate
from TauAdv.shards.tau.from_tuples import IDENTITY as IDENTITY_COLUMNS
from TauAdv.taggers.registry import tagger_of_model

__all__ = ["FIRST_COLUMNS", "IDENTITY_COLUMNS", "PROBABILITY_COLUMNS", "Predictions", "predict"]

FIRST_COLUMNS = ("Djet", "y", "weights", "y_pred_adv")
PROBABILITY_COLUMNS = tuple(f"p_{name}" for name in TAU_CLASSES)


@dataclass(frozen=True)
class Predictions:
    """What a model says of a set of taus.

    Attributes:
        table: one row per tau, in stored order: Djet, y (1 data, 0 simulation; or the class e, mu, tau, jet as 0 to 3),
            weights, y_pred_adv (only with an adversarial head), the identity columns, and p_e, p_mu, p_tau, p_jet.
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
    """Return the predictions of a model for all taus of a set, or for the first ``batch_size * max_batches``.

    Args:
        model: tagger, with or without adversarial head.
        shards: set of either kind.
        batch_size: taus evaluated together; it does not change the results beyond float32 rounding.
        max_batches: most batches to evaluate; ``None`` for all taus.
        with_features: also return the common features that the heads see.
        use_adversarial_head: give y_pred_adv if the model has the head.

    Raises:
        InputError: numbers below 1, a set without taus, or outputs that are not finite.
    """
    for name, number in (("taus per batch", batch_size), ("number of batches", max_batches)):
        if number is not None and number < 1:
            msg = f"{name}: expected 1 or more, received {number}"
            raise InputError(msg)
    total = -(-shards.num_taus // batch_size)
    number_of_batches = total if max_batches is None else min(total, max_batches)
    if number_of_batches == 0:
        msg = f"{shards.folder}: holds no taus, nothing to predict"
        raise InputError(msg)
    spec = tagger_of_model(model)
    compute = spec.inference(model, with_features=with_features, with_adversarial_head=use_adversarial_head)
    outputs: list[Mapping[str, NDArray]] = []
    columns: list[Mapping[str, NDArray]] = []
    batches = zip(range(number_of_batches), iterate(shards, batch_size), strict=False)
    for _, (inputs, batch) in tqdm(batches, total=number_of_batches, desc="predict", unit="batch", mininterval=1):
        outputs.append({name: values.numpy() for name, values in compute(inputs).items()})
        columns.append(batch)
    merged = {name: np.concatenate([part[name] for part in outputs]) for name in outputs[0]}
    _require_finite(merged, shards)
    table = _table(merged, {name: np.concatenate([part[name] for part in columns]) for name in columns[0]})
    return Predictions(table, merged.get("features"))


def _require_finite(outputs: Mapping[str, NDArray], shards: ShardSet) -> None:
    for name, values in outputs.items():
        wrong = int((~np.isfinite(values)).any(axis=1).sum())
        if wrong:
            msg = f"{shards.folder}: the model's {name} is not finite for {wrong} of {len(values)} taus"
            raise InputError(msg)


def _table(outputs: Mapping[str, NDArray], columns: Mapping[str, NDArray]) -> pd.DataFrame:
    probabilities = outputs["main_output"]
    content: dict[str, NDArray] = {"Djet": djet(probabilities), "y": columns["label"], "weights": columns["weight"]}
    if "adv_output" in outputs:
        content["y_pred_adv"] = outputs["adv_output"][:, 0]
    content |= {name: columns[name] for name in IDENTITY_COLUMNS}
    content |= dict(zip(PROBABILITY_COLUMNS, probabilities.T, strict=True))
    return pd.DataFrame(content)
