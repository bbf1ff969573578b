"""The control region: the one file that says what it is made of, how it is mixed, and what its pT spectra shall be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from TauAdv.config import Settings, load_settings
from TauAdv.config.paths import expanded
from TauAdv.config.shipped import config_file
from TauAdv.domain.contributions.agreement import Statement
from TauAdv.domain.contributions.contribution import Contribution, require_consistent
from TauAdv.errors import ConfigError, nearest

__all__ = ["ControlRegion", "Mixed", "NamedRegion", "Target", "load_control_region"]

#: Shares are written with a few digits, so their sum may be a little above 1.
_LARGEST_SUM = 1.01


class Mixed(Settings):
    """How a contribution is mixed.

    Attributes:
        files: file, folder, glob, list, or several of these; relative names start from the input folder of the mixing.
        per_batch: taus of it in a batch.
    """

    files: str | tuple[str, ...]
    per_batch: int = Field(ge=1)


class Target(Settings):
    """The spectrum that pT weights give a contribution of simulation: one of the two.

    Attributes:
        target: histogram in the target file, ``REGION/PROCESS``.
        fraction: share of the data spectrum.
    """

    target: str | None = None
    fraction: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _one(self) -> Target:
        if (self.target is None) == (self.fraction is None):
            msg = "give either target (a histogram) or fraction (of the data spectrum)"
            raise ValueError(msg)
        return self


class ControlRegion(Settings):
    """What a control region is made of.

    Attributes:
        contributions: in the order of the stack of plots, from bottom to top.
        mixing: name -> how it is mixed, in the order within a batch; empty: this file says nothing of a mixing.
        targets: name of simulation -> the spectrum that pT weights give it; empty: this file says nothing of pT weights.
    """

    contributions: tuple[Contribution, ...] = Field(min_length=1)
    mixing: dict[str, Mixed] = Field(default_factory=dict)
    targets: dict[str, Target] = Field(default_factory=dict)

    _source: str = PrivateAttr(default="the control region")

    @model_validator(mode="after")
    def _check(self) -> ControlRegion:
        require_consistent(self.contributions)
        names = [entry.name for entry in self.contributions]
        simulated = [entry.name for entry in self.contributions if not entry.data]
        _require_names("mixing", self.mixing, names)
        _require_names("targets", self.targets, simulated)
        total = sum(target.fraction or 0 for target in self.targets.values())
        if total > _LARGEST_SUM:
            msg = f"targets: the fractions sum to {total:g}; shares of the data spectrum cannot be more than 1 together"
            raise ValueError(msg)
        return self

    @property
    def statement(self) -> Statement:
        """What it says of its contributions."""
        return Statement(self._source, self.contributions)

    def named(self, name: str) -> Contribution:
        """Return a contribution."""
        return next(entry for entry in self.contributions if entry.name == name)


def _require_names(group: str, given: Iterable[str], names: list[str]) -> None:
    """Refuse a group that is there, but not for just these contributions."""
    given = list(given)
    unknown = [f"{name}{nearest(name, names)}" for name in given if name not in names]
    missing = [name for name in names if name not in given]
    if given and (unknown or missing):
        what = [f"unknown {', '.join(unknown)}"] if unknown else []
        what += [f"missing {', '.join(missing)}"] if missing else []
        msg = f"{group}: expected an entry for each of {', '.join(names)}: {'; '.join(what)}"
        raise ValueError(msg)


def load_control_region(path: Path | str) -> ControlRegion:
    """Return the control region of a YAML file or shipped configuration; ``~`` at the beginning is replaced.

    Raises:
        ConfigError: lists everything that is wrong with it.
    """
    path = config_file(expanded(path))
    try:
        region = load_settings(ControlRegion, path)
    except ConfigError as error:
        if not _is_list(path):
            raise
        msg = f"{path}: a list; write 'contributions:' above it, then it is the file of a control region"
        raise ConfigError(msg) from error
    region._source = str(path)
    return region


def _is_list(path: Path | str) -> bool:
    """Return whether a file that is no mapping is a list, as files of contributions used to be."""
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines() if Path(path).is_file() else []
    return next((line for line in lines if line.strip() and not line.startswith(("#", "---"))), "").startswith(("- ", "["))


def _region(value: Any) -> Any:
    """Return the content of a file that is named; its problems, one a line, with its name."""
    if not isinstance(value, str | Path):
        return value
    try:
        return load_control_region(value)
    except ConfigError as error:
        _, *lines = str(error).splitlines()
        if not lines:
            raise
        raise ValueError("\n".join(f"{value}: {line.strip()}" for line in lines)) from error


#: Type of a setting that names the file of a control region; the settings hold its content. The settings class lists it in
#: ``from_own_folder``.
NamedRegion = Annotated[ControlRegion, BeforeValidator(_region)]
