"""What a training reads: the sets of shards, checked against each other, and their batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.commands import commands
from TauAdv.domain.contributions.agreement import require_agreement
from TauAdv.domain.contributions.contribution import names_by_id
from TauAdv.errors import InputError
from TauAdv.shards.batching import Batches, PairedBatches, Share, batches, paired_batches
from TauAdv.shards.overlap import common_rows, of_one_split
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau.contributions import contributions_in
from TauAdv.shards.tau.selection import UNLABELLED
from TauAdv.taggers.registry import tagger_of_rows
from TauAdv.training.run.balance import absent_classes, require_both_sides
from TauAdv.training.run.row_weights import require_weights, weight_note
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.data import DataSettings

__all__ = ["Inputs", "open_inputs", "open_set"]


@dataclass(frozen=True)
class Inputs:
    """The sets of a training.

    Attributes:
        settings: settings of the training.
        sets: by role: ``training``, ``validation``, ``adversarial training``, ``adversarial validation``.
    """

    settings: TrainingSettings
    sets: Mapping[str, ShardSet]

    @property
    def data(self) -> DataSettings:
        """Settings of the sets."""
        return self.settings.data

    @property
    def rows_name(self) -> str:
        """What rows are called: ``taus`` or ``jets``."""
        return self.sets["training"].rows_name

    @property
    def table(self) -> Any:
        """Feature table of all sets: a ``FeatureTable`` of taus, or ``JetFeatures``."""
        return self.sets["training"].table

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Rows of a training batch, by the setting that gives them."""
        return self.data.batch_sizes

    @property
    def steps_per_epoch(self) -> int:
        """Training steps of an epoch."""
        asked = self.settings.schedule.n_batches
        if asked is not None:
            return asked
        return self.sets["training"].num_steps_per_epoch(self.data.n_class, drop_remainder=True)

    @property
    def n_steps(self) -> int:
        """Training steps of all epochs."""
        return self.steps_per_epoch * self.settings.schedule.n_epochs

    def training(self, start_step: int, share: Share | None = None) -> Any:
        """Return the ``tf.data.Dataset`` of the batches, or of shares of them, from a step to the end of the training."""
        options: dict[str, Any] = {
            "seed": self.settings.seed,
            "shuffle": self.data.shuffle,
            "start_step": start_step,
            "num_steps": self.n_steps - start_step,
            "drop_remainder": True,
            "share": share,
        }
        adversarial = self.sets.get("adversarial training")
        if adversarial is not None:
            sizes = self.data.batch_sizes.values()
            return paired_batches(self.sets["training"], adversarial, *sizes, **options)
        return batches(self.sets["training"], self.data.n_class, **options)

    def source(self) -> Batches | PairedBatches:
        """Return the function from the number of a training step to its whole batch, as arrays."""
        options: dict[str, Any] = {"seed": self.settings.seed, "shuffle": self.data.shuffle, "drop_remainder": True}
        adversarial = self.sets.get("adversarial training")
        if adversarial is not None:
            sizes = self.data.batch_sizes.values()
            return PairedBatches(self.sets["training"], adversarial, *sizes, **options)
        return Batches(self.sets["training"], self.data.n_class, **options)

    def rows(self, step: int) -> dict[str, NDArray[np.int64]]:
        """Return the stored rows of a training step by role of their set, in the order of the batch."""
        source = self.source()
        if isinstance(source, PairedBatches):
            of_class, of_adversary = source.rows(step)
            return {"training": of_class, "adversarial training": of_adversary}
        return {"training": source.rows(step)}

    def validation(self, role: str, every: tuple[int, int] = (0, 1)) -> Any | None:
        """Return the batches of a validation set once through, or ``None`` if there is no such set.

        Args:
            role: of the set.
            every: (k, n): only batch k and then every n-th one.
        """
        shards = self.sets.get(role)
        if shards is None:
            return None
        return batches(shards, self.data.n_class, shuffle=False, num_steps=self.validation_steps(role), every=every)

    def validation_steps(self, role: str) -> int:
        """Return the number of batches of a validation set."""
        steps = self.sets[role].num_steps_per_epoch(self.data.n_class)
        most = self.settings.schedule.n_batches_val
        return steps if most is None else min(steps, most)

    def folders(self) -> dict[str, Path]:
        """Return the folders read, by role (a set and its validation part share one)."""
        return {role: shards.folder for role, shards in self.sets.items()}

    def description(self) -> dict[str, Any]:
        """Return what identifies the content of the inputs."""
        return {role: dict(shards.description) for role, shards in self.sets.items()}

    def lines(self) -> Iterator[str]:
        """Yield what is read, with the number of rows per contribution."""
        for role, shards in self.sets.items():
            yield f"{role}: {shards.folder}, {_counted(shards.num_rows, shards)}"
            for name, weights in _contributions(shards):
                total = weights.sum(dtype=np.float64)
                counted = _counted(len(weights), shards, 10)
                yield f"    {name:24s} {counted}, sum of weights {total:,.1f}{weight_note(weights)}"
            if absent := absent_classes(shards, self.settings.model.named_loss):
                yield f"    no {', '.join(absent)}: what tells them from the others is not learned here"
        yield from self.overlaps()

    def overlaps(self) -> Iterator[str]:
        """Yield a warning for every validation set that has rows of the training set."""
        for prefix, setting in (("", "validation_shards"), ("adversarial ", "adv_validation_shards")):
            training, validation = (self.sets.get(f"{prefix}{role}") for role in ("training", "validation"))
            if training is None or validation is None or getattr(self.data, setting, None) is None:
                continue  # parts of one set have no row in common
            if of_one_split(training.manifest, validation.manifest):
                continue
            if count := common_rows(validation, training):
                yield (
                    f"WARNING: {count:,} of the {validation.num_rows:,} {self.rows_name} of data.{setting} "
                    f"({validation.folder}) are in the {prefix}training set {training.folder}: its metrics are too good, "
                    "and early stopping does not see overtraining"
                )


