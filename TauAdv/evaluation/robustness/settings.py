"""Settings of a study of robustness: which disturbances, how strong, and what is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from TauAdv.attacks.options import AttackSettings
from TauAdv.config import Settings, load_settings
from TauAdv.config.quantities import Count, NotNegative
from TauAdv.errors import nearest

__all__ = ["RAW", "RobustnessSettings", "load_robustness_settings"]

_SHIPPED = "robustness"
RAW = "raw"
"""Name of the inputs as they are."""

Rate = Annotated[float, Field(gt=0, lt=1)]
Edges = Annotated[tuple[float, ...], Field(min_length=2)]


class RobustnessSettings(Settings):
    """What is done to the inputs, and how the outcome is measured.

    Attributes:
        disturbances: name -> attack; each is made with every run for itself (noise and systematic variations do not depend
            on the run).
        scanned: names of disturbances that are repeated at other ``eps``.
        eps: values of that scan.
        by_epoch: names of disturbances, made with the model of each epoch.
        shapes: names of disturbances whose score and input shapes are drawn.
        mistags: fractions of background at which signal efficiencies are given.
        discriminators: names; default: all of the tagger's.
        weighted: use the weights of the set (``False``: every jet counts 1).
        pt_edges: bins of pt, in GeV.
        abs_eta_edges: bins of abs(eta).
        rows: most jets of the set; default: all. Sets are shuffled, so the first ones are a fair sample.
        scan_rows: most jets in the scan, for each epoch and in the shapes of inputs.
        most_epochs: models of epochs that are looked at, evenly spread over the training.
        bins: of score and input shapes.
        input_variables: names or patterns of the inputs that are drawn, without the target column.
        bootstrap: samples.
        batch_size: jets attacked together.
        seed: of noise, random starts and bootstrap.
    """

    disturbances: dict[str, AttackSettings]
    scanned: tuple[str, ...] = ()
    eps: Annotated[tuple[NotNegative, ...], Field(min_length=1)] = (0.0, 0.01, 0.02, 0.05, 0.1)
    by_epoch: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    mistags: Annotated[tuple[Rate, ...], Field(min_length=1)] = (0.1, 0.01, 0.001)
    discriminators: tuple[str, ...] | None = None
    weighted: bool = False
    pt_edges: Edges = (20.0, 30.0, 45.0, 70.0, 110.0, 200.0, 1000.0)
    abs_eta_edges: Edges = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
    rows: Count | None = None
    scan_rows: Count = 50_000
    most_epochs: Count = 20
    bins: Count = 50
    input_variables: tuple[str, ...] = (
        *("jet_*", "vertex_*", "delta_r_vertex", "track_[23]_[dz]0_significance"),
        *("track_0_[DZ]0", "track_0_PHI", "track_0_THETA", "track_0_D0D0", "track_0_Z0Z0", "track_0_vertex_displacement"),
    )
    bootstrap: Annotated[int, Field(ge=2)] = 100
    batch_size: Count = 2048
    seed: Annotated[int, Field(ge=0)] = 1

    @field_validator("disturbances", mode="before")
    @classmethod
    def _require_kinds(cls, content: Any) -> Any:
        """Refuse disturbances of no kind: a misspelt name on the command line would be one more disturbance."""
        if not isinstance(content, Mapping):
            return content
        unknown = [name for name, attack in content.items() if isinstance(attack, Mapping) and "kind" not in attack]
        known = [str(name) for name in content if name not in unknown]
        if unknown:
            raise ValueError("\n".join(_of_no_kind(str(name), known) for name in unknown))
        return content

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the settings that do not go together."""
        known = self.disturbances or {}  # none, while the messages for a file that is not accepted are collected
        if RAW in known:
            yield ("disturbances",), f"disturbances: '{RAW}' is the name of the inputs as they are; choose another"
        for key in ("scanned", "by_epoch", "shapes"):
            if missing := sorted(set(getattr(self, key)) - set(known)):
                text = f"{key}: no disturbance '{missing[0]}'; there are {', '.join(known) or 'none'}"
                yield (key, "disturbances"), text
        for key in ("pt_edges", "abs_eta_edges"):
            edges = getattr(self, key)
            if any(low >= high for low, high in pairwise(edges)):
                yield (key,), f"{key}: expected increasing edges, received {list(edges)}"

    @property
    def transferred(self) -> list[str]:
        """Names of disturbances that depend on the model they are made with."""
        return [name for name, attack in self.disturbances.items() if attack.needs_gradient]

    def at_eps_one(self, name: str) -> AttackSettings:
        """Return a disturbance whose (largest) eps is 1, to be multiplied by a strength."""
        attack = self.disturbances[name]
        if isinstance(attack.eps, float):
            return attack.model_copy(update={"eps": 1.0})
        largest = max(attack.eps.values(), default=0.0) or 1.0
        return attack.model_copy(update={"eps": {key: value / largest for key, value in attack.eps.items()}})


def _of_no_kind(name: str, known: list[str]) -> str:
    example = f"such as disturbances.{name}.kind=fgsm"
    if not known:
        return f"{name}: its kind is missing, {example}"
    there = f"there are {', '.join(known)}"
    return f"{name}: no such disturbance{nearest(name, known)}; {there}; a new one needs its kind, {example}"


def load_robustness_settings(path: Path | str | None = None, overrides: Iterable[str] = ()) -> RobustnessSettings:
    """Return the settings of a YAML file, or the shipped ones, with ``key=value`` overrides.

    Raises:
        ConfigError: lists every unknown key, wrong type and bad value, a negative eps among them.
    """
    return load_settings(RobustnessSettings, _SHIPPED if path is None else path, overrides)
