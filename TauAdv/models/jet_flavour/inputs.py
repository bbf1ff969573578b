"""Random inputs of the jet-flavour network, and what it takes, in words that other software reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.jets.features import JetFeatures

__all__ = ["feature_text", "random_jets", "random_values"]

_LARGEST_VALUE = 5.0  # standard deviations
_ABSENT = 0.1  # share of the values

_RULE = (
    "a value is absent if it is not finite or not above its default; it becomes the default; "
    "then x = (value - mean) / std in double precision, rounded to float32"
)


def random_jets(n_features: int, n_jets: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return scaled inputs of random jets: normal values, cut at 5 standard deviations."""
    values = np.random.default_rng(seed).normal(size=(n_jets, n_features))
    return {"x": np.clip(values, -_LARGEST_VALUE, _LARGEST_VALUE).astype(np.float32)}


def random_values(features: JetFeatures, n_jets: int, seed: int) -> NDArray[np.float32]:
    """Return physical values float32 [n, f] of random jets; some are NaN, infinite, or the default."""
    rng = np.random.default_rng(seed)
    values = features.unscale(random_jets(len(features), n_jets, seed)["x"]).astype(np.float32)
    kind = rng.integers(0, 4, values.shape)
    absent = np.choose(kind, [np.nan, np.inf, -np.inf, features.default]).astype(np.float32)
    return np.where(rng.random(values.shape) < _ABSENT, absent, values)


def feature_text(features: JetFeatures) -> str:
    """Return JSON: the inputs in order, with default and scaling constants."""
    columns = zip(features.names, features.default.tolist(), features.mean.tolist(), features.std.tolist(), strict=True)
    rows = [
        {"position": place, "feature": name, "mean": mean, "std": std, "default": default}
        for place, (name, default, mean, std) in enumerate(columns)
    ]
    content = {
        "table": features.name,
        "digest": features.digest,
        "rule": _RULE + ("; x is 0 where a value is absent" if features.defaults_to_zero else ""),
        "axes": "jet, feature",
        "classes": list(features.table.class_names),
        "inputs": {"x": rows},
    }
    return json.dumps(content, indent=1) + "\n"
