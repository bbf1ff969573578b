"""Which candidates of a prediction table are looked at: ranges of pt, eta and dz, and decay modes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from TauAdv.config import Settings
from TauAdv.evaluation.predictions.columns import finite_column

__all__ = ["SelectedRows", "TauSelection"]

Above = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class SelectedRows:
    """Rows that pass a selection.

    Attributes:
        passes: whether each row passes [n].
        cuts: cut, in words -> rows that are left after it.
        left_out: a line for every cut whose column the table does not have.
    """

    passes: NDArray[np.bool_]
    cuts: dict[str, int]
    left_out: tuple[str, ...]


class TauSelection(Settings):
    """Cuts on tau candidates; ``null`` is no cut.

    Attributes:
        pt: range in GeV, the upper end excluded.
        abs_eta: abs(eta) is below it.
        abs_dz: abs(dz) in cm is below it.
        not_decay_modes: decay modes that are left out.
    """

    pt: tuple[float, float] | None = (30.0, 80.0)
    abs_eta: Above | None = 2.3
    abs_dz: Above | None = 0.2
    not_decay_modes: tuple[int, ...] = (5, 6)

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        if self.pt is not None and not self.pt[0] < self.pt[1]:
            yield ("pt",), f"pt: expected a rising range, received {list(self.pt)}"

    def rows(self, table: pd.DataFrame) -> SelectedRows:
        """Return which rows of a prediction table pass.

        Raises:
            InputError: a value that is not finite.
        """
        passes, cuts, left_out = np.ones(len(table), bool), {}, []
        for column, text in self._texts():
            if column not in table:
                left_out.append(f"the cut {text} is left out: the predictions have no column {column}")
                continue
            passes = passes & self._passing(column, finite_column(table, column))
            cuts[text] = int(passes.sum())
        return SelectedRows(passes, cuts, tuple(left_out))

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield the column and the words of each cut."""
        if self.pt is not None:
            yield "tau_pt", f"{self.pt[0]:g} <= pt < {self.pt[1]:g} GeV"
        if self.abs_eta is not None:
            yield "tau_eta", f"|eta| < {self.abs_eta:g}"
        if self.abs_dz is not None:
            yield "tau_dz", f"|dz| < {self.abs_dz:g} cm"
        if self.not_decay_modes:
            yield "tau_decayMode", f"decay mode not {', '.join(map(str, self.not_decay_modes))}"

    def _passing(self, column: str, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        if column == "tau_decayMode":
            return ~np.isin(values, self.not_decay_modes)
        if column == "tau_pt" and self.pt is not None:
            return (values >= self.pt[0]) & (values < self.pt[1])
        limit = self.abs_eta if column == "tau_eta" else self.abs_dz
        return np.abs(values) < np.inf if limit is None else np.abs(values) < limit
