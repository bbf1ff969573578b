"""How disturbances change the distributions of the inputs: histograms in physical units, and their divergence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import hist
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from TauAdv.errors import InputError
from TauAdv.evaluation.robustness.attacked import AttackedBatch
from TauAdv.evaluation.robustness.settings import RAW
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.histograms import axis_label

__all__ = ["InputShapes", "kl_divergence"]

_TAILS = (0.005, 0.995)


def kl_divergence(raw: ArrayLike, disturbed: ArrayLike) -> float:
    """Return the Kullback-Leibler divergence sum p ln(p/q) of binned counts: p the raw ones, q the disturbed, normalised.

    A disturbed count of 0 where the raw one is not is set to 1 (arXiv:2203.13890). 0 without raw counts.

    Raises:
        InputError: counts of different shapes, or below 0.
    """
    p, q = (np.asarray(values, np.float64) for values in (raw, disturbed))
    if p.shape != q.shape or (p < 0).any() or (q < 0).any():
        msg = f"divergence of counts: expected two equal shapes and no negative counts, received {p.shape} and {q.shape}"
        raise InputError(msg)
    filled = p > 0
    if not filled.any():
        return 0.0
    q = np.where(filled & (q == 0), 1.0, q)
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum(p[filled] * np.log(p[filled] / q[filled])))


@dataclass
class InputShapes:
    """Histograms of jet inputs by disturbance, run and flavour; fill them with :meth:`observe`.

    Defaults and padding are left out: they never move.

    Attributes:
        features: of the set.
        patterns: names or patterns of the inputs to look at.
        bins: of every histogram, over the plot range of the table, or 99 % of the first batch where it gives none.
        most_rows: rows beyond are left out.
        weighted: whether rows count with their weights.
    """

    features: JetFeatures
    patterns: Sequence[str]
    bins: int = 50
    most_rows: int = 50_000
    weighted: bool = False
    rows: int = field(default=0, init=False)
    _ranges: NDArray[np.float64] | None = field(default=None, init=False)
    _sums: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        chosen: list[int] = []
        for pattern in self.patterns:
            found = [number for number, name in enumerate(self.features.names) if fnmatchcase(name, pattern)]
            if not found:
                msg = f"input_variables: no input '{pattern}' among {len(self.features)}: {self.features.names[0]}, ..."
                raise InputError(msg)
            chosen += found
        self._chosen = np.array(list(dict.fromkeys(chosen)))

    @property
    def names(self) -> list[str]:
        """Names of the inputs."""
        return [self.features.names[number] for number in self._chosen]

    def observe(self, attacked: AttackedBatch) -> None:
        """Add a batch."""
        if attacked.rows.start >= self.most_rows:
            return
        absent = np.asarray(attacked.clean["x_default"])[:, self._chosen]
        if self._ranges is None:
            self._ranges = self._find_ranges(self._physical(attacked.clean), absent)
        label = attacked.columns["label"].astype(np.int64)
        weight = attacked.columns["weight"] if self.weighted else np.ones(len(label))
        sums = self._count(self._physical(attacked.inputs), absent, label, weight.astype(np.float64))
        key = (attacked.disturbance, attacked.model)
        self._sums[key] = self._sums.get(key, 0) + sums
        self.rows = max(self.rows, attacked.rows.stop)

    def _physical(self, batch: dict[str, Any]) -> NDArray[np.float64]:
        return self.features.unscale(np.asarray(batch["x"]))[:, self._chosen]

    def _find_ranges(self, values: NDArray[np.float64], absent: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return lower and upper end of every histogram."""
        ranges = []
        for number, position in enumerate(self._chosen):
            given = self.features.columns[position].variable.range
            present = values[~absent[:, number], number]
            low, high = given or (np.quantile(present, _TAILS) if len(present) else (0.0, 1.0))
            ranges.append((low, high) if high > low else (low - 0.5, low + 0.5))
        return np.array(ranges, np.float64)

    def _count(
        self, values: NDArray[np.float64], absent: NDArray[np.bool_], label: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return sums of weights and of squared weights [2, inputs, classes, bins + 2], under- and overflow at the ends."""
        assert self._ranges is not None
        low, high = self._ranges.T
        place = np.clip(np.floor((values - low) / (high - low) * self.bins) + 1, 0, self.bins + 1).astype(np.int64)
        shape = (len(self._chosen), len(self.features.table.class_names), self.bins + 2)
        row, column = np.nonzero(~absent)
        index = np.ravel_multi_index((column, label[row], place[row, column]), shape)
        size = int(np.prod(shape))
        return np.stack([np.bincount(index, weight[row] ** power, size).reshape(shape) for power in (1, 2)])

    def histogram(self, name: str, run: str) -> hist.Hist:
        """Return the axes (disturbance, flavour, value) of an input as the disturbances of a run leave it.

        Raises:
            InputError: an input that was not looked at.
        """
        if name not in self.names or self._ranges is None:
            msg = f"no histogram of '{name}'; there are {', '.join(self.names)}"
            raise InputError(msg)
        number = self.names.index(name)
        column = self.features.columns[self._chosen[number]]
        found = self._of_run(run)
        filled = hist.Hist(
            hist.axis.StrCategory(list(found), name="disturbance"),
            hist.axis.StrCategory(list(self.features.table.class_names), name="flavour"),
            hist.axis.Regular(self.bins, *self._ranges[number], name="value", label=axis_label(column)),
            storage=hist.storage.Weight(),
        )
        view = filled.view(flow=True)
        for place, sums in enumerate(found.values()):
            size = sums.shape[2]
            view.value[place, :size], view.variance[place, :size] = sums[:, number]
        return filled

    def _of_run(self, run: str) -> dict[str, NDArray[np.float64]]:
        """Return disturbance -> sums, of what was made with the run, or with no run."""
        names = list(dict.fromkeys(name for name, _ in self._sums))
        made_with = {name: [made for n, made in self._sums if n == name] for name in names}
        return {
            name: self._sums[name, run if run in made_with[name] else made_with[name][0]]
            for name in names
            if run in made_with[name] or len(made_with[name]) == 1
        }

    def divergences(self, run: str) -> pd.DataFrame:
        """Return the divergence of every input from raw, by disturbance and flavour (``all``: all flavours together)."""
        found = self._of_run(run)
        flavours = list(self.features.table.class_names)
        rows = []
        for disturbance, sums in found.items():
            if disturbance == RAW:
                continue
            for number, name in enumerate(self.names):
                raw, now = (values[0, number, :, 1:-1] for values in (found[RAW], sums))
                pairs = {
                    "all": (raw.sum(axis=0), now.sum(axis=0)),
                    **dict(zip(flavours, zip(raw, now, strict=True), strict=True)),
                }
                for flavour, pair in pairs.items():
                    rows.append(
                        {"run": run, "disturbance": disturbance, "input": name, "flavour": flavour}
                        | {"kl": kl_divergence(*pair)}
                    )
        return pd.DataFrame(rows)
