"""Jets of arrays that somebody made: physical values of the input columns, cleaned and scaled as those of a file are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TauAdv.errors import InputError
from TauAdv.jets.cleaning import clean
from TauAdv.jets.features import JetFeatures
from TauAdv.tuples.branches.numbers import as_array, numbers

__all__ = ["features_of_arrays"]


def features_of_arrays(arrays: Any, features: JetFeatures) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return scaled inputs float32 [n, f], and where they are defaults.

    Args:
        arrays: physical values [n, f] in the order of ``features.names``; or a mapping (also a data frame) from these names
            to one value per jet. What is absent is NaN.
        features: default and scaling of each.

    Raises:
        InputError: if it is neither, columns are missing, or they have other shapes.
    """
    values = _by_name(arrays, features) if hasattr(arrays, "keys") else _numbers(arrays, "jets")
    if values.ndim != 2 or values.shape[1] != len(features):
        shown = ", ".join(features.names[:3])
        msg = f"jets: expected an array [n, {len(features)}] ({shown}, ...), received the shape {list(values.shape)}"
        raise InputError(msg)
    with np.errstate(over="ignore"):  # infinite is absent
        cleaned, absent = clean(values.astype(np.float32), features.default)
    return features.scale(cleaned, absent), absent


def _by_name(arrays: Mapping[str, Any], features: JetFeatures) -> NDArray[Any]:
    given = set(arrays.keys())
    if missing := [name for name in features.names if name not in given]:
        shown = ", ".join(missing[:6]) + (" ..." if len(missing) > 6 else "")
        msg = f"jets: {len(missing)} of {len(features)} columns are missing: {shown}"
        raise InputError(msg)
    columns = {name: _numbers(arrays[name], f"column {name}") for name in features.names}
    lengths = {name: values.shape for name, values in columns.items()}
    first = next(iter(lengths))
    if wrong := [name for name, shape in lengths.items() if len(shape) != 1 or shape != lengths[first]]:
        msg = f"jets: column {wrong[0]} has the shape {list(lengths[wrong[0]])}, and {first} has {list(lengths[first])}"
        raise InputError(f"{msg}; expected one value per jet")
    return np.stack(list(columns.values()), axis=1)


def _numbers(values: Any, what: str) -> NDArray[Any]:
    return numbers(as_array(values, what), what)
