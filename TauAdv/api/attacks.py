"""``ta.attack``: rows as an attack leaves them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from TauAdv.api.taggers import TrainedTagger
from TauAdv.arguments import checked
from TauAdv.attacks.registry import DEFAULT_KIND
from TauAdv.config import validate_settings
from TauAdv.shards.rows import Rows
from TauAdv.shards.store import ShardSet

__all__ = ["attack"]


@checked
def attack(
    tagger: TrainedTagger,
    shards: ShardSet,
    kind: str = DEFAULT_KIND,
    *,
    eps: Any = 0.01,
    batch_size: PositiveInt = 2048,
    seed: NonNegativeInt = 1,
    **options: Any,
) -> Rows:
    """Return the rows of a labelled set after an attack on a tagger, within what the feature table lets move.

    ``tagger.predict`` scores them, or another tagger's. All rows are in memory: ``shards.head(n)`` are the first ones.

    Args:
        tagger: whose loss the attack makes larger.
        shards: set with classes.
        kind: which attack (docs/attacks.md): fgsm, pgd, ngm, noise, systematic, or one of another package.
        eps: strength: a number, or names and patterns of inputs -> number.
        batch_size: rows attacked together.
        seed: of all random numbers.
        options: of the attack, such as ``steps`` of pgd.

    Raises:
        ConfigError: no such attack or option, or the attack does not fit the inputs.
        InputError: a set without labels or rows, or of another feature table.
    """
    from TauAdv.attacks.options import AttackSettings
    from TauAdv.evaluation.robustness.attacked import DisturbedBatches

    settings: Any = validate_settings(AttackSettings, {"kind": kind, "eps": eps, **options}, "attack")
    shards.require_table(tagger.table)
    batches = DisturbedBatches({"tagger": tagger.model}, shards, {kind: settings}, batch_size=batch_size, seed=seed)
    names = list(shards.layout.input_shapes())
    parts = [shards.layout.from_inputs({name: np.asarray(batch.inputs[name]) for name in names}) for _, batch in batches()]
    stored = shards.columns(["label", "weight", *shards.layout.identity])
    columns = {"y": stored.pop("label"), "weights": stored.pop("weight"), **stored}
    return Rows(type(parts[0]).concatenate(parts), columns, tagger.table)
