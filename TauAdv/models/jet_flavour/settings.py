"""Settings of the jet-flavour network and of its loss, in a module that needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from TauAdv.config import OfKind, Settings, load_settings
from TauAdv.config.quantities import Count
from TauAdv.models.deeptau.settings import HeadSettings, network_file

__all__ = ["JetLossSettings", "JetNetworkSettings", "load_jet_network"]

Positive = Annotated[float, Field(gt=0)]


class JetNetworkSettings(Settings):
    """A fully connected network from the scaled features of a jet to the probabilities of its flavours.

    Attributes:
        name: name of the model.
        n_features: number of inputs.
        hidden: width of each hidden layer, all with ReLU.
        dropout: dropped fraction after every hidden layer but the last.
        common_layers: hidden layers that the adversarial head shares with the class head; the others are of the class head.
        adversarial_head: layers from the common features to the domain probability.
        n_classes: number of flavours (b, c, light).
    """

    name: str
    n_features: Count = 184
    hidden: Annotated[tuple[Count, ...], Field(min_length=1)] = (100, 100, 100, 100, 100)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    common_layers: Count = 3
    adversarial_head: HeadSettings = HeadSettings(widths=(100, 100))
    n_classes: Annotated[int, Field(ge=2)] = 3

    @model_validator(mode="after")
    def _has_common_layers(self) -> JetNetworkSettings:
        if self.common_layers > len(self.hidden):
            msg = f"common_layers={self.common_layers}: the network has {len(self.hidden)} hidden layers"
            raise ValueError(msg)
        return self


class JetLossSettings(OfKind):
    """Which loss to train with.

    Attributes:
        kind: ``crossentropy`` or ``focal``.
        gamma: exponent of the focal loss; 0 makes it the cross entropy.
        alpha: factor per class (b, c, light) of the focal loss; none: 1 each.
        paper_compatible: log-softmax of the softmax ("double softmax"), as the original code has it: the loss never falls
            below ln(1 + (classes - 1)/e), and outputs saturate. Right only for repeating that study.
    """

    kind: Literal["crossentropy", "focal"] = "crossentropy"
    gamma: Annotated[float, Field(ge=0)] = 2.0
    alpha: tuple[Positive, ...] | None = None
    paper_compatible: bool = False

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together: their names, and what to change."""
        if self.alpha is not None and self.kind != "focal":
            yield ("alpha", "kind"), "alpha: acts in the focal loss only; set kind: focal, or leave alpha out"


def load_jet_network(name_or_path: str | Path = "jet_flavour", overrides: Iterable[str] = ()) -> JetNetworkSettings:
    """Return the settings of a shipped jet network (by name) or of a YAML file.

    Args:
        name_or_path: for example ``jet_flavour``, or the path of a YAML file.
        overrides: ``"key.sub=value"`` strings that win over the file.

    Raises:
        ConfigError: if there is no such network, or a setting is unknown or not accepted.
    """
    return load_settings(JetNetworkSettings, network_file(name_or_path, "jet"), overrides)
