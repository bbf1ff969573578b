"""Mixed precision: half-precision arithmetic in training, single precision everywhere else."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

__all__ = ["in_single_precision"]

ModelType = TypeVar("ModelType", bound=keras.Model)


def in_single_precision(model: ModelType) -> ModelType:
    """Return a model trained in mixed precision with the same weights and float32 arithmetic; any other as it is.

    The weights of such a model are float32 already, so that nothing is lost.
    """
    mixed = {name for layer in model.layers if (name := layer.dtype_policy.name).startswith("mixed_")}
    if not mixed:
        return model
    plain: ModelType = type(model).from_config(_with_policy(model.get_config(), mixed))
    plain.set_weights(model.get_weights())
    return plain


def _with_policy(config: Any, mixed: set[str]) -> Any:
    """Return a serialised configuration with float32 in place of the dtype policies ``mixed``."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy" and config["config"]["name"] in mixed:
            return {**config, "config": {**config["config"], "name": "float32"}}
        return {key: _with_policy(value, mixed) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_policy(value, mixed) for value in config)
    return config
