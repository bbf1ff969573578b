"""The Keras model of a tagger: a functional model that remembers the network settings it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from TauAdv.errors import InputError
from TauAdv.models.settings import NetworkSettings

__all__ = ["INPUT_KEYS", "TauTagger", "inference_function", "input_signature", "load_model", "network_inputs"]

INPUT_KEYS = ("tau", "inner_index", "inner_cells", "outer_index", "outer_cells")


@keras.saving.register_keras_serializable(package="TauAdv")
class TauTagger(keras.Model):
    """Functional model with the settings of its network; saves to and loads from ``.keras`` in safe mode.

    Inputs are the sparse form of a batch of n taus (see :func:`input_signature`). The output is ``main_output``
    [n, classes], or a dictionary of ``main_output`` and ``adv_output`` [n, 1] for a model with an adversarial head.
    """

    @property
    def network(self) -> NetworkSettings:
        """Settings of the network."""
        return NetworkSettings.model_validate(self.network_settings)

    @property
    def is_adversarial(self) -> bool:
        """Whether the model has the adversarial head."""
        return isinstance(self.output, dict)

    def get_config(self) -> dict[str, Any]:
        """Return the functional configuration and the network settings."""
        return {**super().get_config(), "network_settings": dict(self.network_settings)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> TauTagger:
        """Return the model of a configuration."""
        config = dict(config)
        settings = config.pop("network_settings")
        model = super().from_config(config, custom_objects=custom_objects)
        model.network_settings = settings
        return model


def make_tagger(inputs: dict[str, Any], outputs: Any, network: NetworkSettings) -> TauTagger:
    """Return the model of ``inputs`` and ``outputs`` with its settings attached."""
    model = TauTagger(inputs=inputs, outputs=outputs, name=network.name)
    model.network_settings = network.model_dump(mode="json")
    return model


def network_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a batch that the network reads."""
    return {key: batch[key] for key in INPUT_KEYS if key in batch}


def input_signature(network: NetworkSettings, dtype: str = "float32") -> dict[str, tf.TensorSpec]:
    """Return shapes and types of the network inputs, all lengths open: one traced function serves every batch."""
    signature = {"tau": tf.TensorSpec((None, network.tau.n_features), dtype)}
    for grid in network.grids:
        signature[f"{grid}_index"] = tf.TensorSpec((None, 3), tf.int32)
        signature[f"{grid}_cells"] = tf.TensorSpec((None, network.n_cell_features), dtype)
    return signature


def inference_function(model: TauTagger) -> Any:
    """Return a compiled function from network inputs to the model's outputs, traced once for all batch and cell counts."""
    signature = input_signature(model.network)

    @tf.function(input_signature=[signature])
    def compute(inputs: dict[str, tf.Tensor]) -> Any:
        return model(inputs, training=False)

    return compute


def load_model(path: Path | str) -> TauTagger:
    """Return the model of a ``.keras`` file, without running any code that the file may hold.

    Raises:
        InputError: if the file is missing, not a Keras model, or not a tagger of this package.
    """
    from TauAdv.models import adversarial, deeptau  # noqa: F401  (registers the layers)

    path = Path(path)
    if not path.is_file():
        msg = f"{path}: no such model file; expected a .keras file such as artifacts/model/model.keras of a run"
        raise InputError(msg)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        msg = f"{path}: not a .keras model that can be read safely: {error}"
        raise InputError(msg) from error
    if not isinstance(model, TauTagger):
        msg = f"{path}: expected a TauAdv tagger, received a {type(model).__name__} named '{model.name}'"
        raise InputError(msg)
    return model
