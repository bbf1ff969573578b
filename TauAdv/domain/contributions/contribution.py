"""What a control region is made of: each contribution's name, dataset id, label and colour, and what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, field_validator, model_validator

from TauAdv.config import Settings
from TauAdv.errors import InputError

__all__ = [
    "Contribution",
    "DatasetId",
    "NamedContribution",
    "check_dataset_ids",
    "data_id",
    "genuine_ids",
    "names_by_id",
    "require_consistent",
]

#: What a row of a mixed file carries; uint64 in ROOT, int64 in shards. No text, no true or false.
DatasetId = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
#: What the file of pT weights needs for itself.
_RESERVED = "closure"
_FORBIDDEN = "/;:"


class NamedContribution(Settings):
    """Name and number of a contribution; what else of it is known may be ``None``.

    Attributes:
        name: short name, also the key of its histogram in the file of pT weights.
        dataset_id: number that its rows carry.
        label: text of the legend (LaTeX in ``$``).
        color: any matplotlib colour.
        data: recorded data (drawn as points) rather than simulation.
        genuine: simulation whose candidates are genuine hadronic taus.
        uncertainty: of its yield, relative: 0.2 is 20 %. ``None``: not known, and not varied.
    """

    name: str
    dataset_id: DatasetId
    label: str | None = None
    color: str | None = None
    data: bool | None = None
    genuine: bool | None = None
    uncertainty: Annotated[float, Field(ge=0, lt=1)] | None = None

    @field_validator("name")
    @classmethod
    def _good_name(cls, name: str) -> str:
        if not name or name != name.strip() or not name.isprintable() or set(name) & set(_FORBIDDEN):
            msg = f"expected a name without '/', ';', ':' or blanks around it; received {name!r}"
            raise ValueError(msg)
        if name == _RESERVED:
            msg = f"'{name}' is a folder in the file of pT weights; choose another name"
            raise ValueError(msg)
        return name


class Contribution(NamedContribution):
    """One contribution: a process and the kind of object that was taken for a tau."""

    label: str
    color: str
    data: bool = False
    genuine: bool = False

    @field_validator("label")
    @classmethod
    def _drawable_label(cls, label: str) -> str:
        if problem := _label_problem(label):
            msg = f"{problem}; received {label!r}"
            raise ValueError(msg)
        return label

    @field_validator("color")
    @classmethod
    def _known_color(cls, color: str) -> str:
        from matplotlib.colors import is_color_like  # not at the top: loading takes longer than most steps need

        if not is_color_like(color) or color.lower() == "none":
            msg = f"expected a colour of matplotlib, such as red or '#bd1f01'; received {color!r}"
            raise ValueError(msg)
        return color

    @model_validator(mode="after")
    def _one_kind(self) -> Contribution:
        if self.data and self.genuine:
            msg = f"{self.name}: 'genuine' is known of simulation only; leave it out for data"
            raise ValueError(msg)
        if self.data and self.uncertainty is not None:
            msg = f"{self.name}: 'uncertainty' is that of simulation; leave it out for data"
            raise ValueError(msg)
        return self


def _label_problem(label: str) -> str:
    """Return why matplotlib would not draw a label in a legend, or an empty string."""
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser

    if not label.strip() or label.startswith("_"):
        return "expected text that does not begin with '_' (matplotlib leaves such entries out of a legend)"
    if not label.isprintable():
        return "expected one line of text"
    if is_math_text(label):
        try:
            MathTextParser("path").parse(label)
        except ValueError as error:
            return f"expected LaTeX that matplotlib can draw ({str(error).strip().splitlines()[-1]})"
    return ""


def require_consistent(contributions: Sequence[NamedContribution]) -> None:
    """Refuse names and dataset ids that occur twice, and a list that is not one contribution of data and some simulation.

    Raises:
        ValueError: names what is wrong.
    """
    for key in ("name", "dataset_id"):
        values = [getattr(entry, key) for entry in contributions]
        if twice := [value for value, count in Counter(values).items() if count > 1]:
            msg = f"every {key} may occur once; more than once: {', '.join(map(str, twice))}"
            raise ValueError(msg)
    data = [entry.name for entry in contributions if entry.data]
    if len(data) != 1:
        msg = f"exactly one contribution must have 'data: true'; received {', '.join(data) or 'none'}"
        raise ValueError(msg)
    if len(contributions) == 1:
        msg = "expected data and at least one contribution of simulation"
        raise ValueError(msg)


def data_id(contributions: Iterable[NamedContribution]) -> int:
    """Return the dataset id of data."""
    return next(entry.dataset_id for entry in contributions if entry.data)


def genuine_ids(contributions: Iterable[NamedContribution]) -> list[int]:
    """Return the dataset ids of genuine taus."""
    return [entry.dataset_id for entry in contributions if entry.genuine]


def names_by_id(contributions: Iterable[NamedContribution]) -> dict[int, str]:
    """Return dataset id -> name."""
    return {entry.dataset_id: entry.name for entry in contributions}


def check_dataset_ids(dataset_id: ArrayLike, names: Mapping[int, str], source: object = "") -> None:
    """Refuse rows of a contribution that is not listed.

    Args:
        dataset_id: of the rows.
        names: dataset id -> name of the contributions.
        source: what the rows are of, for the message.

    Raises:
        InputError: names the unknown dataset ids and their number of rows.
    """
    ids, counts = np.unique(np.asarray(dataset_id), return_counts=True)
    unknown = {number: rows for number, rows in zip(ids.tolist(), counts.tolist(), strict=True) if number not in names}
    if unknown:
        known: Any = ", ".join(f"{number} ({name})" for number, name in sorted(names.items()))
        prefix = f"{source}: " if source else ""
        msg = (
            f"{prefix}dataset_id: expected one of {known}; received {unknown} (id: rows); give the control region that the "
            "taus were mixed for"
        )
        raise InputError(msg)
