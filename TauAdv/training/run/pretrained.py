"""The model that a training starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from TauAdv.config import Settings
from TauAdv.errors import ConfigError, InputError
from TauAdv.io.checked_files import read_text
from TauAdv.models.loading import load_tagger
from TauAdv.models.tagger import Tagger
from TauAdv.models.transfer import CopyReport, copy_weights_by_name
from TauAdv.models.variables import part_of_layer
from TauAdv.runs import Run, find_run
from TauAdv.runs.layout import CHECKPOINTS, FEATURES, MODEL
from TauAdv.shards.row_types import read_table
from TauAdv.training.run.checkpoints import copy_optimizer_state, stored_optimizer, usable_checkpoint
from TauAdv.training.run.inputs import Inputs
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.settings.model import PretrainedSettings
from TauAdv.training.step.trainer import Trainer

__all__ = ["Pretrained", "find_pretrained", "freeze_statistics", "locate_pretrained", "network_of", "start_from"]


@dataclass(frozen=True)
class Pretrained:
    """A trained model and where it comes from.

    Attributes:
        model: the model.
        file: its ``.keras`` file.
        run: its run; ``None`` if only the file was given.
    """

    model: Tagger
    file: Path
    run: Run | None

    @property
    def title(self) -> str:
        """Run and file, for the console."""
        return f"run {self.run.id} ({self.run.name})" if self.run else str(self.file)


def find_pretrained(settings: TrainingSettings, inputs: Inputs) -> Pretrained | None:
    """Return the pretrained model that the settings name, checked against the inputs; ``None`` if they name none.

    Raises:
        InputError: if the run or the file is missing, or the model was trained with another feature table.
    """
    source = settings.model.pretrained
    if source is None:
        return None
    run, file = locate_pretrained(source, settings.output.mlruns)
    features = file.parent.parent / FEATURES
    if features.is_file():
        table = read_table(inputs.rows_name, read_text(features), str(features))
        inputs.sets["training"].require_table(table)
    return Pretrained(load_tagger(file, settings.spec.model_type()), file, run)


def locate_pretrained(source: PretrainedSettings, mlruns: Path) -> tuple[Run | None, Path]:
    """Return the run of a pretrained model (``None`` if a file is named), and its ``.keras`` file.

    Raises:
        InputError: if there is no such run, or it has no trained model.
    """
    if source.file is not None:
        return None, source.file
    run = find_run(source.mlpath or mlruns, str(source.run_id))
    suggestion = "resume it to its end, name another, or give one of its epochs as model.pretrained.file"
    return run, run.require_file(MODEL, suggestion)


def network_of(settings: TrainingSettings, inputs: Inputs, pretrained: Pretrained | None) -> Settings:
    """Return the settings of the network to train.

    Raises:
        ConfigError: if the network is not known.
        InputError: if it has another number of inputs than the shards have features.
    """
    spec, model = settings.spec, settings.model
    if model.network is None and pretrained is not None:
        network = pretrained.model.network
    else:
        network = spec.load_network(model.network or spec.default_network)
    network = model.adapted(network)
    given, wanted = spec.sizes_of_table(inputs.table), spec.sizes(network)
    if given != wanted:
        msg = (
            f"network '{network.name}' takes {spec.sizes_are} {wanted}, but {inputs.sets['training'].folder} has {given}; "
            f"choose the network of this feature table ('{inputs.table.name}')"
        )
        raise InputError(msg)
    return network


def start_from(pretrained: Pretrained, trainer: Trainer, *, with_optimizer: bool) -> tuple[CopyReport, list[str]]:
    """Copy weights, and if asked for the optimiser state, into a trainer.

    Returns:
        What was copied; and the optimisers, or variables of them, that the previous run did not have (they start afresh).

    Raises:
        InputError: if weights of equal names differ in shape, or either has layers outside of the adversarial head that the
            other does not have (all are listed); or if the run keeps no optimiser state.
    """
    try:
        report = copy_weights_by_name(pretrained.model, trainer.model, require_shapes=True, same_layers=_is_no_adversary)
    except InputError as error:
        network = trainer.settings.model.network
        if network is None:
            raise
        msg = f"{error}\nleave out model.network ({network}): the pretrained model's own is taken"
        raise InputError(msg) from error
    if not with_optimizer or pretrained.run is None:
        return report, []
    checkpoint = usable_checkpoint(pretrained.run.artifacts / CHECKPOINTS)
    if checkpoint is None:
        msg = f"{pretrained.title} keeps no checkpoint with the state of its optimiser: set model.use_previous_opt to false"
        raise InputError(msg)
    missing = []
    for name, optimizer in trainer.optimizers.items():
        absent = copy_optimizer_state(stored_optimizer(checkpoint, name), optimizer)
        missing += [name] if len(absent) == len(optimizer.state()) else [f"{name}/{entry}" for entry in absent]
    return report, missing


def _is_no_adversary(layer: str) -> bool:
    return part_of_layer(layer) != "adversarial_head"


def freeze_statistics(model: Tagger) -> int:
    """Fix the batch normalisations of the common layers and the class head as they are; return how many.

    They normalise with their running statistics and train no scale and offset. The adversarial head is left as it is.

    Raises:
        ConfigError: if there are none.
    """
    layers = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and part_of_layer(layer.name) != "adversarial_head"
    ]
    if not layers:
        msg = f"batch_norm: network '{model.name}' has no batch normalisation to freeze; leave it out"
        raise ConfigError(msg)
    for layer in layers:
        layer.trainable = False
    return len(layers)
