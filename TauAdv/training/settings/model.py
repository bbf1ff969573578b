"""Settings of the model that is trained: its network, where its weights start from, and its class loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from TauAdv.config import Settings
from TauAdv.config.paths import is_yaml
from TauAdv.training.settings.precision import Precision

__all__ = ["ModelSettings", "PretrainedSettings"]


class PretrainedSettings(Settings):
    """The model to start from: of a run, or of a file.

    Attributes:
        run_id: run whose ``model/model.keras`` is taken.
        mlpath: folder of that run's experiment, or the folder ``mlruns``; without it, ``mlruns`` of the training.
        file: a ``.keras`` file instead of a run.
    """

    run_id: str | None = None
    mlpath: Path | None = None
    file: Path | None = None

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if (self.run_id is None) == (self.file is None):
            yield ("run_id", "file"), "give either run_id (with mlpath) or file"

    def input_paths(self) -> dict[str, Path]:
        """Return the file or the folder of the run."""
        paths = {"file": self.file, "mlpath": self.mlpath}
        return {key: path for key, path in paths.items() if path is not None}


class ModelSettings(Settings):
    """What is trained.

    Attributes:
        network: name of a network that comes with TauAdv, or path of a YAML file; ``null``: that of the pretrained model,
            or without one that of the kind of tagger (``deeptau_v2p5``, ``jet_flavour``).
        pretrained: model to start from.
        use_previous_opt: also start from the optimiser state of the pretrained run.
        precision: ``float32``; ``mixed_bfloat16``: half-precision products, at some cost in accuracy; ``float64``: slow.
    """

    network: str | None = None
    pretrained: PretrainedSettings | None = None
    use_previous_opt: bool = False
    precision: Precision = "float32"

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.use_previous_opt and (self.pretrained is None or self.pretrained.run_id is None):
            message = "use_previous_opt needs pretrained.run_id: only a run keeps the state of its optimiser"
            yield ("use_previous_opt", "pretrained"), message

    def input_paths(self) -> dict[str, Path]:
        """Return the files of network and pretrained model that are asked for."""
        paths = {} if self.network is None or not is_yaml(self.network) else {"network": Path(self.network)}
        if self.pretrained is not None:
            paths |= {f"pretrained.{key}": path for key, path in self.pretrained.input_paths().items()}
        return paths

    @property
    def named_loss(self) -> str | None:
        """Name of a loss that may compare some of the classes only; ``None``: it compares all."""
        return None

    @property
    def keeps_statistics(self) -> bool:
        """Whether the batch normalisations of the common layers and the class head stay as they are."""
        return False

    def adapted(self, network: Any) -> Any:
        """Return the network that is trained, from the one that is named."""
        return network