def open_inputs(settings: TrainingSettings) -> Inputs:
    """Open and check the sets that the settings name.

    Raises:
        InputError: if one is missing, of the wrong kind, too small for a batch, the feature tables or the contributions
            differ, or one has weights that are none, taus of one side only (no data or no simulation, no genuine taus or no
            background), or jets without a class.
    """
    data = settings.data
    sets = _opened("", "classification", data.shards, data.validation_shards, settings)
    if (adversarial := data.domain_sets) is not None:
        sets |= _opened("adversarial ", "adversarial", *adversarial, settings)
        _require_same_contributions([sets[role] for role in sets if role.startswith("adversarial")])
    for shards in sets.values():
        shards.require_table(sets["training"].table)
    if (table := data.feature_table()) is not None:
        sets["training"].require_table(table)
    _require_rows(sets["training"], data.n_class, f"data.{data.class_size_key}")
    for role, shards in sets.items():
        require_weights(role, shards)
        require_both_sides(role, shards, settings.model.named_loss)
    return Inputs(settings, sets)


def _require_same_contributions(sets: list[ShardSet]) -> None:
    """Refuse training and validation on different control regions."""
    found = [contributions_in(shards.manifest, shards.folder) for shards in sets]
    require_agreement([statement for statement in found if statement is not None], "Take sets of the same control region.")


def _opened(
    prefix: str, kind: str, folder: Path, validation: Path | None, settings: TrainingSettings
) -> dict[str, ShardSet]:
    """Return a training set and, as far as there is one, its validation set; sets are shuffled when they are written."""
    data, rows = settings.data, settings.spec.rows
    training, rest = open_set(folder, kind, rows), None
    if validation is not None:
        rest = open_set(validation, kind, rows)
    elif data.validation_fraction:
        training, rest = training.split(data.validation_fraction, settings.seed)
    if data.n_rows is not None and not prefix:
        training = training.head(data.n_rows)
    found = {f"{prefix}training": training}
    return found if rest is None else {**found, f"{prefix}validation": rest}


def open_set(folder: Path, kind: str, rows: str) -> ShardSet:
    """Open a set of shards of a kind and of ``rows``, taus or jets.

    Raises:
        InputError: if it is of another kind, or of other rows.
    """
    shards = ShardSet.open(folder)
    if shards.rows_name != rows:
        other = commands(*tagger_of_rows(shards.rows_name).trained_by)
        msg = f"{folder}: expected shards of {rows}, received {shards.rows_name}; train them with {other}"
        raise InputError(msg)
    shards.require_kind(kind)
    return shards


def _require_rows(shards: ShardSet, needed: int, key: str) -> None:
    if shards.num_taus < needed:
        rows = _counted(shards.num_rows, shards)
        msg = f"{shards.folder}: {rows} do not fill one batch of {key} = {needed:,}; lower {key} or add {shards.rows_name}"
        raise InputError(msg)


def _counted(count: int, shards: ShardSet, width: int = 0) -> str:
    """Return a number of taus or jets in words."""
    return f"{count:>{width},} {shards.rows_name if count != 1 else shards.row_type.singular}"


def _contributions(shards: ShardSet) -> list[tuple[str, NDArray[np.float32]]]:
    """Return name and weights of every class, or of every contribution of an adversarial set."""
    if shards.kind == "adversarial":
        column = "dataset_id"
        statement = contributions_in(shards.manifest, shards.folder)
        names = {} if statement is None else names_by_id(statement.contributions)
    else:
        column, names = "label", {UNLABELLED: "unlabelled", **dict(enumerate(shards.classes))}
    columns = shards.columns([column, "weight"])
    found = []
    for number in np.unique(columns[column]).tolist():
        found.append((names.get(number, f"dataset {number}"), columns["weight"][columns[column] == number]))
    return found
