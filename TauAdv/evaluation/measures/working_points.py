"""Working points of a tau tagger: thresholds on the scores against e, mu and jet that give wanted efficiencies.

The procedure of TauMLTools: the threshold against one background is found on genuine taus that pass the loosest working
point against the other two, whose thresholds depend on it in turn. All are found anew until none moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from TauAdv.arguments import checked
from TauAdv.config import Settings, load_settings
from TauAdv.errors import InputError, nearest
from TauAdv.evaluation.finite_values import finite_values, first_rows
from TauAdv.evaluation.measures.statistics import Efficiency, efficiency, used_weights, weighted_quantile

__all__ = [
    "PUBLISHED",
    "SHIPPED",
    "Thresholds",
    "WorkingPoint",
    "WorkingPointSettings",
    "WorkingPoints",
    "derive_working_points",
]

#: background -> name of a working point -> threshold on the score; the score of a tau that passes is above
Thresholds = Mapping[str, Mapping[str, float]]
Rate = Annotated[float, Field(gt=0, lt=1)]

_NAMES = ("VVVLoose", "VVLoose", "VLoose", "Loose", "Medium", "Tight", "VTight", "VVTight")
SHIPPED = "working_points"
"""Configuration with the targets of TauMLTools."""
#: Published thresholds (arXiv:2511.05468), by the name of the network.
PUBLISHED: Mapping[str, Thresholds] = {
    "2018v2p5": {
        "e": dict(zip(_NAMES, (0.0917, 0.1754, 0.3410, 0.6403, 0.8359, 0.9529, 0.9829, 0.9931), strict=True)),
        "mu": dict(zip(_NAMES[2:6], (0.4432, 0.7568, 0.8825, 0.9360), strict=True)),
        "jet": dict(zip(_NAMES, (0.3569, 0.5910, 0.7842, 0.9167, 0.9600, 0.9781, 0.9877, 0.9927), strict=True)),
    }
}
_ROUNDING = 1e-5
# an efficiency that is reported: off by more than half a percent, or by half of what is rejected
_MOST_OFF, _OF_REJECTED = 0.005, 0.5


class WorkingPointSettings(Settings):
    """Which working points there are, and how their thresholds are found.

    Attributes:
        targets: background -> name of the working point -> efficiency of genuine taus.
        others: background -> working point against it that taus must pass when the thresholds against another are found.
        tolerance: the search ends when every threshold moves by less.
        rounds: most rounds of the search.
        decimals: thresholds are rounded to so many.
    """

    targets: dict[str, dict[str, Rate]]
    others: dict[str, str] = {}
    tolerance: Annotated[float, Field(gt=0)] = 1e-5
    rounds: Annotated[int, Field(ge=2)] = 100
    decimals: Annotated[int, Field(ge=1, le=16)] = 4

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        targets = self.targets or {}  # none, while the messages for a file that is not accepted are collected
        if empty := [name for name, points in targets.items() if not points]:
            yield ("targets",), f"targets.{empty[0]}: expected at least one working point"
        for background, name in self.others.items():
            if background not in targets:
                text = f"others.{background}: no targets against '{background}'{nearest(background, list(targets))}"
                yield ("others", "targets"), f"{text}; taus cannot be required to pass it"
            elif name not in (known := targets[background]):
                text = f"others.{background}: no working point '{name}'{nearest(name, list(known))}; there are"
                yield ("others", "targets"), f"{text} {', '.join(known)}"


@dataclass(frozen=True)
class WorkingPoint:
    """One working point.

    Attributes:
        background: what taus are told from.
        name: of the working point.
        target: efficiency that was wanted.
        threshold: rounded; a score above it passes.
        exact: threshold before it was rounded.
        reached: efficiency at the rounded threshold, of the taus that pass the points required of the other backgrounds.
    """

    background: str
    name: str
    target: float
    threshold: float
    exact: float
    reached: Efficiency

    @property
    def is_off(self) -> bool:
        """Whether the efficiency is clearly not the one wanted: scores are too coarse, or decimals too few."""
        return abs(self.reached.value - self.target) > min(_MOST_OFF, _OF_REJECTED * (1 - self.target))

    def __str__(self) -> str:
        reached = (
            f"{100 * self.reached.value:.4g} % of the taus are above {self.threshold:g}, wanted {100 * self.target:g} %"
        )
        why = f": their scores are too alike, or more decimals are needed (exact: {self.exact!r})" if self.is_off else ""
        return f"vs {self.background}, {self.name}: {reached}{why}"


@dataclass(frozen=True)
class WorkingPoints:
    """Working points of a tagger.

    Attributes:
        points: of all backgrounds, in the order of the settings.
        taus: number of genuine taus that they were found on.
        rounds: that the search took.
    """

    points: tuple[WorkingPoint, ...]
    taus: int
    rounds: int

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """Background -> name -> rounded threshold."""
        found: dict[str, dict[str, float]] = {}
        for point in self.points:
            found.setdefault(point.background, {})[point.name] = point.threshold
        return found

    @property
    def warnings(self) -> list[str]:
        """A line for every working point whose efficiency is not the one wanted."""
        return [str(point) for point in self.points if point.is_off]


@checked
def derive_working_points(
    scores: Mapping[str, ArrayLike], weights: ArrayLike | None = None, settings: WorkingPointSettings | None = None
) -> WorkingPoints:
    """Return the working points whose thresholds give the wanted efficiencies on genuine taus.

    The threshold of an efficiency is the lowest score above which at most this part of the weight lies. Those of a round are
    found from the thresholds of the round before; the first round requires nothing of the other backgrounds.

    Args:
        scores: background -> scores of the same genuine taus [n], between 0 and 1.
        weights: of the taus [n]; default: 1.
        settings: see :class:`WorkingPointSettings`; default: the shipped ones.

    Raises:
        InputError: no taus, scores of a background are missing, not finite or outside of [0, 1], negative weights, a
            requirement that no tau passes, or thresholds that still move after the last round.
    """
    settings = settings or load_settings(WorkingPointSettings, SHIPPED)
    found = {name: _probabilities(scores, name) for name in settings.targets}
    sizes = {name: len(values) for name, values in found.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        msg = f"working points: expected scores of the same taus against every background; received {sizes}"
        raise InputError(msg)
    weight = used_weights(weights, next(iter(sizes.values())), "genuine taus")
    search = _Search(found, weight, settings)
    exact, rounds = search.run()
    rounded = {
        name: {key: round(value, settings.decimals) for key, value in points.items()} for name, points in exact.items()
    }
    points = []
    for name, targets in settings.targets.items():
        rows = search.passing_others(name, rounded)
        for key, target in targets.items():
            reached = efficiency(found[name][rows] > rounded[name][key], weight[rows])
            points.append(WorkingPoint(name, key, target, rounded[name][key], exact[name][key], reached))
    return WorkingPoints(tuple(points), len(weight), rounds)


def _probabilities(scores: Mapping[str, ArrayLike], name: str) -> NDArray[np.float64]:
    if name not in scores:
        msg = f"working points: no scores against {name}; there are those against {', '.join(scores) or 'nothing'}"
        raise InputError(msg)
    values = finite_values(scores[name], f"scores against {name}")
    if (bad := (values < -_ROUNDING) | (values > 1 + _ROUNDING)).any():
        msg = f"scores against {name}: {int(bad.sum())} of {len(values)} are not between 0 and 1, {first_rows(bad)}"
        raise InputError(msg)
    return values


@dataclass(frozen=True)
class _Search:
    scores: Mapping[str, NDArray[np.float64]]
    weights: NDArray[np.float64]
    settings: WorkingPointSettings

    def run(self) -> tuple[dict[str, dict[str, float]], int]:
        """Return thresholds that do not move any more, and the number of rounds."""
        before: dict[str, dict[str, float]] = {}
        moved: dict[tuple[str, str], float] = {}
        for number in range(self.settings.rounds):
            found = {name: self._thresholds(name, before) for name in self.settings.targets}
            moved = {(name, key): abs(found[name][key] - before[name][key]) for name in before for key in found[name]}
            if moved and max(moved.values()) < self.settings.tolerance:
                return found, number + 1
            before = found
        (name, key), most = max(moved.items(), key=lambda entry: entry[1])
        msg = (
            f"working points: after {self.settings.rounds} rounds the threshold of {key} against {name} still moves by "
            f"{most:.2g}, expected less than {self.settings.tolerance:g}; {len(self.weights)} taus may be too few for these "
            "efficiencies: give more taus, a larger tolerance or more rounds"
        )
        raise InputError(msg)

    def passing_others(self, background: str, thresholds: Thresholds) -> NDArray[np.bool_]:
        """Return the taus that pass what is required of the other backgrounds; without thresholds all do."""
        rows = np.ones(len(self.weights), bool)
        for name, key in self.settings.others.items():
            if name != background and name in thresholds:
                rows &= self.scores[name] > thresholds[name][key]
        if not self.weights[rows].sum() > 0:
            required = ", ".join(f"{key} against {name}" for name, key in self.settings.others.items() if name != background)
            msg = (
                f"working points against {background}: none of {len(rows)} taus passes {required}; their scores are all "
                "equal or too alike: look at them, or leave the requirement out (others)"
            )
            raise InputError(msg)
        return rows

    def _thresholds(self, background: str, before: Thresholds) -> dict[str, float]:
        rows, targets = self.passing_others(background, before), self.settings.targets[background]
        quantiles = weighted_quantile(
            self.scores[background][rows], 1 - np.array(list(targets.values())), self.weights[rows]
        )
        return dict(zip(targets, quantiles.tolist(), strict=True))
