"""What the trainings of one process share: the sets that they read, and the compiled steps of those with the same graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from TauAdv.batch.job import job_tags
from TauAdv.models.tagger import Tagger
from TauAdv.training.devices.devices import ONE_DEVICE, Devices
from TauAdv.training.run.inputs import Inputs, open_inputs
from TauAdv.training.settings.common import TrainingSettings
from TauAdv.training.step.trainer import Trainer

__all__ = ["Shared", "graph_of"]

#: Settings of the course of a training that its compiled steps do not know.
_COURSE = {"n_epochs", "n_batches", "n_batches_val", "learning_rate", "learning_rate_schedule", "early_stopping"}


def graph_of(settings: TrainingSettings, network: Any) -> str:
    """Return a text that is the same for trainings whose compiled steps are the same.

    All settings count, except those that reach a step as a number: the seed (in the variables of the model and of the
    attack), learning rates, and what the method lists as ``per_step``.

    Args:
        settings: of the training.
        network: settings of the network.
    """
    left_out: Any = {"seed": True, "output": True, "schedule": _COURSE, "method": set(settings.method.per_step)}
    found = settings.model_dump(mode="json", exclude=left_out)
    return json.dumps([found, network.model_dump(mode="json")], sort_keys=True)


@dataclass
class Shared:
    """What trainings share that one process does one after the other; each is as it would be alone.

    Attributes:
        tags: of the run of the next training, besides those of its settings.
    """

    tags: Mapping[str, str] = field(default_factory=job_tags)
    _inputs: dict[str, Inputs] = field(default_factory=dict)
    _trainer: Trainer | None = None
    _graph: str = ""

    def inputs(self, settings: TrainingSettings) -> Inputs:
        """Return the inputs of a training, opened and checked once for all that read the same.

        Raises:
            InputError: as :func:`TauAdv.training.run.inputs.open_inputs`.
        """
        read = _reading(settings)
        if read not in self._inputs:
            self._inputs[read] = open_inputs(settings)
        return replace(self._inputs[read], settings=settings)

    def trainer(self, model: Tagger, settings: TrainingSettings, devices: Devices, constraints: Any) -> tuple[Trainer, bool]:
        """Return the trainer of a training that begins, and whether it is a new one, which has nothing compiled yet.

        Args:
            model: as the training begins.
            settings: of the training.
            devices: of the training.
            constraints: facts about the inputs that attacks respect.
        """
        graph = graph_of(settings, model.network)
        if self._trainer is not None and graph == self._graph and devices is ONE_DEVICE:
            self._trainer.restart(model, settings)
            return self._trainer, False
        self.forget()
        self._trainer, self._graph = Trainer(model, settings, devices, constraints), graph
        return self._trainer, True

    def forget(self) -> None:
        """Share no compiled steps with the trainings before."""
        self._trainer = None


def _reading(settings: TrainingSettings) -> str:
    """Return a text that is the same for trainings that read the same rows, and are checked in the same way."""
    data, model = settings.data, settings.model
    chosen = settings.seed if data.validation_fraction else None
    reads = settings.reads_domains, settings.tagger, model.named_loss, chosen
    return json.dumps([*reads, data.model_dump(mode="json")], sort_keys=True)
