"""The Keras model of a tagger: a functional model that remembers the network settings it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import keras
import tensorflow as tf

from TauAdv.errors import InputError
from TauAdv.models.jet_settings import JetNetworkSettings
from TauAdv.models.model_files import read_keras_file
from TauAdv.models.precision import in_single_precision
from TauAdv.models.settings import NetworkSettings

__all__ = [
    "INPUT_KEYS",
    "JetTagger",
    "Tagger",
    "TauTagger",
    "inference_function",
    "input_signature",
    "load_model",
    "load_tagger",
    "network_inputs",
]

INPUT_KEYS = ("tau", "inner_index", "inner_cells", "outer_index", "outer_cells", "x")


class Tagger(keras.Model):
    """Functional model with the settings of its network; saves to and loads from ``.keras`` in safe mode.

    The output is ``main_output`` [n, classes], or a dictionary of ``main_output`` and ``adv_output`` [n, 1] for a model with
    an adversarial head.

    Attributes:
        settings_type: class of the network settings.
        features_layer: name of the layer whose output all heads share.
        objects: what the tagger classifies, for messages.
    """

    settings_type: ClassVar[Any]
    features_layer: ClassVar[str]
    objects: ClassVar[str]

    @property
    def network(self) -> Any:
        """Settings of the network."""
        return self.settings_type.model_validate(self.network_settings)

    @property
    def is_adversarial(self) -> bool:
        """Whether the model has the adversarial head."""
        return isinstance(self.output, dict)

    def get_config(self) -> dict[str, Any]:
        """Return the functional configuration and the network settings."""
        return {**super().get_config(), "network_settings": dict(self.network_settings)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Tagger:
        """Return the model of a configuration."""
        config = dict(config)
        settings = config.pop("network_settings")
        model = super().from_config(config, custom_objects=custom_objects)
        model.network_settings = settings
        return model


@keras.saving.register_keras_serializable(package="TauAdv")
class TauTagger(Tagger):
    """Tagger of taus: inputs are the sparse form of a batch of n taus (see :func:`input_signature`)."""

    settings_type = NetworkSettings
    features_layer = "features_concat"
    objects = "taus"


@keras.saving.register_keras_serializable(package="TauAdv")
class JetTagger(Tagger):
    """Tagger of jets: one input ``x`` [n, features]."""

    settings_type = JetNetworkSettings
    features_layer = "common_features"
    objects = "jets"


TaggerType = TypeVar("TaggerType", bound=Tagger)


def make_tagger(inputs: dict[str, Any], outputs: Any, network: NetworkSettings) -> TauTagger:
    """Return the tau model of ``inputs`` and ``outputs`` with its settings attached."""
    return tagger_of(TauTagger, inputs, outputs, network)


def tagger_of(kind: type[TaggerType], inputs: dict[str, Any], outputs: Any, network: Any) -> TaggerType:
    """Return the model of ``inputs`` and ``outputs`` with its settings attached."""
    model = kind(inputs=inputs, outputs=outputs, name=network.name)
    model.network_settings = network.model_dump(mode="json")
    return model


def network_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a batch that the network reads."""
    return {key: batch[key] for key in INPUT_KEYS if key in batch}


def input_signature(network: NetworkSettings | JetNetworkSettings, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
    """Return shapes and types of the network inputs, all lengths open: one traced function serves every batch."""
    if isinstance(network, JetNetworkSettings):
        return {"x": tf.TensorSpec((None, network.n_features), dtype)}
    signature = {"tau": tf.TensorSpec((None, network.tau.n_features), dtype)}
    for grid in network.grids:
        signature[f"{grid}_index"] = tf.TensorSpec((None, 3), tf.int32)
        signature[f"{grid}_cells"] = tf.TensorSpec((None, network.n_cell_features), dtype)
    return signature


def inference_function(model: Tagger) -> Any:
    """Return a compiled function from network inputs to the model's outputs, traced once for all batch and cell counts."""
    signature = input_signature(model.network)

    @tf.function(input_signature=[signature])
    def compute(inputs: dict[str, tf.Tensor]) -> Any:
        return model(inputs, training=False)

    return compute


def load_model(path: Path | str) -> TauTagger:
    """Return the tau tagger of a ``.keras`` file, without running any code that the file may hold.

    A model that was trained in mixed precision is returned in float32.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger of taus.
    """
    return load_tagger(path, TauTagger)


def load_tagger(path: Path | str, kind: type[TaggerType] = Tagger) -> TaggerType:  # type: ignore[assignment]
    """Return the tagger of a ``.keras`` file, without running any code that the file may hold.

    Args:
        path: for example ``artifacts/model/model.keras`` of a run.
        kind: :class:`TauTagger` or :class:`JetTagger`; by default, either is accepted.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger of that kind.
    """
    from TauAdv.models import adversarial, deeptau, jet_flavour  # noqa: F401  (registers the layers)

    model = read_keras_file(path)
    if not isinstance(model, kind):
        of = f" of {kind.objects}" if kind is not Tagger else ""
        msg = f"{path}: expected a TauAdv tagger{of}, received a {type(model).__name__} named '{model.name}'"
        raise InputError(msg)
    return in_single_precision(model)
