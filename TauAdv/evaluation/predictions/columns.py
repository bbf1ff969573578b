"""What a prediction table must have, and whether its rows are what the contributions say."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from TauAdv.commands import command
from TauAdv.domain.contributions.contribution import Contribution, check_dataset_ids, data_id, names_by_id
from TauAdv.errors import InputError, InputWarning
from TauAdv.evaluation.finite_values import first_rows

__all__ = [
    "check_rows",
    "finite_column",
    "probability_column",
    "require_columns",
    "require_predictions",
    "warn_of_repeated_rows",
]

_PROBABILITIES = ("Djet", "y_pred_adv")
_ROUNDING = 1e-5
"""Of a probability in float32, or in the digits of a text file."""


def require_columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse a table that lacks columns.

    Raises:
        InputError: lists all missing columns.
    """
    missing = [name for name in names if name not in table.columns]
    if missing:
        msg = f"prediction table: missing columns {missing}; found {list(table.columns)}"
        if "dataset_id" in missing:  # TauMLTools read it again from the mixed file, by position
            msg += (
                "; which contribution a row is of is not in tables of TauMLTools: make the table again with "
                f"{command('apply')}, or add the column"
            )
        raise InputError(msg)


def require_predictions(table: pd.DataFrame, title: object) -> None:
    """Refuse a table that no step of ours wrote, and none of TauMLTools: its rows, its labels and its probabilities.

    Args:
        table: with numbers in its columns.
        title: what messages call it.

    Raises:
        InputError: a row or a column twice, a label that is no class, or a score that is no probability.
    """
    # pandas calls the second column of a name NAME.1
    if twice := [name for name in table.columns if name.endswith(".1") and name[:-2] in table.columns]:
        msg = f"{title}: column {twice[0][:-2]} is there twice"
        raise InputError(msg)
    if table.index.has_duplicates:
        index = table.index[table.index.duplicated()]
        msg = f"{title}: {len(index)} rows are there twice, such as row {index[0]}"
        raise InputError(msg)
    label = table["y"].to_numpy(dtype=np.float64)
    if (wrong := (label < 0) | (label != np.floor(label))).any():
        msg = f"{title}: column y: expected numbers of classes, 0, 1, ...; found {label[wrong][0]:g} {first_rows(wrong)}"
        raise InputError(msg)
    for name in (name for name in _PROBABILITIES if name in table.columns):
        probability_column(table, name)


def check_rows(table: pd.DataFrame, contributions: Sequence[Contribution]) -> None:
    """Refuse rows of a contribution that is not listed, and data that the contributions call simulation or the other way.

    Raises:
        InputError: names the dataset ids and their number of rows.
    """
    number = table["dataset_id"].to_numpy()
    check_dataset_ids(number, names_by_id(contributions), "prediction table")
    if "y" not in table or table["y"].max() > 1:
        return  # no label of a domain
    label, is_data = table["y"].to_numpy(), number == data_id(contributions)
    wrong = ((label == 1) & ~is_data) | ((label == 0) & is_data)
    if wrong.any():
        ids = ", ".join(map(str, np.unique(number[wrong]).tolist()))
        msg = (
            f"prediction table: {int(wrong.sum())} rows with dataset_id {ids} are data by their label y "
            "and simulation by the contributions, or the other way round; these are not the contributions of this set"
        )
        raise InputError(msg)


def warn_of_repeated_rows(table: pd.DataFrame) -> None:
    """Warn of rows that are equal in all columns: a table that was joined with itself gives errors that are too small."""
    if repeated := int(table.duplicated().sum()):
        msg = f"prediction table: {repeated} of {len(table)} rows are there before, equal in all columns; each counts"
        warnings.warn(f"{msg}; table.drop_duplicates() leaves them out", InputWarning, stacklevel=3)


def finite_column(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column as float64.

    Raises:
        InputError: if a value is no finite number: no bin and no sum could hold it.
    """
    try:
        values = table[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"prediction table: column '{name}': expected numbers, received {table[name].dtype}"
        raise InputError(msg) from error
    _refuse(~np.isfinite(values), name, "are not finite")
    return values


def probability_column(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column of probabilities as float64.

    Raises:
        InputError: if a value is not finite, or not between 0 and 1.
    """
    values = finite_column(table, name)
    _refuse((values < -_ROUNDING) | (values > 1 + _ROUNDING), name, "are no probabilities between 0 and 1")
    return values


def _refuse(bad: NDArray[np.bool_], name: str, what: str) -> None:
    if bad.any():
        msg = f"prediction table: {int(bad.sum())} of {len(bad)} values of '{name}' {what}, {first_rows(bad)}"
        msg += "; make the table again"
        raise InputError(msg)
