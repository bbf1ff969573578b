"""A format that a classifier can be written in: how to write it, and how to execute what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TauAdv.models.comparison import Scores
from TauAdv.models.inference import Inference
from TauAdv.models.layer_weights import LayerWeights
from TauAdv.models.tagger import Tagger

__all__ = ["Exported", "Format"]


@dataclass(frozen=True)
class Exported:
    """What there is to write.

    Attributes:
        model: the classifier, in single precision.
        weights: its weights.
        name: of the files.
        metadata: texts for formats that keep some.
        compute: from network inputs to the outputs of the classifier, as predictions are made.
        double_network: settings of the same network in double precision.
        preprocessing: feature table whose scaling, clipping and defaults are written, too; ``None``: inputs are scaled.
    """

    model: Tagger
    weights: LayerWeights
    name: str
    metadata: Mapping[str, str]
    compute: Inference
    double_network: Any
    preprocessing: Any = None

    @property
    def network(self) -> Any:
        """Settings of the network."""
        return self.model.network

    def scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the class scores [n, classes] of the classifier, as predictions are made."""
        return self.compute(inputs)["main_output"].numpy()


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        write: (what, folder) writes the files.
        execute: (what, folder) returns each way to compute scores with the files, by name.
        execute_in_double_precision: (what, folder) returns the scores of what was written in double precision; ``None`` of a
            format that holds the very operations of the predictions.
        keeps_weights: whether the files hold the model's weights as they are: in double precision they are the model then.
        notes: what users of the files should know of a network.
        takes_preprocessing: whether the files can hold the preprocessing of inputs.
    """

    write: Callable[[Exported, Path], None]
    execute: Callable[[Exported, Path], dict[str, Scores]]
    execute_in_double_precision: Callable[[Exported, Path], Scores | None] = lambda exported, folder: None
    keeps_weights: bool = False
    notes: Callable[[Any], list[str]] = lambda network: []
    takes_preprocessing: bool = False
